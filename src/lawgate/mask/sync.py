"""Sync points: places in a text that no span can reach across.

Rule 1: whether a place is a sync point depends on the characters around it alone, so it does not
        depend on how a text was cut into pieces.
Rule 2: what a span may hold is said twice, by the forms of ``detectors`` and here; the property
        tests hold a masked stream equal to the masked text for every form.

A sync point is right of a character that no span holds, or right of a space or line end that no span
holds at that place: between words, not between groups of digits or capitals.
"""

import re
from collections.abc import Iterable
from typing import Final

from lawgate.mask.normalise import SPACED, UNSPACED

_HELD: Final = rf"0-9A-Za-z_.%+'\-@()/: \r\n{SPACED}{UNSPACED}"
_S: Final = r"[ \r\n]"
_NUMERIC: Final = r"0-9 .\-/()\r\n"
_LOWER_HEAD: Final = r"[a-z]{2}[0-9]{2}"

_PLACES: Final = (
    f"[^{_HELD}]",
    # after a letter: only in an IBAN of capitals, after an extension's sign ("ext 12") or in an IBAN of
    # small letters, whose second group may be letters
    rf"(?<![{_NUMERIC}A-ZtxTX])(?<!{_LOWER_HEAD}[ \-][a-z]{{4}}){_S}",
    r"(?<=[A-Za-z])[\r\n]",
    rf"(?<=[a-z]){_S}(?=[^0-9])",
    rf"(?<=[A-Z]){_S}(?=[^0-9A-Z])",
    # before a character that no separator stands in front of
    rf"{_S}(?=[^0-9A-Za-z .\-/()\r\n+])",
    # between a separator and a letter
    rf"(?<=[ .\-/()\r\n]){_S}(?=[A-Za-z])",
    # after a number: only in an IBAN, before more of the number or before an extension's sign
    rf"(?<=[0-9])(?<!{_LOWER_HEAD}){_S}(?=[a-df-wyz])",
    # more separators than any form has
    rf"(?<=[ .\-/()\r\n]{{3}}){_S}",
)


class SyncPoints:
    """Finds sync points; ``also_held`` are patterns of single characters that further forms hold."""

    __slots__ = ("_last",)

    def __init__(self, also_held: Iterable[str] = ()) -> None:
        but = "".join(f"(?<!{held})" for held in also_held)
        self._last = re.compile(f"(?s:.*)(?:{'|'.join(_PLACES)}){but}")

    def last(self, text: str, first: int) -> int:
        """The last sync point whose character is at ``first`` or later in plain ``text``; 0 if there is none.

        A place that depends on characters still to come is none yet.
        """
        match = self._last.match(text, first)
        return match.end() if match else 0
