import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence

import pytest

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.evidence.merkle import EMPTY_ROOT
from lawgate.ports import RecordedEntry
from lawgate.store.group import EntryRow, FrameRow, decode_group
from lawgate.store.schema import JOURNAL
from lawgate.store.sqlite import open_reader
from lawgate.store.writer import (
    GROUP_B_MAX,
    GROUP_JOBS_MAX,
    EntryJob,
    FramesJob,
    Job,
    JournalWriter,
    ProbeJob,
    _group,
)
from tests.store_world import WAIT_S, World


class Listening:
    """Keeps what the writer reported."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, str | None]] = []

    def committed(self, jobs: Sequence[Job], fault: StoreUnavailableError | None) -> None:
        self.groups.append((len(jobs), None if fault is None else str(fault)))


class Stream:
    def __init__(self) -> None:
        self.broken = False
        self.heard: list[bool] = []

    def committed(self, job: FramesJob) -> None:
        self.heard.append(job.error is None)


def entry(number: int, extra: dict[str, str | int] | None = None) -> EntryJob:
    future: asyncio.Future[RecordedEntry] = asyncio.get_running_loop().create_future()
    none = (None,) * 8
    row = EntryRow(f"{number:032x}", 0, "note", 1, 1, *none, b"", b"\x90")
    return EntryJob(future, row, "c1e1", 0, EMPTY_ROOT, extra or {})


def frames(stream: Stream, number: int) -> FramesJob:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return FramesJob(future, stream, [FrameRow("s", number, b"sealed")], [b"plain"])


async def settled(*jobs: EntryJob | FramesJob | ProbeJob) -> list[object]:
    futures = [job.future for job in jobs if job.future is not None]
    return await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), WAIT_S)


def writer_of(world: World, listening: Listening) -> JournalWriter:
    return JournalWriter(world.paths.journal("gw-1"), "gw-1", asyncio.get_running_loop(), listening)


async def test_what_queued_meanwhile_shares_a_commit(world: World) -> None:
    listening = Listening()
    writer = writer_of(world, listening)
    jobs = [entry(number) for number in range(50)]
    for job in jobs:
        writer.submit(job)
    recorded = await settled(*jobs)
    assert [item.nseq for item in recorded if isinstance(item, RecordedEntry)] == list(range(50))
    assert sum(count for count, _ in listening.groups) == 50
    assert len(listening.groups) < 50
    writer.close()


async def test_one_pass_of_the_loop_is_one_group(world: World) -> None:
    listening = Listening()
    writer = writer_of(world, listening)
    for first in (0, 100):
        jobs = [entry(first + number) for number in range(100)]
        for job in jobs:
            writer.submit(job)
        await settled(*jobs)
    assert [count for count, _ in listening.groups] == [100, 100]
    writer.close()


def test_a_group_is_bounded() -> None:
    waiting: deque[Job] = deque(ProbeJob(None) for _ in range(GROUP_JOBS_MAX + 5))
    assert [len(_group(waiting)), len(_group(waiting)), len(waiting)] == [GROUP_JOBS_MAX, 5, 0]
    for _ in range(3):
        large = ProbeJob(None)
        large.size_b = GROUP_B_MAX // 2
        waiting.append(large)
    assert [len(_group(waiting)), len(_group(waiting))] == [2, 1]


async def test_more_than_a_group_is_committed_in_order(world: World) -> None:
    listening = Listening()
    writer = writer_of(world, listening)
    jobs = [entry(number) for number in range(GROUP_JOBS_MAX + 5)]
    for job in jobs:
        writer.submit(job)
    recorded = await settled(*jobs)
    assert [item.nseq for item in recorded if isinstance(item, RecordedEntry)] == list(range(GROUP_JOBS_MAX + 5))
    assert [count for count, _ in listening.groups] == [GROUP_JOBS_MAX, 5]
    writer.close()


async def test_a_failed_group_leaves_no_gap_and_breaks_its_streams(world: World) -> None:
    listening = Listening()
    writer = writer_of(world, listening)
    first = entry(1)
    writer.submit(first)
    await settled(first)
    writer.connection.execute("PRAGMA query_only=ON")
    stream, failing = Stream(), entry(2)
    window = frames(stream, 0)
    writer.submit(failing)
    writer.submit(window)
    results = await settled(failing, window)
    assert all(isinstance(result, StoreUnavailableError) for result in results)
    assert (stream.broken, stream.heard) == (True, [False])
    writer.connection.execute("PRAGMA query_only=OFF")
    late, after = frames(stream, 1), entry(3)
    writer.submit(late)
    writer.submit(after)
    refused, recorded = await settled(late, after)
    assert isinstance(refused, StoreUnavailableError)
    assert isinstance(recorded, RecordedEntry)
    assert recorded.nseq == 1
    writer.close()


async def test_after_a_failure_the_journal_says_where_it_stands(world: World) -> None:
    """A commit that was reported as failed may be on the disk: the next one goes on behind it."""
    writer = writer_of(world, Listening())
    first = entry(1)
    writer.submit(first)
    await settled(first)
    writer._place = None
    behind = sqlite3.connect(world.paths.journal("gw-1"), isolation_level=None)
    behind.execute("INSERT INTO groups SELECT 2, 1, 1, zeroblob(32), body FROM groups")
    behind.close()
    second = entry(2)
    writer.submit(second)
    (recorded,) = await settled(second)
    assert isinstance(recorded, RecordedEntry)
    assert recorded.nseq == 2
    writer.close()


async def test_a_bug_is_a_failed_group_and_not_a_dead_thread(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = writer_of(world, Listening())
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_commit", lambda _: 1 // 0)
        broken = entry(1)
        writer.submit(broken)
        (result,) = await settled(broken)
        assert isinstance(result, StoreUnavailableError)
    assert "failed on a group" in caplog.text
    whole = entry(2)
    writer.submit(whole)
    (recorded,) = await settled(whole)
    assert isinstance(recorded, RecordedEntry)
    writer.close()


async def test_a_bad_draft_fails_alone(world: World) -> None:
    writer = writer_of(world, Listening())
    good, bad, other = entry(1), entry(2, {"v": 2}), entry(3)
    for job in (good, bad, other):
        writer.submit(job)
    results = await settled(good, bad, other)
    assert [type(result) for result in results] == [RecordedEntry, EvidenceError, RecordedEntry]
    writer.close()


async def test_probes_write_and_leave_nothing(world: World) -> None:
    writer = writer_of(world, Listening())
    probe = ProbeJob(asyncio.get_running_loop().create_future())
    writer.submit(probe)
    await settled(probe)
    writer.close()
    db = open_reader(world.paths.journal("gw-1"), JOURNAL)
    assert db.execute("SELECT key FROM meta").fetchall() == [("kind",)]
    assert db.execute("SELECT count(*) FROM groups").fetchone() == (0,)
    db.close()


async def test_closing_commits_what_is_queued(world: World) -> None:
    writer = writer_of(world, Listening())
    jobs = [entry(number) for number in range(20)]
    for job in jobs:
        writer.submit(job)
    writer.close()
    writer.close()
    db = open_reader(world.paths.journal("gw-1"), JOURNAL)
    bodies = [body for (body,) in db.execute("SELECT body FROM groups ORDER BY seq")]
    assert sum(len(decode_group(body, "row").entries) for body in bodies) == 20
    db.close()
    await settled(*jobs)


def test_a_loop_that_closed_is_survived(world: World, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    writer = JournalWriter(world.paths.journal("gw-1"), "gw-1", loop, Listening())
    loop.close()
    writer.submit_now(ProbeJob(None))
    writer.close()
    assert "after its event loop had closed" in caplog.text
