import asyncio
from dataclasses import replace

import msgspec
import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.store.filters import EntryFilter
from lawgate.store.housekeeping import Housekeeping
from lawgate.store.reader import StoreReader, without_hole
from tests.store_world import ORIGIN, RETENTION, SECRET_WORDS, World, exchange_id, intent, outcome, record_exchanges
from tests.unit.store.test_housekeeping import Patient


async def test_the_tail_is_found_before_it_is_indexed_and_each_entry_once(world: World) -> None:
    async with world.node("gw-1") as one, world.node("gw-2") as two:
        await record_exchanges(one, range(3))
        world.integrate()
        await record_exchanges(two, range(10, 12))
        with world.reader() as reader:
            found = list(reader.entries())
            assert [entry.index for entry in found] == [None] * 4 + [5, 4, 3, 2, 1, 0]
            assert [entry.index for entry in reader.entries(newest_first=False)] == [0, 1, 2, 3, 4, 5] + [None] * 4
            assert len(list(reader.entries(limit=5))) == 5
            assert (reader.snapshot().size, reader.origin) == (6, ORIGIN)


async def test_what_is_indexed_while_it_is_read_is_neither_lost_nor_doubled(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, range(5))
        for newest_first in (True, False):
            with world.reader() as reader:
                entries = reader.entries(newest_first=newest_first)
                found = [next(entries).row.id]
                world.integrate()
                found += [entry.row.id for entry in entries]
            assert len(set(found)) == len(found)
            await record_exchanges(store, range(20, 22))


async def test_rows_pruned_between_two_looks_are_not_taken_for_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.node() as store:
        await record_exchanges(store, range(3))
        with world.reader() as reader:
            looks = 0
            nodes = reader._journals.nodes

            def prune_meanwhile() -> list[str]:
                nonlocal looks
                looks += 1
                if looks == 1:
                    world.integrate()
                    tidy = Housekeeping(world.paths, "gw-1", Patient())
                    tidy.prune()
                    tidy.close()
                return nodes()

            monkeypatch.setattr(reader._journals, "nodes", prune_meanwhile)
            assert len(list(reader.entries())) == 6
            assert looks >= 1


async def test_rows_that_were_removed_are_an_error(world: World) -> None:
    async with world.node() as store:
        for number in range(4):
            await store.recorder.record(intent(number))
    world.tamper(world.paths.journal("gw-1"), "DELETE FROM groups WHERE seq = 2")
    with world.reader() as reader, pytest.raises(EvidenceError, match="rows were removed"):
        list(reader.entries())


async def test_parts_open_with_keys_and_say_when_a_key_was_destroyed(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1, 2])
    with world.reader() as reader, world.keys() as keys:
        entry = reader.exchange(exchange_id(1))[0]
        parts = reader.open_parts(entry)
        assert parts["request"].plaintext == SECRET_WORDS * 3
        assert SECRET_WORDS.decode() not in repr(parts)
        keys.destroy_owners([entry.row.owner])
        destroyed = reader.open_parts(entry)
        assert all(part.destroyed and part.plaintext is None for part in destroyed.values())
        assert all(part.plaintext for part in reader.open_parts(reader.exchange(exchange_id(2))[0]).values())


async def test_a_destroyed_bucket_takes_the_content_and_leaves_the_evidence(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1])
    with world.reader() as reader:
        request = reader.exchange(exchange_id(1))[0].part_rows()[1]
    world.tamper(world.paths.key_database, f"DELETE FROM bucket_keys WHERE id = {request.bucket}")
    with world.reader() as reader:
        parts = reader.open_parts(reader.exchange(exchange_id(1))[0])
    assert (parts["request"].destroyed, parts["meta"].destroyed) == (True, False)


async def test_damage_is_said_and_not_raised(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        for text in (b"a", b"b", b"c"):
            await windows.journal([("answer", text)])
        await store.recorder.record(outcome(1, recorded, windows))
    world.integrate()
    world.tamper(world.paths.index, "DELETE FROM frames WHERE number = 1")
    with world.reader() as reader:
        entry = reader.exchange(exchange_id(1))[1]
        answer = reader.open_parts(entry)["answer"]
        assert (answer.plaintext, answer.damaged) == (None, "1 of 3 windows are there")
        (meta, series) = entry.part_rows()
        moved = reader.open_one(entry, 1, meta)
        assert moved.damaged is not None
        assert moved.plaintext is None
        missing = reader.open_one(entry, 1, msgspec.structs.replace(series, series="00" * 16))
        assert "missing" in (missing.damaged or "")


async def test_without_keys_nothing_opens_and_no_name_is_found(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1])
    with world.reader(with_keys=False) as reader:
        entry = reader.exchange(exchange_id(1))[0]
        with pytest.raises(EvidenceError, match="keys directory"):
            reader.open_parts(entry)
        with pytest.raises(EvidenceError, match="holds no names"):
            list(reader.entries(EntryFilter(principal="alice")))


async def test_an_entry_without_a_signed_head_has_no_proof(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1])
        with world.reader() as reader:
            entry = next(reader.entries())
            with pytest.raises(EvidenceError, match="not under a signed checkpoint yet"):
                reader.proof(entry)
            with pytest.raises(EvidenceError, match="not under a signed checkpoint yet"):
                reader.proof(replace(entry, index=5))
        world.integrate()
        with world.reader() as reader:
            assert reader.proof(next(reader.entries())).startswith(b"c2sp.org/tlog-proof@v1")
            assert reader.at(1) is not None
            assert reader.at(2) is None
            (world.paths.evidence / "tile/0/000.p/2").unlink()
            with pytest.raises(EvidenceError, match="no proof can be made"):
                reader.proof(next(reader.entries()))


async def test_a_narrower_tile_is_cut_from_the_wider_one_that_replaced_it(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, [1])
        world.integrate()
        narrow = (world.paths.evidence / "tile/0/000.p/2").read_bytes()
        (world.paths.evidence / "tile/0/000.p/2").rename(world.paths.evidence / "tile/0/000.p/3")
        with world.reader() as reader:
            assert reader.tile("tile/0/000.p/2") == narrow
            assert reader.tile("tile/0/001.p/2") is None
            assert reader.tile("tile/entries/000.p/9") is None


async def test_reading_goes_on_while_entries_are_recorded(world: World) -> None:
    async with world.node() as store:
        recording = asyncio.ensure_future(record_exchanges(store, range(60)))
        counts = []
        while not recording.done():
            with world.reader() as reader:
                counts.append(len(list(reader.entries())))
            await asyncio.to_thread(world.integrate)
        await recording
    assert counts == sorted(counts)


def test_a_store_that_is_not_there_is_not_made(world: World) -> None:
    world.paths.index.unlink()
    with pytest.raises(EvidenceError):
        StoreReader(world.paths)
    assert not world.paths.index.exists()


def test_frames_end_at_the_first_that_is_missing() -> None:
    assert without_hole({0: b"a", 1: b"b", 3: b"d"}) == [b"a", b"b"]
    assert without_hole({1: b"b"}) == []
