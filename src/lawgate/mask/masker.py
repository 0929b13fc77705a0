"""Detection and a masking profile put together: what is to change in a text.

Rule: without a profile nothing changes, but everything is still found, so that the record can say so.
"""

from typing import Final

from lawgate.domain.message import Edit, Span
from lawgate.domain.processing import MaskProfile
from lawgate.mask.engine import Detection
from lawgate.mask.operators import OPERATORS, apply_operator, apply_to_number

_NUMBER_DIGITS_MIN: Final = 7
"""Of the shortest number that a detector finds, a national phone number."""
_FIXED: Final = frozenset({"redact", "replace"})
"""Operators that leave the same whatever was there."""


class Masker:
    """Finds personal data and says what stands in its place.

    ``key`` (32 bytes) is for pseudonyms. Raises ``ValueError`` when the profile names an unknown operator.
    """

    __slots__ = ("_fixed", "_key", "_operators", "detection")

    def __init__(self, detection: Detection, profile: MaskProfile | None, key: bytes) -> None:
        self.detection = detection
        self._key = key
        self._operators = {name: profile.operator(name) if profile else "keep" for name in detection.names}
        if unknown := sorted(set(self._operators.values()) - OPERATORS):
            raise ValueError(f"operator {unknown[0]!r} is not known; use one of {', '.join(sorted(OPERATORS))}")
        self._fixed = {
            name: apply_operator(operator, name, "", key)
            for name, operator in self._operators.items()
            if operator in _FIXED
        }

    def edits(self, text: str, *, key: str | None = None, before: str = "", shift: int = 0) -> list[Edit]:
        """What is to change in ``text``, ascending; ``key`` and ``before`` are context (see ``Detection.find``).

        ``shift`` is added to all offsets.
        """
        return [self.edit(span, text, shift) for span in self.detection.find(text, key=key, before=before)]

    def edit(self, span: Span, text: str, shift: int = 0) -> Edit:
        """What stands in place of ``span`` of ``text``."""
        start, end, detector = span
        operator = self._operators[detector]
        original = text[start:end]
        replacement = self._fixed.get(detector)
        if replacement is None:
            replacement = apply_operator(operator, detector, original, self._key)
        return Edit(start + shift, end + shift, detector, operator, original, replacement)

    def number_edits(self, text: str, *, key: str | None) -> list[Edit]:
        """The same for the text of a JSON number; what replaces it is a JSON number too.

        A number is personal data only as a whole, and only when it is a whole number.
        """
        if len(text) < _NUMBER_DIGITS_MIN or not (text.isascii() and text.isdigit()):
            return []
        spans = self.detection.find(text, key=key)
        if len(spans) != 1 or spans[0].start or spans[0].end != len(text):
            return []
        detector = spans[0].detector
        operator = self._operators[detector]
        return [Edit(0, len(text), detector, operator, text, apply_to_number(operator, detector, text, self._key))]
