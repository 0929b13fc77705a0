"""Text with its personal data marked.

A **span** is what a detector found. An **edit** is what was done to it: the original, and what
stands in its place. A **cut text** is what the record stores: every span cut out, with marks that
say where each was and what was forwarded instead; the originals are kept apart, so that each of
the bodies can be rebuilt by those who may and nobody else.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple


class Direction(StrEnum):
    REQUEST = "request"
    ANSWER = "answer"


class Span(NamedTuple):
    """``text[start:end]`` is personal data, says ``detector``. Offsets count code points."""

    start: int
    end: int
    detector: str


class Edit(NamedTuple):
    """One span of a text and what is forwarded in its place (equal to the original for ``keep``)."""

    start: int
    end: int
    detector: str
    operator: str
    original: str
    replacement: str


class Mark(NamedTuple):
    """A span that was cut out of a stored text, at ``offset`` code points of the cut text."""

    offset: int
    detector: str
    operator: str
    replacement: str


class CutText(NamedTuple):
    """A text without its spans; ``originals[i]`` belongs to ``marks[i]``."""

    text: str
    marks: tuple[Mark, ...] = ()
    originals: tuple[str, ...] = ()

    def forwarded(self) -> str:
        """What left after masking."""
        return self._filled([mark.replacement for mark in self.marks])

    def received(self) -> str:
        """What came in before masking."""
        return self._filled(self.originals)

    def _filled(self, values: Sequence[str]) -> str:
        out: list[str] = []
        at = 0
        for mark, value in zip(self.marks, values, strict=True):
            out += (self.text[at : mark.offset], value)
            at = mark.offset
        out.append(self.text[at:])
        return "".join(out)


def cut(text: str, edits: Sequence[Edit]) -> CutText:
    """Cut ``edits`` (ascending, without overlap) out of ``text``."""
    if not edits:
        return CutText(text)
    kept: list[str] = []
    marks: list[Mark] = []
    originals: list[str] = []
    at = length = 0
    for start, end, detector, operator, original, replacement in edits:
        kept.append(text[at:start])
        length += start - at
        at = end
        marks.append(Mark(length, detector, operator, replacement))
        originals.append(original)
    kept.append(text[at:])
    return CutText("".join(kept), tuple(marks), tuple(originals))


def apply(text: str, edits: Sequence[Edit]) -> str:
    """``text`` with each edit's replacement in place; ``text`` itself when there is none."""
    if not edits:
        return text
    out: list[str] = []
    at = 0
    for start, end, _, _, _, replacement in edits:
        out += (text[at:start], replacement)
        at = end
    out.append(text[at:])
    return "".join(out)


def count_by_detector(edits: Iterable[Edit]) -> dict[str, int]:
    """How many spans each detector has, by name: fit for a record, holds no value."""
    counts: dict[str, int] = {}
    for edit in edits:
        counts[edit.detector] = counts.get(edit.detector, 0) + 1
    return counts
