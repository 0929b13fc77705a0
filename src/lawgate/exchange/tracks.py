"""The texts that a stream's events carry in pieces, and the copies of events that carry what was held.

Rule 1: a track belongs to one position (choice, tool call, content block), never to the stream.
Rule 2: held text leaves in the order it came, before anything that says its text is complete.
Rule 3: a copy of an event carries the held text and what tells its track from others, nothing else that
        a client would add up twice (usage, names, ids).
"""

from typing import Final

import msgspec

from lawgate.domain.json_text import Path, Step, escaped
from lawgate.domain.message import apply
from lawgate.mask.json_document import parse
from lawgate.mask.json_stream import JsonStream, Pieces, raw_pieces
from lawgate.mask.masker import Masker
from lawgate.mask.stream import TextStream
from lawgate.wire.protocol import Wire
from lawgate.wire.sse import Event, data_lines
from lawgate.wire.tracks import TrackKind, track_kind

TRACKS_MAX: Final = 1024
"""Open texts of one stream; OpenAI allows 128 choices and 128 tools."""

_encode = msgspec.json.Encoder().encode


class Track:
    """One text in pieces."""

    __slots__ = ("_masker", "_name", "event", "kind", "not_inspected", "path", "place", "positions", "stream")

    def __init__(self, masker: Masker, kind: TrackKind, name: str | None, place: Path) -> None:
        self._masker = masker
        self._name = name
        self.kind = kind
        self.place = place
        """Its path with real positions, as text."""
        self.positions: dict[str, str] = {}
        self.path: Path | None = None
        """Where its latest piece stood in ``event``; ``None``: the event's data is the piece."""
        self.event: Event | None = None
        self.stream = self._new_stream()
        self.not_inspected = 0

    def _new_stream(self) -> TextStream | JsonStream:
        if self.kind is TrackKind.JSON:
            return JsonStream(self._masker)
        return TextStream(self._masker, key=self._name)

    def flush(self) -> Pieces:
        """What was held; the text is over, what comes next begins another."""
        pieces = [piece for piece in self.stream.flush() if piece]
        if isinstance(self.stream, JsonStream):
            self.not_inspected += self.stream.not_inspected
        self.stream = self._new_stream()
        return pieces


def in_data_lines(pieces: Pieces) -> Pieces:
    """Pieces of an event's data as pieces of its ``data`` lines."""
    return [
        data_lines(piece)
        if isinstance(piece, str)
        else piece._replace(original=data_lines(piece.original), replacement=data_lines(piece.replacement))
        for piece in pieces
    ]


class Copies:
    """Events made by us, for held text whose own event has left."""

    __slots__ = ("_lines", "_masker", "_wire")

    def __init__(self, wire: Wire, masker: Masker, *, lines: bool) -> None:
        self._wire = wire
        self._masker = masker
        self._lines = lines

    def copy(self, track: Track, held: Pieces) -> Pieces:
        """A copy of the event that last carried ``track``, with ``held`` for its text."""
        assert track.event is not None
        before = "" if self._lines else self._name_line(track.event.name) + "data: "
        after = "\n" if self._lines else "\n\n"
        if track.path is None:
            return [before, *in_data_lines(held), after]
        opening, closing = self._around(parse(track.event.data), track.path, top=True)
        return [before + opening, *raw_pieces(held), closing + after]

    def _name_line(self, name: str) -> str:
        return f"event: {name}\n" if name and not self._masker.edits(name) else ""

    def _around(self, value: object, path: Path, *, top: bool = False) -> tuple[str, str]:
        """What stands before and after the string at ``path`` in the copy."""
        if not path:
            return '"', '"'
        step = path[0]
        opening, closing = self._around(_at(value, step), path[1:])
        if isinstance(step, int):
            return f"[{opening}", f"{closing}]"
        kept = self._kept(value, step, top=top) if isinstance(value, dict) else ""
        return f"{{{kept}{_json(step)}:{opening}", f"{closing}}}"

    def _kept(self, value: dict[str, object], step: str, *, top: bool) -> str:
        """The plain members that the copy keeps, each followed by a comma."""
        kept: list[str] = []
        for name, member in value.items():
            if name == step or isinstance(member, dict | list) or track_kind((name,), "") is not None:
                continue
            if (top or self._wire.stays_in_copy(name, member)) and not self._masker.edits(name):
                shown = _json(member) if top and name in self._wire.skip else self._masked(name, member)
                kept.append(f"{_json(name)}:{shown},")
        return "".join(kept)

    def _masked(self, name: str, member: object) -> str:
        if isinstance(member, str):
            return _json(apply(member, self._masker.edits(member, key=name)))
        text = _json(member)
        if isinstance(member, bool) or member is None:
            return text
        return apply(text, self._masker.number_edits(text, key=name))


def _at(value: object, step: Step) -> object:
    """One step down; ``None`` where a repeated member hides what the raw text has."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _json(value: object) -> str:
    if isinstance(value, str):
        return f'"{escaped(value)}"'
    return _encode(value).decode()
