"""Text as detectors see it: look-alikes made plain, invisible characters taken out, offsets kept.

Rule 1: a look-alike becomes one plain character, so offsets hold; only invisible characters are
        removed, and then a table says where each remaining character came from.
Rule 2: what happens to a character depends on its near neighbours only, never on the whole text,
        because a stream shows the text piece by piece.
"""

import re
from typing import Final

INVISIBLE_RUN_MAX: Final = 4
"""Longer runs of invisible characters are left in and end every span, so that a span's length stays bounded."""

_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff"
)
_SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_HYPHENS: Final = "\u2010-\u2015\u2043\u207b\u2212\ufe58\ufe63"
_FULL_WIDTH: Final = "\uff01-\uff5e"
_DOTS: Final = "\u2024\ufe52"
_SMALL_AT: Final = "\ufe6b"
_SMALL_PLUS: Final = "\ufe62\u207a"

_SPECIAL: Final = re.compile(f"[{_INVISIBLE}{_SPACES}{_HYPHENS}{_FULL_WIDTH}{_DOTS}{_SMALL_AT}{_SMALL_PLUS}]")
_RUN: Final = re.compile(f"[{_INVISIBLE}]+")
_LOOK_ALIKES: Final = (
    (re.compile(f"[{_SPACES}]"), " "),
    (re.compile(f"[{_HYPHENS}]"), "-"),
    (re.compile(f"[{_DOTS}]"), "."),
    (re.compile(_SMALL_AT), "@"),
    (re.compile(f"[{_SMALL_PLUS}]"), "+"),
)
_FULL_WIDTH_CHARACTER: Final = re.compile(f"[{_FULL_WIDTH}]")
_FULL_WIDTH_SHIFT: Final = 0xFEE0
_NOT_DIGITS: Final = bytes(set(range(256)) - set(b"0123456789"))
_WALL: Final = "|"
"""Stands for each character of a long invisible run: no span holds it."""

UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u3099-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
"""Letters of scripts that put words side by side (or attach particles, as Korean): inside of a class."""
SPACED: Final = (
    "\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u0386\u0388-\u0559\u0560-\u0588\u0591-\u05bd"
    "\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7-\u05f2\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u06ff\u0710-\u0963"
    "\u0966-\u096f\u0971-\u0dff\u0f00-\u0f03\u0f18-\u0f39\u0f3e-\u0fcf\u10a0-\u177f\u1800-\u1fff\u2c00-\u2dff"
    "\ua4d0-\ua4fd\ua500-\ua60c\ua610-\ua6f1\ua717-\uabff\ufb00-\ufdff\ufe70-\ufefc"
)
"""Other letters and marks outside ASCII (Latin with accents, Greek, Cyrillic, Arabic ...)."""


def plain(text: str) -> tuple[str, list[int] | None]:
    """The plain text and, where characters were removed, the place of each one in ``text``.

    The table has one more item, the length of ``text``. ``None``: offsets are the same.
    """
    if text.isascii() or _SPECIAL.search(text) is None:
        return text, None
    for look_alike, character in _LOOK_ALIKES:
        text = look_alike.sub(character, text)
    text = _FULL_WIDTH_CHARACTER.sub(_narrow, text)
    return (text, None) if _RUN.search(text) is None else _without_invisible(text)


def _narrow(match: re.Match[str]) -> str:
    return chr(ord(match[0]) - _FULL_WIDTH_SHIFT)


def _without_invisible(text: str) -> tuple[str, list[int]]:
    kept: list[str] = []
    places: list[int] = []
    at = 0
    for run in _RUN.finditer(text):
        start, end = run.span()
        kept.append(text[at:start])
        places += range(at, start)
        if end - start > INVISIBLE_RUN_MAX:
            kept.append(_WALL * (end - start))
            places += range(start, end)
        at = end
    kept.append(text[at:])
    places += range(at, len(text) + 1)
    return "".join(kept), places


def alphanumeric(text: str) -> str:
    """The letters and digits of ``text``, in lower case: what identifiers are compared by."""
    return "".join(character for character in plain(text)[0].casefold() if character.isalnum())


def digits(text: str) -> str:
    """The ASCII digits of ``text``."""
    if not text.isascii():
        text = plain(text)[0]
    return text.encode("ascii", "ignore").translate(None, _NOT_DIGITS).decode("ascii")
