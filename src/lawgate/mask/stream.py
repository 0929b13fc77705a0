"""Masks a text that arrives in pieces; what comes out equals the masked whole, however it was cut.

Rule 1: text is released up to the last sync point (see ``sync``), where no span reaches across.
Rule 2: without a sync point, text is held until ``FORCED`` characters have gathered; then everything is
        released whose spans are decided: a span depends on at most ``Detection.reach`` characters.
        Spans that begin before that place are released whole, so none can hide across it.
Rule 3: what was released is remembered as context only, and only as much of it as context needs.
"""

import re
from typing import Final

from lawgate.domain.message import Edit
from lawgate.mask.engine import BEFORE_MAX, Candidate
from lawgate.mask.form import CONTEXT_REACH
from lawgate.mask.masker import Masker
from lawgate.mask.normalise import plain

Piece = str | Edit
"""Released text, or what stands in a span's place (offsets are 0 and mean nothing)."""

FORCED: Final = 512
_FORCED_MIN: Final = 128
"""Released at once at least, so that a text without sync points is not searched once a character."""
_BEFORE_ASCII: Final = CONTEXT_REACH + 96
_ANCHOR: Final = re.compile("[0-9@:]")


class TextStream:
    """One text track of a stream. ``key`` is the name of the JSON member that the text stands under."""

    __slots__ = ("_before", "_buffer", "_floor", "_forced_at", "_key", "_masker", "_needs_anchor", "_sought", "_taken")

    def __init__(self, masker: Masker, *, key: str | None = None, before: str = "") -> None:
        self._masker = masker
        self._key = key
        self._before = before
        self._buffer = ""
        self._floor = 0
        """Text of the buffer before this was released already, with a span that began earlier."""
        self._taken = 0
        """Text of the buffer before this belongs to a strong form's span that began earlier."""
        self._sought = 0
        """No sync point before this, whatever comes."""
        self._forced_at = max(FORCED, masker.detection.reach + _FORCED_MIN)
        self._needs_anchor = not masker.detection.has_custom

    @property
    def held(self) -> int:
        """Characters that were pushed and are not released yet."""
        return len(self._buffer) - self._floor

    def push(self, chunk: str) -> list[Piece]:
        """Take the next piece of the text and release what can be."""
        if not chunk:
            return []
        self._buffer += chunk
        text, places = (self._buffer, None) if self._buffer.isascii() else plain(self._buffer)
        sync = self._masker.detection.sync.last(text, self._sought if places is None else 0)
        if sync:
            return self._release_to(sync if places is None else places[sync - 1] + 1, text[:sync])
        self._sought = max(0, len(text) - 1) if places is None else 0
        return self._force(text, places) if len(text) >= self._forced_at else []

    def flush(self) -> list[Piece]:
        """Release the rest: the text has ended."""
        return self._release_to(len(self._buffer), None) if self._buffer else []

    def _release_to(self, end: int, text: str | None) -> list[Piece]:
        """Release the buffer up to a place that no span reaches across; ``text`` is what it looks like plain."""
        segment = self._buffer[:end]
        floor, taken = self._floor, self._taken
        self._buffer = self._buffer[end:]
        self._floor = self._taken = self._sought = 0
        pieces: list[Piece]
        if text is not None and not floor and self._needs_anchor and _ANCHOR.search(text) is None:
            pieces = [segment]
        else:
            detection = self._masker.detection
            candidates = detection.candidates(segment, key=self._key, before=self._before, taken=taken)
            pieces = self._pieces(segment, candidates, floor, end)[0]
        self._remember(segment)
        return pieces

    def _force(self, text: str, places: list[int] | None) -> list[Piece]:
        detection = self._masker.detection
        decided = len(text) - detection.reach
        end = decided if places is None else places[decided]
        candidates = [
            one
            for one in detection.candidates(self._buffer, key=self._key, before=self._before, taken=self._taken)
            if one[0] < end
        ]
        pieces, released = self._pieces(self._buffer, candidates, self._floor, end)
        self._remember(self._buffer[:end])
        self._buffer = self._buffer[end:]
        self._floor = released - end
        self._taken = max(self._taken, *(-one[1] for one in candidates if not one[3]), end) - end
        self._sought = max(0, len(text) - decided - 1) if places is None else 0
        return pieces

    def _pieces(self, text: str, candidates: list[Candidate], floor: int, end: int) -> tuple[list[Piece], int]:
        """What to release of ``text`` from ``floor`` to ``end``, or to the end of the span that lies over it."""
        pieces: list[Piece] = []
        at = floor
        for span in self._masker.detection.resolve(text, candidates, floor):
            if span.start > at:
                pieces.append(text[at : span.start])
            pieces.append(self._masker.edit(span, text)._replace(start=0, end=0))
            at = span.end
        if at < end:
            pieces.append(text[at:end])
            at = end
        return pieces, at

    def _remember(self, released: str) -> None:
        before = self._before + released
        self._before = before[-(_BEFORE_ASCII if before.isascii() else BEFORE_MAX) :]
