"""Windows of a streamed answer: masked, journalled, released, in this order and never another.

Rule 1: one window is on its way to disk at a time; what is masked meanwhile is the next one.
Rule 2: reading from the upstream stops while the next window is full, or the client is slow.
Rule 3: the answer's head leaves with the first window, because it is a part of the answer too.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from lawgate.domain.errors import Code, Refusal, StoreUnavailableError, UpstreamError
from lawgate.domain.message import CutText
from lawgate.domain.processing import RecordLevel
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange.facts import AnswerFacts
from lawgate.exchange.record import ANSWER, ANSWER_ORIGINALS, encode_cut
from lawgate.exchange.stream import Released, StreamMasker
from lawgate.gateway.headers import answer_fields
from lawgate.gateway.http1 import ClientGoneError
from lawgate.ports import UpstreamAnswer

if TYPE_CHECKING:
    from lawgate.gateway.drive import Drive

WINDOW_B_MAX: Final = 16 * 1024
"""Masked text that may wait for the journal before reading stops; the design's bound on a window."""

_encode: Final = msgspec.json.Encoder().encode
_UPSTREAM_ENDED: Final = "The upstream ended its answer too early."
_INCOMPLETE: Final = Refusal(Code.UPSTREAM_INTERRUPTED, _UPSTREAM_ENDED, detail="the stream had no last event")


@dataclass(frozen=True, slots=True)
class Window:
    """Some released text to be: the cuts for the record, the bytes for the client."""

    cuts: tuple[CutText, ...]
    data: bytes


class Windows:
    """The pump of one streamed answer."""

    __slots__ = (
        "_answer",
        "_cuts",
        "_drive",
        "_ended",
        "_first_byte_ms",
        "_in_flight",
        "_journal",
        "_journalled",
        "_level",
        "_masker",
        "_pending",
        "_pending_b",
        "_received",
        "_received_b",
        "_released",
        "_released_b",
        "_tail",
        "counts",
        "events",
        "fault",
    )

    def __init__(self, drive: "Drive", answer: UpstreamAnswer, masker: StreamMasker) -> None:
        facts = drive.exchange.facts
        self._drive = drive
        self._answer = answer
        self._masker = masker
        self._level = facts.record_level
        self._journal = drive.node.recorder.windows(facts.exchange, facts.retention)
        self._journalled = False
        self._in_flight: asyncio.Future[None] | None = None
        self._cuts: list[CutText] = []
        self._pending: list[bytes] = []
        self._pending_b = 0
        self._tail = b""
        self._ended = False
        self._received, self._released = sha256(), sha256()
        self._received_b = self._released_b = 0
        self._first_byte_ms: int | None = None
        self.counts: dict[str, int] = {}
        self.events = 0
        self.fault: StoreUnavailableError | None = None

    # ---- reading ----------------------------------------------------------------------------

    async def pump(self) -> Refusal | None:
        """Read, mask and release to the end; returns why the answer failed, or ``None``.

        Raises ``StoreUnavailableError`` when a window could not be made durable.
        """
        try:
            failure = await self._read_to_end()
        except Exception:  # a bug: the exchange ends, but a window on its way to disk is awaited first
            self._drop_pending()
            await self._settle()
            raise
        if self.fault is None and not self._drive.departed():
            if failure is None:
                failure = self._mask_end()
            elif self._has_begun():
                self._take(self._masker.abort(failure))
            else:
                self._drop_pending()
        else:
            self._drop_pending()
        await self._settle()
        return failure

    async def _read_to_end(self) -> Refusal | None:
        answer, responder = self._answer, self._drive.responder
        try:
            while self.fault is None:
                chunk = await answer.next_chunk()
                if not chunk:
                    return None
                self._received.update(chunk)
                self._received_b += len(chunk)
                released = self._masker.feed(chunk)
                self._take(released)
                if released.ended:
                    return released.refusal
                self._begin()
                while self._pending_b > WINDOW_B_MAX and self._in_flight is not None:
                    await asyncio.wait((self._in_flight,))
                await responder.drain()
        except UpstreamError as error:
            return Refusal(error.code, _UPSTREAM_ENDED, detail=error.detail)
        except ClientGoneError:
            self._drive.client_gone()
        return None

    def _mask_end(self) -> Refusal | None:
        """The upstream ended the body; an answer that its protocol does not call complete is interrupted."""
        if self._ended:
            return None
        released = self._masker.finish(_INCOMPLETE)
        if released.refusal is not None and not self._has_begun():
            self._drop_pending()  # the client gets the whole refusal, with a status of its own
        else:
            self._take(released)
        return released.refusal

    def _has_begun(self) -> bool:
        """Whether some of the answer has left, or is about to."""
        return self._drive.responder.started or self._in_flight is not None

    def _take(self, released: Released) -> None:
        """Masked text waits for the journal; the stream's last frame waits for the outcome."""
        self.events += released.events
        self._ended = self._ended or released.ended
        if released.cut.text or released.cut.marks:
            self._queue(released.cut, released.cut.forwarded().encode("utf-8", "surrogatepass"))
        tail = released.tail
        if tail.text or tail.marks:
            self._cuts.append(tail)
            self._count(tail)
            self._tail += tail.forwarded().encode("utf-8", "surrogatepass")

    def _queue(self, cut: CutText, data: bytes) -> None:
        self._cuts.append(cut)
        self._pending.append(data)
        self._pending_b += len(data)
        self._count(cut)

    def _count(self, cut: CutText) -> None:
        counts = self.counts
        for mark in cut.marks:
            counts[mark.detector] = counts.get(mark.detector, 0) + 1

    def _drop_pending(self) -> None:
        self._cuts.clear()
        self._pending.clear()
        self._pending_b = 0
        self._tail = b""

    # ---- journalling ------------------------------------------------------------------------

    def _begin(self) -> None:
        """Journal what waits, unless a window is on its way already."""
        if self._in_flight is not None or not self._cuts or self.fault is not None:
            return
        window = Window(tuple(self._cuts), b"".join(self._pending))
        self._cuts.clear()
        self._pending.clear()
        self._pending_b = 0
        for effect in self._drive.exchange.receive(on.WindowMasked(window)):
            if isinstance(effect, do.JournalWindow):
                self._write(window)

    def _write(self, window: Window) -> None:
        self._journalled = True
        future = asyncio.ensure_future(self._journal.journal(self._frames(window)))
        self._in_flight = future
        future.add_done_callback(lambda done: self._written(window, done))

    def _frames(self, window: Window) -> list[tuple[str, bytes]]:
        if self._level is RecordLevel.METADATA:
            line = {"sha256": sha256(window.data).hexdigest(), "b": len(window.data)}
            return [(ANSWER, _encode(line) + b"\n")]
        frames = [(ANSWER, b"".join([encode_cut(cut) + b"\n" for cut in window.cuts]))]
        if self._level is RecordLevel.FULL:
            originals = b"".join([_encode(cut.originals) + b"\n" for cut in window.cuts if cut.originals])
            if originals:
                frames.append((ANSWER_ORIGINALS, originals))
        return frames

    def _written(self, window: Window, done: "asyncio.Future[None]") -> None:
        self._in_flight = None
        error = done.exception()
        if error is not None:
            self.fault = error if isinstance(error, StoreUnavailableError) else _unknown(error)
            self._drive.record_failed(self.fault)
            self._answer.close()  # wakes the pump
            return
        for effect in self._drive.exchange.receive(on.WindowJournalled(window)):
            if isinstance(effect, do.ReleaseWindow):
                self._release(window)
        self._begin()

    async def _settle(self) -> None:
        """Wait until everything that was masked is on disk and released."""
        self._begin()
        while self._in_flight is not None:
            await asyncio.wait((self._in_flight,))
        if self.fault is not None:
            raise self.fault

    # ---- releasing --------------------------------------------------------------------------

    def _release(self, window: Window) -> None:
        drive = self._drive
        self._note(window.data)
        if not drive.departed() and window.data:
            self._start()
            drive.responder.write(window.data)

    def _start(self) -> None:
        drive = self._drive
        if not drive.responder.started:
            fields = answer_fields(self._answer.headers, drive.exchange.facts.exchange)
            drive.responder.start(self._answer.status, drive.cross_origin_fields(fields))

    def _note(self, data: bytes) -> None:
        if self._first_byte_ms is None:
            self._first_byte_ms = round((self._drive.now - self._drive.exchange.facts.received_at) * 1000)
        self._released.update(data)
        self._released_b += len(data)

    def finish(self) -> None:
        """The outcome is durable: release the last frame and end the stream.

        A stream that failed and has no frame to say so is cut, lest its client take it for whole.
        """
        self._drive.node.metrics.stream_events += self.events
        if self._drive.exchange.facts.refusal is not None and not self._tail:
            self._drive.responder.abort()
            return
        self._start()
        self._drive.responder.end(self._tail)

    def facts(self, now: float) -> AnswerFacts:
        """What there is of the answer. Digest and length of what was released include the last frame."""
        released = self._released.copy()
        released.update(self._tail)
        return AnswerFacts(
            at=now,
            status=self._answer.status,
            content_type=dict(self._answer.headers).get(b"content-type", b"").decode("latin-1"),
            windows=self._journal if self._journalled else None,
            streamed=True,
            received_sha256=self._received.hexdigest(),
            received_b=self._received_b,
            released_sha256=released.hexdigest(),
            released_b=self._released_b + len(self._tail),
            counts=self.counts,
            events=self.events,
            profile=self._drive.answer_profile,
            first_byte_ms=self._first_byte_ms,
        )


def _unknown(error: BaseException) -> StoreUnavailableError:
    """A fault that no port promises; its text stays unsaid, it may quote what was to be written (law 4)."""
    return StoreUnavailableError(f"a window could not be journalled: {type(error).__name__}")
