"""How detectors are written down: a form is one way that an identifier is written.

Rule 1: a form says all there is to say about where a span may be: what stands left of it, what it
        looks like, what stands right of it, which values are valid, whether it needs context. The
        engine's fast paths only guess where a form *may* match; the form decides.
Rule 2: the longest valid match at a start counts, and every start counts: what a form finds depends on
        at most ``width`` + ``LOOK_AHEAD`` characters and never on how overlaps are resolved.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

LOOK_AHEAD: Final = 96
"""Characters right of a span that a form may look at: a full stop and a pseudonym with its detector's name."""
LOOK_BEHIND: Final = 40
"""Characters left of a span that a form may look at, context words apart."""

CONTEXT_REACH: Final = 60
"""Characters left of a span in which context words count."""


class Anchor(Enum):
    """What the engine looks for first to find where a form may match."""

    DIGITS = "digits"
    """A chain of digits; the form's pattern is tried on the shape of the text."""
    AT = "at"
    COLONS = "colons"
    COUNTRY = "country"
    """Two letters and two digits, as an IBAN begins."""
    NONE = "none"
    """Everywhere: detectors from the configuration."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an identifier, on plain text (``normalise.plain``).

    ``left`` and ``right`` are zero-width; ``width`` is the longest match in characters.
    """

    anchor: Anchor
    pattern: str
    width: int
    left: str = ""
    right: str = ""
    valid: Callable[[str], bool] | None = None
    context: bool = False
    """The form alone says too little: a context word to the left or a JSON key must confirm it, and it
    leaves alone what a form without context finds (a **weak** form, the others are strong)."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A kind of personal data and every form it is found in.

    ``words`` are context words by language (ISO 639-1); ``keys`` are names of JSON members that
    count as context, as ``normalise.alphanumeric`` leaves them; ``score`` is how sure a span is
    (0 to 1); ``examples`` are found whole, by a test.
    """

    name: str
    category: str
    score: float
    forms: tuple[Form, ...]
    examples: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    keys: frozenset[str] = frozenset()

    @property
    def width_max(self) -> int:
        """The longest span, in characters of plain text."""
        return max(form.width for form in self.forms)

    @property
    def width_weak_max(self) -> int:
        """The longest span of its weak forms; 0 without any."""
        return max((form.width for form in self.forms if form.context), default=0)

    @property
    def needs_context(self) -> bool:
        """No form of it is found without context."""
        return all(form.context for form in self.forms)


_DIGIT_OF_PATTERN: Final = re.compile(r"(\{[0-9,]+\})|(\\d|\[[0-9](?:-[0-9])?\]|[0-9])")


def shape_pattern(pattern: str) -> str:
    """The pattern for shapes, in which every digit is ``0``: it matches wherever ``pattern`` does, or more."""
    return _DIGIT_OF_PATTERN.sub(lambda match: match[1] or "0", pattern)


class Context:
    """The context words of one detector, ready to be looked for."""

    __slots__ = ("_ascii_phrases", "_other_phrases", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        all_words = {word.casefold() for word in words}
        self._words = frozenset(word for word in all_words if _WORD.fullmatch(word))
        phrases = sorted(all_words - self._words)
        self._ascii_phrases = tuple(phrase for phrase in phrases if phrase.isascii())
        self._other_phrases = tuple(phrase for phrase in phrases if not phrase.isascii())

    def confirms(self, window: str) -> bool:
        """One of the words stands in ``window``."""
        window = window.casefold()
        if not self._words.isdisjoint(_WORD.findall(window)):
            return True
        for phrase in self._ascii_phrases:
            if phrase in window:
                return True
        return not window.isascii() and any(phrase in window for phrase in self._other_phrases)


def window_start(text: str, begin: int, end: int) -> int:
    """``begin``, or behind the word that ``begin`` cuts: context words are words of the text, not of a window."""
    if begin and text[begin - 1].isalpha():
        while begin < end and text[begin].isalpha():
            begin += 1
    return begin


_WORD: Final = re.compile(r"[a-z\u00df-\u024f\u0370-\u058f]+")
"""Words of scripts that put spaces between them; what else is a context word is looked for as it stands."""
