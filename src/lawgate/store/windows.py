"""The windows of an answer: frames that are durable before they are released (law 2).

Rule 1: one series for each label, with one secret; frames are numbered from 0 without a hole.
Rule 2: a series is ended by the outcome that commits to it (number of frames, digest of the plaintext
    joined in order), never by a flag in a frame: nobody knows in time which window is the last.
Rule 3: a frame counts once it is durable. After a failure nothing more is taken, and the outcome
    commits to what was durable before it.
Rule 4: everything here runs on the event loop's thread, except that the writer sets ``broken``.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from lawgate.domain.errors import StoreUnavailableError
from lawgate.domain.ids import ExchangeId
from lawgate.evidence.parts import KEY_SIZE, NONCE_SIZE, FramesDigest, commitment, seal_frame
from lawgate.ports import RetentionClass
from lawgate.store.group import FrameRow, PartRow, SeriesRow
from lawgate.store.keys import HeldKey
from lawgate.store.sealing import ExchangeKeys, series_context
from lawgate.store.writer import FramesJob

SERIES_ID_B: Final = 16
_SERIES_RANDOM_B: Final = SERIES_ID_B + KEY_SIZE + NONCE_SIZE


class Series:
    """One label's frames. ``sent`` counts frames submitted, ``digest`` those that are durable."""

    __slots__ = ("digest", "row", "secret", "sent")

    def __init__(self, row: SeriesRow, secret: bytes) -> None:
        self.row = row
        self.secret = secret
        self.digest = FramesDigest()
        self.sent = 0

    def seal(self, plaintext: bytes) -> FrameRow:
        """The next frame; the first one carries the series' head."""
        number, self.sent = self.sent, self.sent + 1
        ciphertext = seal_frame(
            series=self.row.id,
            number=number,
            final=False,
            plaintext=plaintext,
            secret=self.secret,
            nonce=os.urandom(NONCE_SIZE),
        )
        return FrameRow(self.row.id, number, ciphertext, None if number else self.row)

    def part(self) -> PartRow:
        """What the outcome holds of the series."""
        row, count = self.row, self.digest.count
        committed = commitment(self.secret, row.label, self.digest.sha256())
        return PartRow(row.label, committed, row.owner, row.bucket, row.wrap, b"", row.id, count)


def new_series(exchange: str, label: str, retention: str, keys: ExchangeKeys, bucket: HeldKey) -> Series:
    """A series under the exchange's owner key and the content bucket's."""
    random = os.urandom(_SERIES_RANDOM_B)
    series_id, secret = random[:SERIES_ID_B].hex(), random[SERIES_ID_B : SERIES_ID_B + KEY_SIZE]
    context = series_context(series_id, keys.owner.id, bucket.id)
    wrap = keys.wrapping_key(bucket).wrap(secret, context, random[SERIES_ID_B + KEY_SIZE :])
    return Series(SeriesRow(series_id, exchange, label, retention, keys.owner.id, bucket.id, wrap), secret)


KeysAtHand = tuple[ExchangeKeys, HeldKey]
"""An exchange's keys and its content bucket's key."""


class StoredWindows:
    """Implements ``ports.WindowJournal`` for one exchange."""

    __slots__ = ("_loop", "_pending", "_submit", "_waiting", "broken", "exchange", "find_keys", "retention", "series")

    def __init__(
        self,
        exchange: ExchangeId,
        retention: RetentionClass,
        loop: asyncio.AbstractEventLoop,
        submit: Callable[[FramesJob], None],
        find_keys: Callable[["StoredWindows"], "KeysAtHand | asyncio.Task[KeysAtHand]"],
    ) -> None:
        self.exchange = exchange
        self.retention = retention
        self.series: dict[str, Series] = {}
        self.broken = False
        self.find_keys = find_keys
        self._loop = loop
        self._submit = submit
        self._pending = 0
        self._waiting: list[asyncio.Future[None]] = []

    def journal(self, frames: Sequence[tuple[str, bytes]]) -> Awaitable[None]:
        """Append one frame to each named series; durable on return. Raises ``StoreUnavailableError``."""
        if self.broken:
            msg = "an earlier window of this answer was not made durable"
            raise StoreUnavailableError(msg)
        if all(label in self.series for label, _ in frames):
            return self._journal_now(None, frames)
        keys = self.find_keys(self)
        if isinstance(keys, asyncio.Task):
            return self._journal_later(keys, frames)
        return self._journal_now(keys, frames)

    async def settled(self) -> None:
        """Wait until no frame is on its way; what failed is then known."""
        while self._pending:
            waiting = self._loop.create_future()
            self._waiting.append(waiting)
            await waiting

    @property
    def pending(self) -> int:
        """Calls whose frames are not durable yet."""
        return self._pending

    def parts(self) -> list[PartRow]:
        """The series as parts of an outcome, in the order of their first frames."""
        return [series.part() for series in self.series.values() if series.digest.count]

    async def _journal_later(self, keys: "asyncio.Task[KeysAtHand]", frames: Sequence[tuple[str, bytes]]) -> None:
        self._pending += 1
        try:
            found = await keys
        finally:
            self._settle()
        await self._journal_now(found, frames)

    def _journal_now(self, keys: KeysAtHand | None, frames: Sequence[tuple[str, bytes]]) -> "asyncio.Future[None]":
        rows = [self._series(label, keys).seal(plaintext) for label, plaintext in frames]
        done: asyncio.Future[None] = self._loop.create_future()
        self._submit(FramesJob(done, self, rows, [plaintext for _, plaintext in frames]))
        self._pending += 1
        return done

    def _series(self, label: str, keys: KeysAtHand | None) -> Series:
        series = self.series.get(label)
        if series is None:
            assert keys is not None
            series = new_series(self.exchange, label, self.retention.label, *keys)
            self.series[label] = series
        return series

    def committed(self, job: FramesJob) -> None:
        """The writer's word on one call, on the loop's thread, in order."""
        if job.error is None:
            by_id = {series.row.id: series for series in self.series.values()}
            for row, plaintext in zip(job.rows, job.plaintexts, strict=True):
                by_id[row.series].digest.update(plaintext)
        self._settle()

    def _settle(self) -> None:
        self._pending -= 1
        if not self._pending:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)
            self._waiting.clear()
