import asyncio
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.evidence.leaf import GENESIS_PREV, decode_leaf
from lawgate.evidence.merkle import leaf_hash
from lawgate.ports import EntryDraft, Gap, IndexRow, PartDraft
from lawgate.store.opening import Store
from lawgate.store.recorder import StoreRecorder
from lawgate.store.writer import JournalWriter
from tests.store_world import NOW, RETENTION, World, exchange_id, intent, outcome, record_exchanges


def fill_disk(store: Store) -> None:
    """No page more than there are: what a full disk looks like to SQLite."""
    connection = writer_of(store).connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")


def empty_disk(store: Store) -> None:
    writer_of(store).connection.execute("PRAGMA max_page_count=1000000")


def writer_of(store: Store) -> JournalWriter:
    return store._writer


async def test_a_node_numbers_its_entries_and_chains_them(world: World) -> None:
    async with world.node() as store:
        recorded = [await store.recorder.record(intent(number)) for number in range(3)]
    with world.reader() as reader:
        leaves = [entry.row.leaf for entry in reader.entries(newest_first=False)]
    read = [decode_leaf(leaf) for leaf in leaves]
    assert [leaf.nseq for leaf in read] == [entry.nseq for entry in recorded] == [0, 1, 2]
    assert [leaf.nprev for leaf in read] == [GENESIS_PREV, *[leaf_hash(leaf) for leaf in leaves[:2]]]
    assert [entry.leaf_hash for entry in recorded] == [leaf_hash(leaf) for leaf in leaves]
    assert read[0].retention == "c30e365"


async def test_the_sequence_goes_on_after_a_restart(world: World) -> None:
    async with world.node() as store:
        first = await store.recorder.record(intent(1))
    async with world.node() as store:
        second = await store.recorder.record(intent(2))
    with world.reader() as reader:
        leaf = decode_leaf(list(reader.entries(newest_first=False))[1].row.leaf)
    assert (second.nseq, leaf.nprev) == (1, first.leaf_hash)


async def test_concurrent_entries_share_commits_and_all_are_there(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, range(100))
    with world.reader() as reader:
        assert len(list(reader.entries())) == 200


async def test_intent_and_outcome_share_an_owner_key_and_exchanges_do_not(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1, 2])
    with world.reader() as reader:
        owners = [{entry.row.owner for entry in reader.exchange(exchange_id(number))} for number in (1, 2)]
    assert [len(owner) for owner in owners] == [1, 1]
    assert owners[0] != owners[1]


async def test_an_entry_about_an_exchange_takes_a_key_and_names_of_its_own(world: World) -> None:
    async with world.node() as store:
        await store.recorder.record(intent(1))
        about = IndexRow(exchange_id(1), principal="os|auditor")
        await store.recorder.record(EntryDraft("read", NOW, RETENTION, (PartDraft("meta", b"{}"),), about))
    with world.reader() as reader:
        of_it, read = reader.exchange(exchange_id(1))
    assert of_it.row.owner != read.row.owner
    assert of_it.row.principal != read.row.principal


async def test_content_and_evidence_expire_under_different_buckets(world: World) -> None:
    async with world.node() as store:
        await store.recorder.record(intent(1))
    with world.reader() as reader:
        (entry,) = reader.entries()
        buckets = {part.label: part.bucket for part in entry.part_rows()}
    assert buckets["meta"] != buckets["request"]


async def test_a_draft_that_is_no_leaf_fails_alone_and_leaves_no_gap(world: World) -> None:
    bad = EntryDraft("intent", NOW, RETENTION, (), IndexRow(), {"id": "taken"})
    async with world.node() as store:
        results = await asyncio.gather(
            store.recorder.record(intent(1)),
            store.recorder.record(bad),
            store.recorder.record(intent(2)),
            return_exceptions=True,
        )
        assert isinstance(results[1], EvidenceError)
        assert not isinstance(results[1], StoreUnavailableError)
        assert store.recorder.healthy() is None
    with world.reader() as reader:
        assert [entry.row.nseq for entry in reader.entries(newest_first=False)] == [0, 1]


async def test_a_label_that_is_no_label_is_refused(world: World) -> None:
    draft = EntryDraft("intent", NOW, RETENTION, (PartDraft("Not A Label", b""),))
    async with world.node() as store:
        await store.recorder.record(intent(1))
        with pytest.raises(EvidenceError, match="cannot be sealed"):
            await store.recorder.record(draft)


async def test_one_pass_is_one_commit_in_the_order_of_the_calls(world: World) -> None:
    async with world.node(keys_ahead=64) as store:
        await record_exchanges(store, [0])  # opens the day's buckets
        futures = [store.recorder.record(intent(number)) for number in range(1, 21)]
        recorded = await asyncio.gather(*futures)
        rows = writer_of(store).connection.execute("SELECT entries FROM groups ORDER BY seq").fetchall()
    assert [entry.nseq for entry in recorded] == list(range(2, 22))
    assert rows[-1] == (20,)


async def test_a_draft_that_cannot_be_sealed_fails_alone_in_its_pass(world: World) -> None:
    bad = EntryDraft("intent", NOW, RETENTION, (PartDraft("Not A Label", b"{}"),), IndexRow(exchange_id(9)))
    async with world.node() as store:
        await record_exchanges(store, [0])
        futures = [store.recorder.record(draft) for draft in (intent(1), bad, intent(2))]
        results = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["RecordedEntry", "EvidenceError", "RecordedEntry"]


async def test_whatever_goes_wrong_in_sealing_reaches_its_caller(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.node() as store:
        await record_exchanges(store, [0])
        with monkeypatch.context() as patch:
            patch.setattr("lawgate.store.recorder.seal_parts", lambda *_: 1 // 0)
            with pytest.raises(ZeroDivisionError):
                await store.recorder.record(intent(1))
        assert (await store.recorder.record(intent(2))).nseq == 2


async def test_closing_seals_what_the_pass_brought(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [0])
        last = store.recorder.record(intent(1))
    assert (await last).nseq == 2


async def test_the_pool_may_run_dry(world: World) -> None:
    async with world.node(keys_ahead=1) as store:
        await record_exchanges(store, range(50))
    with world.reader() as reader:
        assert len({entry.row.owner for entry in reader.entries()}) == 50


async def test_without_keys_nothing_is_recorded_and_it_says_so(world: World) -> None:
    async with world.node(keys_ahead=2) as store:
        store.keys._db.execute("PRAGMA query_only=ON")
        results = await asyncio.gather(*[store.recorder.record(intent(n)) for n in range(9)], return_exceptions=True)
        refused = [result for result in results if isinstance(result, BaseException)]
        assert refused
        assert all(isinstance(result, StoreUnavailableError) for result in refused)
        assert "keys.db" in (store.recorder.healthy() or "")
        store.keys._db.execute("PRAGMA query_only=OFF")
        await store.recorder.record(intent(10))
        assert store.recorder.healthy() is None
        gap = store.recorder.take_gap()
        assert gap is not None
        assert gap.refused == len(refused)


async def test_a_full_disk_refuses_says_why_and_recovers_by_itself(world: World) -> None:
    async with world.node() as store:
        first = await store.recorder.record(intent(1))
        fill_disk(store)
        failed = await asyncio.gather(*[store.recorder.record(intent(n)) for n in range(40)], return_exceptions=True)
        assert any(isinstance(result, StoreUnavailableError) for result in failed)
        refused = [result for result in failed if isinstance(result, BaseException)]
        with pytest.raises(StoreUnavailableError, match="free disk space"):
            await store.recorder.probe()
        assert "SQLITE_FULL" in (store.recorder.healthy() or "")
        assert store.recorder.take_gap() is None  # not over yet
        empty_disk(store)
        await store.recorder.probe()
        assert store.recorder.healthy() is None
        gap = store.recorder.take_gap()
        assert gap is not None
        assert gap.refused == len(refused)
        assert gap.since <= gap.until
        assert store.recorder.take_gap() is None
        later = await store.recorder.record(outcome(1, first))
    with world.reader() as reader:
        assert [entry.row.nseq for entry in reader.entries(newest_first=False)] == list(range(later.nseq + 1))


async def test_a_failed_outcome_can_be_recorded_again_under_the_same_key(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        writer_of(store).connection.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreUnavailableError, match="SQLITE_READONLY"):
            await store.recorder.record(outcome(1, recorded))
        writer_of(store).connection.execute("PRAGMA query_only=OFF")
        again = await store.recorder.record(outcome(1, recorded))
    with world.reader() as reader:
        entries = reader.exchange(exchange_id(1))
    assert again.nseq == 1
    assert len({entry.row.owner for entry in entries}) == 1


async def test_what_was_refused_without_asking_is_counted(world: World) -> None:
    async with world.node() as store:
        writer_of(store).connection.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreUnavailableError):
            await store.recorder.record(intent(1))
        store.recorder.count_refused(2)
        writer_of(store).connection.execute("PRAGMA query_only=OFF")
        await store.recorder.probe()
        gap = store.recorder.take_gap()
        assert isinstance(gap, Gap)
        assert gap.refused == 3


async def test_a_cancelled_caller_does_not_disturb_its_group(world: World) -> None:
    async with world.node() as store:
        await store.recorder.record(intent(0))
        leaving = asyncio.ensure_future(store.recorder.record(intent(1)))
        staying = asyncio.ensure_future(store.recorder.record(intent(2)))
        leaving.cancel()
        assert (await staying).nseq in (1, 2)


async def test_after_closing_nothing_is_taken(world: World) -> None:
    async with world.node() as store:
        await store.recorder.record(intent(1))
    with pytest.raises(StoreUnavailableError, match="closed"):
        await store.recorder.record(intent(2))


async def test_an_unattached_recorder_refuses(world: World) -> None:
    async with world.node() as store:
        recorder = StoreRecorder(store._pool, bytes(32), asyncio.get_running_loop())
        await store.recorder.record(intent(1))
        with pytest.raises(StoreUnavailableError, match="not open"):
            await recorder.record(intent(1))


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_nothing_that_names_a_person_lies_in_clear_on_disk(world: World, tmp_path: Path) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await windows.journal([("answer", b"alice.planted@northwind.example answers")])
        await store.recorder.record(outcome(1, recorded, windows))
        snapshot = {path: path.read_bytes() for path in files_under(tmp_path) if path.suffix != ".lock"}
    world.integrate()
    snapshot |= {path: path.read_bytes() for path in files_under(tmp_path)}
    names = (b"alice", b"planted", b"bob@x", b"idp.example")
    assert [(path.name, name) for path, data in snapshot.items() for name in names if name in data] == []
