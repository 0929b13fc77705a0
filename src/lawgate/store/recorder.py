"""The evidence log of this node, for writing: seals a draft and hands it to the journal's writer.

Rule 1: the usual call takes no await before the writer has the entry; only a dry key pool, the first
    entry of a day's bucket and frames still on their way make it wait.
Rule 2: an exchange has one owner key; its intent, windows and outcome share it. An entry without an
    exchange has its own.
Rule 3: what is remembered of open exchanges is bounded; forgetting one costs a second key, nothing else.
Rule 4: everything here runs on the event loop's thread.
Rule 5: what one pass of the loop brings is sealed together at its end. Sealing one draft between two
    requests costs half as much again, because neither finds its code in the processor's caches.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, TypeVar

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.domain.ids import ExchangeId
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.parts import parts_root
from lawgate.ports import EntryDraft, Gap, IndexRow, RecordedEntry, RetentionClass, WindowJournal
from lawgate.store.blind import blind_principal, blind_subject
from lawgate.store.buckets import DAY_S
from lawgate.store.group import EntryRow, PartRow, encode
from lawgate.store.keys import HeldKey
from lawgate.store.pool import BucketPair, KeyPool
from lawgate.store.sealing import PART_RANDOM_B, ExchangeKeys, seal_parts
from lawgate.store.windows import KeysAtHand, StoredWindows
from lawgate.store.writer import EntryJob, Job, JournalWriter, ProbeJob

OPEN_EXCHANGES_MAX: Final = 65_536
PRINCIPALS_BLINDED_MAX: Final = 1024
ENTRY_ID_B: Final = 16
RANDOM_POOL_B: Final = 16_384
T = TypeVar("T")


class _Unsealed(NamedTuple):
    """A draft with the keys that it will be sealed under, and the parts of its answer's windows."""

    future: "asyncio.Future[RecordedEntry]"
    draft: EntryDraft
    keys: ExchangeKeys
    buckets: BucketPair
    windows: list[PartRow]


class StoreRecorder:
    """Implements ``ports.Recorder``."""

    def __init__(
        self,
        pool: KeyPool,
        index_key: bytes,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._index_key = index_key
        self._loop = loop
        self._clock = clock
        self._writer: JournalWriter | None = None
        self._open: dict[str, ExchangeKeys] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unsealed: list[_Unsealed] = []
        self._blind_principal = lru_cache(PRINCIPALS_BLINDED_MAX)(partial(blind_principal, index_key))
        self._pooled = b""
        self._pooled_at = 0
        self._fault: str | None = None
        self._refused = 0
        self._since = 0
        self._until = 0

    def attach(self, writer: JournalWriter) -> None:
        """Join the two halves; the writer reports to this recorder."""
        self._writer = writer

    # --- ports.Recorder

    def record(self, draft: EntryDraft) -> Awaitable[RecordedEntry]:
        """Append one entry; durable on return, or ``StoreUnavailableError`` and nothing appended.

        Raises ``EvidenceError`` if the draft breaks the leaf's or the parts' format.
        """
        windows = draft.windows
        if windows is not None and not isinstance(windows, StoredWindows):
            msg = "the windows of an entry must come from the same recorder"
            raise EvidenceError(msg)
        retention, day = draft.retention, draft.ts // DAY_S
        buckets = self._pool.buckets(retention.content_d, retention.evidence_d, day)
        if buckets is None or (windows is not None and windows.pending):
            return self._later(draft, windows)
        keys = self._keys_of(_journey(draft.index), day)
        if keys is None:
            return self._later(draft, windows)
        return self._submit(draft, keys, buckets, windows)

    def windows(self, exchange: ExchangeId, retention: RetentionClass) -> WindowJournal:
        """A journal for the answer of an exchange; writes nothing until its first frame."""
        return StoredWindows(exchange, retention, self._loop, self._put, self._window_keys)

    def healthy(self) -> str | None:
        """``None`` when entries can be recorded, else one sentence that says why not."""
        return self._fault

    # --- outages

    async def probe(self) -> None:
        """Write something durable. Raises ``StoreUnavailableError``; on success the store is healthy again."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._put(ProbeJob(done))
        await done

    def probe_soon(self) -> None:
        """Let the writer try again; from any thread. ``healthy`` shows what came of it."""
        self._open_writer().submit_now(ProbeJob(None))

    def count_refused(self, entries: int = 1) -> None:
        """Count what was refused without asking the store, because ``healthy`` had said why not."""
        self._until = int(self._clock())
        if not self._refused:
            self._since = self._until
        self._refused += entries

    def take_gap(self) -> Gap | None:
        """Once after an outage: what was refused during it, to be recorded as one ``gap`` entry."""
        if self._fault is not None or not self._refused:
            return None
        gap = Gap(self._refused, self._since, self._until)
        self._refused = 0
        return gap

    def committed(self, jobs: Sequence[Job], fault: StoreUnavailableError | None) -> None:
        """The writer's word on a group."""
        if fault is None:
            self._fault = None
            for job in jobs:
                if type(job) is EntryJob and job.row.outcome is not None:
                    self._open.pop(job.row.exchange or "", None)
            return
        self._fault = str(fault)
        self.count_refused(sum([type(job) is EntryJob for job in jobs]))

    async def drained(self) -> None:
        """Wait for the entries that still waited for a key; what the writer has, it commits when it closes."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._seal_pass()

    # --- recovery

    def resume(self, exchange: str, keys: ExchangeKeys) -> None:
        """Take an exchange of an earlier run up again, with its owner key and its blinded names."""
        self._remember(exchange, keys)

    def resumed_windows(self, exchange: ExchangeId, retention: RetentionClass) -> StoredWindows:
        """An empty journal to put an exchange's earlier series into."""
        return StoredWindows(exchange, retention, self._loop, self._put, self._window_keys)

    # --- keys

    def _keys_of(self, exchange: str | None, day: int) -> ExchangeKeys | None:
        known = self._open.get(exchange) if exchange is not None else None
        if known is not None:
            return known
        owner = self._pool.take()
        return None if owner is None else self._new_keys(exchange, owner, day)

    def _new_keys(self, exchange: str | None, owner: HeldKey, day: int) -> ExchangeKeys:
        keys = ExchangeKeys(owner, day)
        if exchange is not None:
            self._remember(exchange, keys)
        return keys

    def _remember(self, exchange: str, keys: ExchangeKeys) -> None:
        if len(self._open) >= OPEN_EXCHANGES_MAX:
            del self._open[next(iter(self._open))]
        self._open[exchange] = keys

    async def _keys_later(self, exchange: str | None, day: int) -> ExchangeKeys:
        while (keys := self._keys_of(exchange, day)) is None:
            await self._pool.fill()
        return keys

    async def _buckets_later(self, retention: RetentionClass, day: int) -> BucketPair:
        at_hand = self._pool.buckets(retention.content_d, retention.evidence_d, day)
        return at_hand or await self._pool.open_buckets(retention.content_d, retention.evidence_d, day)

    def _window_keys(self, windows: StoredWindows) -> "KeysAtHand | asyncio.Task[KeysAtHand]":
        """The keys for a new series; frames expire as the content of the day on which the exchange began."""
        keys = self._open.get(windows.exchange)
        day = keys.day if keys is not None else int(self._clock()) // DAY_S
        keys = keys or self._keys_of(windows.exchange, day)
        retention = windows.retention
        buckets = self._pool.buckets(retention.content_d, retention.evidence_d, day)
        if keys is not None and buckets is not None:
            return keys, buckets.content
        return self._spawn(self._window_keys_later(windows, day))

    async def _window_keys_later(self, windows: StoredWindows, day: int) -> KeysAtHand:
        buckets = await self._buckets_later(windows.retention, day)
        return await self._keys_later(windows.exchange, day), buckets.content

    # --- sealing and handing over

    def _later(self, draft: EntryDraft, windows: StoredWindows | None) -> "asyncio.Task[RecordedEntry]":
        return self._spawn(self._record_later(draft, windows))

    async def _record_later(self, draft: EntryDraft, windows: StoredWindows | None) -> RecordedEntry:
        day = draft.ts // DAY_S
        try:
            buckets = await self._buckets_later(draft.retention, day)
            keys = await self._keys_later(_journey(draft.index), day)
        except StoreUnavailableError as error:
            self._fault = str(error)  # until the journal is written again: an entry needs both
            self.count_refused()
            raise
        if windows is not None:
            await windows.settled()
        return await self._submit(draft, keys, buckets, windows)

    def _submit(
        self, draft: EntryDraft, keys: ExchangeKeys, buckets: BucketPair, windows: StoredWindows | None
    ) -> "asyncio.Future[RecordedEntry]":
        future: asyncio.Future[RecordedEntry] = self._loop.create_future()
        if not self._unsealed:
            self._loop.call_soon(self._seal_pass)
        self._unsealed.append(_Unsealed(future, draft, keys, buckets, [] if windows is None else windows.parts()))
        return future

    def _seal_pass(self) -> None:
        unsealed, self._unsealed = self._unsealed, []
        for item in unsealed:
            try:
                self._put(self._sealed(item))
            except EvidenceInputError as error:
                msg = f"a draft of kind {item.draft.kind!r} cannot be sealed: {error}"
                _refuse(item.future, EvidenceError(msg), error)
            except Exception as error:  # noqa: BLE001 - whoever waits for the entry must hear of it
                _refuse(item.future, error, None)
        if unsealed and self._writer is not None:
            self._writer.hand_over()

    def _sealed(self, item: _Unsealed) -> EntryJob:
        future, draft, keys, buckets, windows = item
        random = self._random(ENTRY_ID_B + PART_RANDOM_B * len(draft.parts))
        entry = random[:ENTRY_ID_B].hex()
        parts = seal_parts(entry, draft.parts, keys, buckets, random[ENTRY_ID_B:])
        parts += windows
        root = parts_root([part.commitment for part in parts])
        row = self._row(draft, entry, keys, encode(parts))
        return EntryJob(future, row, draft.retention.label, len(parts), root, draft.public)

    def _random(self, size_b: int) -> bytes:
        """Fresh random bytes from a pool: each ``os.urandom`` gives the interpreter lock away."""
        start = self._pooled_at
        end = start + size_b
        if end > len(self._pooled):
            self._pooled, start, end = os.urandom(max(RANDOM_POOL_B, size_b)), 0, size_b
        self._pooled_at = end
        return self._pooled[start:end]

    def _row(self, draft: EntryDraft, entry: str, keys: ExchangeKeys, parts: bytes) -> EntryRow:
        index = draft.index
        if index.principal is not None and index.principal != keys.principal_name:
            keys.principal_name = index.principal
            keys.principal = self._blind_principal(index.principal)
        if index.subject is not None and index.subject != keys.subject_name:
            keys.subject_name = index.subject
            keys.subject = blind_subject(self._index_key, index.subject)
        return EntryRow(
            entry,
            0,
            draft.kind,
            draft.ts,
            keys.owner.id,
            index.exchange,
            keys.principal,
            keys.subject,
            index.connection,
            index.purpose,
            index.state,
            index.outcome,
            index.code,
            b"",
            parts,
        )

    def _put(self, job: Job) -> None:
        self._open_writer().submit(job)

    def _open_writer(self) -> JournalWriter:
        if self._writer is None:
            msg = "the evidence store is not open"
            raise StoreUnavailableError(msg)
        return self._writer

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _journey(index: IndexRow) -> str | None:
    """The exchange whose key an entry shares; an entry *about* an exchange (a read) is nobody's part of it."""
    return index.exchange if index.state is not None or index.outcome is not None else None


def _refuse(future: "asyncio.Future[RecordedEntry]", error: Exception, cause: Exception | None) -> None:
    error.__cause__ = cause
    if not future.done():
        future.set_exception(error)
