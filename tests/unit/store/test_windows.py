import asyncio
from collections.abc import Sequence

import pytest

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.ports import EntryDraft, RecordedEntry
from lawgate.store.windows import StoredWindows
from tests.store_world import NOW, RETENTION, World, exchange_id, index, intent, outcome


async def test_windows_become_parts_of_the_outcome(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await windows.journal([("answer", b"one\n"), ("answer-originals", b"[]\n")])
        await windows.journal([("answer", b"two\n")])
        await windows.journal([("answer", b"three\n"), ("answer-originals", b'["x"]\n')])
        await store.recorder.record(outcome(1, recorded, windows))
    for _ in range(2):  # from the journal's tail, then integrated
        with world.reader() as reader:
            entry = reader.exchange(exchange_id(1))[1]
            parts = reader.open_parts(entry)
        assert {label: part.plaintext for label, part in parts.items()} == {
            "meta": b'{"outcome":"complete"}',
            "answer": b"one\ntwo\nthree\n",
            "answer-originals": b'[]\n["x"]\n',
        }
        world.integrate()


async def test_calls_may_overlap_and_stay_in_order(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        calls = [asyncio.ensure_future(windows.journal([("answer", b"%d;" % number)])) for number in range(20)]
        # The outcome waits for frames on their way.
        await store.recorder.record(outcome(1, recorded, windows))
        assert all(call.done() for call in calls)
    with world.reader() as reader:
        answer = reader.open_parts(reader.exchange(exchange_id(1))[1])["answer"]
    assert answer.plaintext == b"".join(b"%d;" % number for number in range(20))


async def test_windows_of_an_exchange_nobody_knows_take_a_key_of_their_own(world: World) -> None:
    async with world.node(keys_ahead=1) as store:
        windows = store.recorder.windows(exchange_id(9), RETENTION)
        await windows.journal([("answer", b"x")])
        recorded = await store.recorder.record(intent(9))
        await store.recorder.record(outcome(9, recorded, windows))
    with world.reader() as reader:
        entries = reader.exchange(exchange_id(9))
        assert reader.open_parts(entries[1])["answer"].plaintext == b"x"
        assert len({entry.row.owner for entry in entries}) == 1


async def test_after_a_failure_nothing_is_taken_and_the_outcome_commits_to_what_was_durable(world: World) -> None:
    async with world.node() as store:
        connection = store._writer.connection
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await windows.journal([("answer", b"kept")])
        connection.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreUnavailableError):
            await windows.journal([("answer", b"lost")])
        connection.execute("PRAGMA query_only=OFF")
        with pytest.raises(StoreUnavailableError, match="earlier window"):
            await windows.journal([("answer", b"after a hole")])
        await store.recorder.record(outcome(1, recorded, windows))
    with world.reader() as reader:
        answer = reader.open_parts(reader.exchange(exchange_id(1))[1])["answer"]
    assert answer.plaintext == b"kept"


async def test_a_later_group_does_not_take_frames_after_a_failed_one(world: World) -> None:
    """The writer itself refuses: between the failure and the loop hearing of it, a frame may already queue."""
    async with world.node() as store:
        await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await windows.journal([("answer", b"kept")])
        late = windows.journal([("answer", b"late")])
        assert isinstance(windows, StoredWindows)
        windows.broken = True
        with pytest.raises(StoreUnavailableError, match="earlier window"):
            await late
        assert windows.parts()[0].frames == 1


async def test_without_frames_the_outcome_has_no_part_for_them(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await store.recorder.record(outcome(1, recorded, windows))
    with world.reader() as reader:
        assert [part.label for part in reader.exchange(exchange_id(1))[1].part_rows()] == ["meta"]


class Foreign:
    async def journal(self, frames: Sequence[tuple[str, bytes]]) -> None:
        raise AssertionError(frames)


async def test_windows_of_another_recorder_are_refused(world: World) -> None:
    async with world.node() as store:
        recorded: RecordedEntry = await store.recorder.record(intent(1))
        row = index(1, "outcome_recorded", "complete")
        draft = EntryDraft("outcome", NOW, RETENTION, (), row, {"re": recorded.id}, Foreign())
        with pytest.raises(EvidenceError, match="same recorder"):
            await store.recorder.record(draft)
