"""The one thread that writes a node's journal: group commit without a timer.

Rule 1: whatever queued while the previous commit ran is the next group; one row, one commit, one sync.
    What one pass of the event loop brings is handed over together: the writer would else begin with
    the first entry of many, and take the interpreter lock from the loop that seals the others.
Rule 2: a leaf gets its number and the hash of the one before it at commit, so a failed group leaves no gap.
Rule 3: a commit that failed may yet be on the disk (SQLite says so of I/O errors), so after a failure the
    journal is asked where it stands before anything else is written: never guess.
Rule 4: when a group fails, so does every later frame of its answers: a series has no hole.
Rule 5: the loop hears of a whole group at once; results are set on the loop's thread only.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Protocol

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.domain.ids import EntryId
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import FIRST_NSEQ, GENESIS_PREV, spell_leaf
from lawgate.evidence.merkle import leaf_hash
from lawgate.ports import RecordedEntry
from lawgate.store.group import EntryRow, FrameRow, Group, encode
from lawgate.store.schema import JOURNAL
from lawgate.store.sqlite import Durability, open_database, transaction, unavailable

GROUP_JOBS_MAX: Final = 1024
GROUP_B_MAX: Final = 8 * 1024 * 1024
"""Bounds how long a commit, and so everybody in it, can take."""

PROBE_B: Final = 256 * 1024
"""A probe writes as much as a usual group, else a disk with one free page would look healthy."""

_INSERT: Final = "INSERT INTO groups(seq, first_nseq, entries, head, body) VALUES (?,?,?,?,?)"
_LAST: Final = "SELECT seq, first_nseq + entries, head FROM groups ORDER BY seq DESC LIMIT 1"
_log: Final = logging.getLogger("lawgate.store")


class Answer(Protocol):
    """The windows that frames belong to, as the writer sees them."""

    broken: bool

    def committed(self, job: "FramesJob") -> None:
        """On the loop's thread, in order: the frames are durable, or ``job`` says that they are not."""
        ...


class EntryJob:
    """An entry on its way: everything but its number and its leaf."""

    __slots__ = ("error", "extra", "future", "leaf_hash", "parts_count", "parts_root", "retention", "row", "size_b")

    def __init__(
        self,
        future: "asyncio.Future[RecordedEntry]",
        row: EntryRow,
        retention: str,
        parts_count: int,
        parts_root: bytes,
        extra: Mapping[str, str | int],
    ) -> None:
        self.future = future
        self.row = row
        self.retention = retention
        self.parts_count = parts_count
        self.parts_root = parts_root
        self.extra = extra
        self.size_b = len(row.parts)
        self.leaf_hash = b""
        self.error: EvidenceError | None = None


class FramesJob:
    """The frames of one call, durable together."""

    __slots__ = ("answer", "error", "future", "plaintexts", "rows", "size_b")

    def __init__(
        self,
        future: "asyncio.Future[None]",
        answer: Answer,
        rows: Sequence[FrameRow],
        plaintexts: Sequence[bytes],
    ) -> None:
        self.future = future
        self.answer = answer
        self.rows = rows
        self.plaintexts = plaintexts
        self.size_b = sum([len(row.ciphertext) for row in rows])
        self.error: EvidenceError | None = None


class ProbeJob:
    """Asks whether the journal can be written."""

    __slots__ = ("error", "future", "size_b")

    def __init__(self, future: "asyncio.Future[None] | None") -> None:
        self.future = future
        self.size_b = 0
        self.error: EvidenceError | None = None


Job = EntryJob | FramesJob | ProbeJob


class Listener(Protocol):
    """Hears of each group on the loop's thread, before its futures are set."""

    def committed(self, jobs: Sequence[Job], fault: StoreUnavailableError | None) -> None:
        """A group went through (``fault`` is ``None``) or none of it did."""
        ...


class JournalWriter:
    """Owns the node's journal for writing. ``submit`` is for the loop's thread."""

    def __init__(
        self,
        path: Path,
        node: str,
        loop: asyncio.AbstractEventLoop,
        listener: Listener,
        durability: Durability = Durability.FULL,
    ) -> None:
        self._path = path
        self._node = node
        self._loop = loop
        self._listener = listener
        self._pass: list[Job] = []
        self._handing = threading.Lock()
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._db = open_database(path, JOURNAL, durability=durability)
        # The checkpointing thread copies the WAL: here it would double p99 at 128 concurrent requests.
        self._db.execute("PRAGMA wal_autocheckpoint=0")
        self._place: tuple[int, int, bytes] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="lawgate-journal", daemon=True)
        self._thread.start()

    @property
    def connection(self) -> sqlite3.Connection:
        """The writer's connection; for the tests that fill its disk."""
        return self._db

    def submit(self, job: Job) -> None:
        """Queue a job, for the end of the loop's pass. Raises ``StoreUnavailableError`` after ``close``."""
        self._require_open()
        if not self._pass:
            self._loop.call_soon(self.hand_over)
        self._pass.append(job)

    def submit_now(self, job: Job) -> None:
        """Queue a job at once, from any thread. Raises ``StoreUnavailableError`` after ``close``."""
        self._require_open()
        self._queue.put([job])

    def close(self) -> None:
        """Commit what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self.hand_over()
            self._queue.put(None)
            self._thread.join()
            self._db.close()

    def _require_open(self) -> None:
        if self._closed:
            msg = "the evidence store is closed"
            raise StoreUnavailableError(msg)

    def hand_over(self) -> None:
        """Let the writer have what was submitted, rather than at the end of the loop's pass."""
        with self._handing:  # ``close`` may come from another thread
            jobs, self._pass = self._pass, []
            if jobs:
                self._queue.put(jobs)

    def _run(self) -> None:
        waiting: deque[Job] = deque()
        stop = False
        while waiting or not stop:
            stop = stop or self._take(waiting)
            if not waiting:
                continue
            jobs = _group(waiting)
            fault = self._try_commit(jobs)
            try:
                self._loop.call_soon_threadsafe(self._deliver, jobs, fault)
            except RuntimeError:  # the loop is closed: nobody waits any more, and what is durable stays durable
                _log.warning("a group of %d was committed after its event loop had closed", len(jobs))

    def _take(self, waiting: deque[Job]) -> bool:
        """Fetch what was handed over, after a wait if there is nothing to do; true when nothing more will come."""
        while not waiting or not self._queue.empty():
            jobs = self._queue.get()
            if jobs is None:
                return True
            waiting += jobs
        return False

    def _try_commit(self, jobs: Sequence[Job]) -> StoreUnavailableError | None:
        try:
            self._commit(jobs)
        except sqlite3.Error as error:
            return self._failed(jobs, unavailable(self._path, error))
        except Exception:  # noqa: BLE001 - a bug of ours must not kill the thread that everybody waits for
            _log.exception("the journal writer failed on a group of %d", len(jobs))
            return self._failed(jobs, StoreUnavailableError(f"{self._path}: internal error, see the log"))
        return None

    def _failed(self, jobs: Sequence[Job], fault: StoreUnavailableError) -> StoreUnavailableError:
        self._place = None  # rule 3
        for job in jobs:
            if type(job) is FramesJob:
                job.answer.broken = True  # rule 4
        return fault

    def _commit(self, jobs: Sequence[Job]) -> None:
        seq, first, head = self._place or self._read_place()
        entries, frames, nseq, head = self._number(jobs, first, head)
        if entries or frames:
            body = encode(Group(entries, frames))
            self._db.execute(_INSERT, (seq + 1, first, len(entries), head, body))
            # Durable from here on. A crash now: the callers never hear of it, recovery finds the entries.
            self._place = (seq + 1, nseq, head)
        else:
            self._probe()
            self._place = (seq, nseq, head)

    def _number(self, jobs: Sequence[Job], nseq: int, head: bytes) -> tuple[list[EntryRow], list[FrameRow], int, bytes]:
        entries: list[EntryRow] = []
        frames: list[FrameRow] = []
        for job in jobs:
            if type(job) is EntryJob:
                row = job.row
                try:
                    row.leaf = self._leaf(job, nseq, head)
                except EvidenceInputError as error:  # this draft's fault, not the store's
                    job.error = EvidenceError(f"a draft of kind {row.kind!r} cannot become a leaf: {error}")
                    continue
                row.nseq = nseq
                head = job.leaf_hash = leaf_hash(row.leaf)
                entries.append(row)
                nseq += 1
            elif type(job) is FramesJob:
                if job.answer.broken:
                    job.error = StoreUnavailableError("an earlier window of this answer was not made durable")
                else:
                    frames += job.rows
        return entries, frames, nseq, head

    def _leaf(self, job: EntryJob, nseq: int, head: bytes) -> bytes:
        row = job.row
        return spell_leaf(
            row.kind,
            row.id,
            row.ts,
            self._node,
            nseq,
            head,
            job.retention,
            job.parts_count,
            job.parts_root,
            job.extra,
        )

    def _read_place(self) -> tuple[int, int, bytes]:
        row: tuple[int, int, bytes] | None = self._db.execute(_LAST).fetchone()
        return row or (0, FIRST_NSEQ, GENESIS_PREV)

    def _probe(self) -> None:
        with transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES ('probe', zeroblob(?))", (PROBE_B,))
        self._db.execute("DELETE FROM meta WHERE key = 'probe'")

    def _deliver(self, jobs: Sequence[Job], fault: StoreUnavailableError | None) -> None:
        """On the loop's thread."""
        self._listener.committed(jobs, fault)
        node = self._node
        for job in jobs:
            if fault is not None:
                job.error = StoreUnavailableError(*fault.args)
            if type(job) is FramesJob:
                job.answer.committed(job)
            future = job.future
            if future is None or future.done():  # a cancelled caller: the entry stands all the same
                continue
            if job.error is not None:
                future.set_exception(job.error)
            elif type(job) is EntryJob:
                job.future.set_result(RecordedEntry(EntryId(job.row.id), node, job.row.nseq, job.leaf_hash))
            else:
                job.future.set_result(None)  # type: ignore[union-attr,arg-type]


def _group(waiting: deque[Job]) -> list[Job]:
    """The next group, taken out of what waits."""
    jobs = [waiting.popleft()]
    size_b = jobs[0].size_b
    while waiting and len(jobs) < GROUP_JOBS_MAX and size_b < GROUP_B_MAX:
        jobs.append(waiting.popleft())
        size_b += jobs[-1].size_b
    return jobs
