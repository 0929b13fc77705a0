"""A streamed answer: bytes from the upstream in, what the client may have out.

Rule 1: nothing leaves unread. Text that may yet become part of a span is held (``tracks``).
Rule 2: the end is kept apart (``Released.tail``), because it may leave only when the outcome is on
        stable storage (law 2): the terminal event if the protocol has one, else the last event.
Rule 3: after a failure nothing more of the upstream leaves: what was masked before, then an error event.
Rule 4: the client's bytes are exactly ``cut.forwarded()`` of all releases, then that of the tail.
"""

from typing import Final, NamedTuple

from lawgate.domain.errors import Code, Refusal, RefusedError
from lawgate.domain.json_text import JsonDepthError
from lawgate.domain.message import CutText, Mark
from lawgate.exchange.event_masker import EventMasker, MaskedEvent
from lawgate.mask.json_stream import HeldTooLongError, Pieces
from lawgate.mask.masker import Masker
from lawgate.wire.content_type import ContentKind
from lawgate.wire.protocol import Wire
from lawgate.wire.sse import BlockSplitter, Event, StreamUnreadableError, event, line

_NOTHING: Final = CutText("")


class Released(NamedTuple):
    """What one call lets go.

    ``events`` counts whole events of the upstream. ``ended`` is true once, with the tail; then
    ``complete`` says whether the stream ended as its protocol says, and ``refusal`` why it was cut off.
    ``not_inspected`` counts strings that passed unread.
    """

    cut: CutText
    events: int = 0
    ended: bool = False
    tail: CutText = _NOTHING
    complete: bool = False
    refusal: Refusal | None = None
    not_inspected: int = 0


class StreamMasker:
    """Masks one streamed answer of kind SSE or NDJSON."""

    __slots__ = (
        "_ended",
        "_events",
        "_exchange_id",
        "_first",
        "_kind",
        "_lags",
        "_last",
        "_masker",
        "_out",
        "_seen",
        "_splitter",
        "_tail",
        "_wire",
    )

    def __init__(
        self,
        wire: Wire,
        kind: ContentKind,
        masker: Masker,
        *,
        exchange_id: str,
        withhold: frozenset[str] = frozenset(),
    ) -> None:
        lines = kind is ContentKind.NDJSON
        self._wire = wire
        self._kind = kind
        self._exchange_id = exchange_id
        self._splitter = BlockSplitter(events=not lines)
        self._masker = EventMasker(wire, masker, withhold, lines=lines)
        self._lags = lines or not wire.has_terminal_event
        """Whether the last event is kept back, because it may be the stream's end."""
        self._last: MaskedEvent | None = None
        self._out: Pieces = []
        self._tail: Pieces | None = None
        self._first = True
        self._seen = 0
        self._ended = False

    def feed(self, chunk: bytes) -> Released:
        """What may leave now that ``chunk`` came; nothing after the end."""
        if self._ended:
            return Released(_NOTHING)
        try:
            for block in self._splitter.push(chunk):
                self._block(block)
                if self._tail is not None:
                    return self._end(complete=True)
        except Exception as error:  # noqa: BLE001 - rule 3: whatever a detector raises must end the stream
            return self._fail(error)
        return self._released()

    def finish(self, incomplete: Refusal | None = None) -> Released:
        """The rest, the upstream having ended the body; ``incomplete`` is what the client is told if it ended
        before its protocol's end (a body without a length ends like that when its sender dies).
        """
        if self._ended:
            return Released(_NOTHING)
        try:
            rest = self._splitter.finish()
            if rest.strip():
                self._block(rest)
            if self._tail is not None:
                return self._end(complete=True)
            if rest and not self._lags:
                self._out.append("\n\n")  # more may follow, and must not run into an event without its blank line
            self._drain()
        except Exception as error:  # noqa: BLE001 - as above
            return self._fail(error)
        if incomplete is not None and not self._lags:
            return self._cut_off(incomplete)
        self._tail = self._last.flat() if self._last is not None else []
        return self._end(complete=self._lags)

    def abort(self, refusal: Refusal) -> Released:
        """The rest, the upstream having broken off or the exchange having failed."""
        if self._ended:
            return Released(_NOTHING)
        try:
            self._drain()
        except Exception as error:  # noqa: BLE001 - as above
            return self._fail(error)
        return self._cut_off(refusal)

    def _block(self, block: bytes) -> None:
        if self._kind is ContentKind.NDJSON:
            self._event(line(block))
        else:
            self._event(event(block, first=self._first))
        self._first = False

    def _event(self, read: Event) -> None:
        if not read.data and not read.in_place:
            self._out += self._masker.plain(read.text).flat()  # comments keep a connection alive: at once
            return
        self._seen += 1
        if self._wire.is_terminal(read.data):
            self._drain()
            self._leave(None)
            self._tail = self._masker.plain(read.text).flat()
            return
        for masked in self._masker.read(read):
            self._lags = self._lags or masked.ends
            self._leave(masked)

    def _leave(self, masked: MaskedEvent | None) -> None:
        """Let the event before go, and ``masked`` too unless it may be the last."""
        if self._last is not None:
            self._out += self._last.flat()
        self._last = masked if self._lags else None
        if masked is not None and not self._lags:
            self._out += masked.flat()

    def _drain(self) -> None:
        copies = self._masker.drain(self._last)
        if self._last is None and copies:
            self._last = copies.pop()
        for copy in copies:
            self._out += copy.flat()

    # ---- releases -------------------------------------------------------------------------------

    def _released(self) -> Released:
        cut = cut_of(self._out)
        if self._out:
            self._out = []
        seen, self._seen = self._seen, 0
        return Released(cut, seen, not_inspected=self._unread())

    def _unread(self) -> int:
        unread, self._masker.not_inspected = self._masker.not_inspected, 0
        return unread

    def _end(self, *, complete: bool, refusal: Refusal | None = None) -> Released:
        self._ended = True
        tail = cut_of(self._tail or [])
        return Released(cut_of(self._out), self._seen, True, tail, complete, refusal, self._unread())  # noqa: FBT003

    def _cut_off(self, refusal: Refusal) -> Released:
        self._leave(None)
        self._tail = [self._wire.stream_error(refusal, self._exchange_id, self._kind).decode()]
        return self._end(complete=False, refusal=refusal)

    def _fail(self, error: Exception) -> Released:
        """End without what is held: it was never read as a whole."""
        return self._cut_off(refusal_of(error))


def refusal_of(error: Exception) -> Refusal:
    """Why a stream ends when reading it raised; ``detail`` names the class only (law 4)."""
    if isinstance(error, RefusedError):
        return error.refusal
    if isinstance(error, StreamUnreadableError | JsonDepthError | HeldTooLongError):
        return Refusal(Code.ANSWER_UNREADABLE, "The answer could not be read, so it was cut off.", detail=str(error))
    return Refusal(
        Code.DETECTION_FAILED,
        "The answer could not be searched for personal data, so it was cut off.",
        detail=type(error).__name__,
    )


def cut_of(pieces: Pieces) -> CutText:
    """The cut text whose forwarded form is ``pieces`` with each edit's replacement."""
    try:
        return CutText("".join(pieces))  # type: ignore[arg-type] # most have no edit
    except TypeError:
        pass
    kept: list[str] = []
    marks: list[Mark] = []
    originals: list[str] = []
    length = 0
    for piece in pieces:
        if isinstance(piece, str):
            kept.append(piece)
            length += len(piece)
        else:
            marks.append(Mark(length, piece.detector, piece.operator, piece.replacement))
            originals.append(piece.original)
    return CutText("".join(kept), tuple(marks), tuple(originals))
