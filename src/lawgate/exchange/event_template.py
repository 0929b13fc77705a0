"""The quick way for the many events that differ in a token only.

A **template** is an event's data with holes where its tracks (and strings that pass unread) stand. Data
that fits a template is valid JSON, and all of it but the holes was read before and holds nothing.

Rule 1: a template is made only of an event that was read in full and had nothing to change but tracks.
Rule 2: what does not fit exactly is read in full; a hole takes no escaped quote, so the end of a string
        cannot be mistaken.
"""

import re
from typing import Final

from lawgate.domain.json_text import decoded
from lawgate.exchange.event_plan import PASS, TRACK, Piece, Plan
from lawgate.exchange.tracks import Track
from lawgate.wire.sse import Event

LEARNED_MAX: Final = 16
"""Templates made for one plan; a stream whose numbers change in every event gains nothing."""

_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*+')

Hole = tuple[Track | None, tuple[str | int, ...]]
Filled = tuple[Track, tuple[str | int, ...], int, int, str]
"""A track, where it stands, the characters of its piece in the data, and the piece decoded."""


class Template:
    """Literal text and holes in turn, beginning and ending with literal text."""

    __slots__ = ("_after", "_before", "_holes", "_literals", "_name", "_single")

    def __init__(self, name: str, literals: list[str], holes: list[Hole]) -> None:
        self._name = name
        self._literals = literals
        self._holes = holes
        tracks = [(track, path) for track, path in holes if track is not None]
        self._single = tracks[0] if len(tracks) == 1 else None
        """The only track: then an event mostly differs from the one before in this hole alone."""
        self._before = self._after = ""
        """What stood around that hole in the last event that fitted."""

    def fit(self, event: Event) -> list[Filled] | None:
        """The pieces of tracks in an event's data, ``None`` if it does not fit."""
        if event.name != self._name:
            return None
        data = event.data
        single = self._single
        if single is not None and self._before and data.startswith(self._before) and data.endswith(self._after):
            start, end = len(self._before), len(data) - len(self._after)
            if start <= end and _PLAIN.fullmatch(data, start, end):
                return [(single[0], single[1], start, end, data[start:end])]
        filled = self._read(data)
        if filled and single is not None:
            self._before, self._after = data[: filled[0][2]], data[filled[0][3] :]
        return filled

    def _read(self, data: str) -> list[Filled] | None:
        """``fit``, hole by hole."""
        filled: list[Filled] = []
        at = 0
        for literal, (track, path) in zip(self._literals, self._holes, strict=False):
            if not data.startswith(literal, at):
                return None
            at += len(literal)
            end = data.find('"', at)
            if end < 0 or data[end - 1] == "\\":
                return None
            text = _string(data[at:end])
            if text is None:
                return None
            if track is not None:
                filled.append((track, path, at, end, text))
            at = end
        last = self._literals[-1]
        return filled if len(data) == at + len(last) and data.endswith(last) else None


def _string(raw: str) -> str | None:
    """The inside of a string decoded, ``None`` if it is not valid."""
    if _PLAIN.fullmatch(raw):
        return raw
    if "\\" not in raw:
        return None
    try:
        return decoded(raw)
    except ValueError:
        return None


def template(event: Event, made: Plan, pieces: list[Piece], tracks: dict[int, Track]) -> Template | None:
    """The template of an event whose leaves but ``tracks`` (by leaf) hold nothing; ``None`` without tracks."""
    data = event.data
    literals: list[str] = []
    holes: list[Hole] = []
    at = begun = 0
    for index, (structure, string, number) in enumerate(pieces[: len(made.actions)]):
        at += len(structure) + (not number)
        end = at + len(number or string)
        track = tracks.get(index)
        if track is not None or (made.actions[index] == PASS and not number):
            literals.append(data[begun:at])
            holes.append((track, made.paths[index]))
            begun = end
        at = end + (not number)
    literals.append(data[begun:])
    return Template(event.name, literals, holes) if tracks and TRACK in made.actions else None
