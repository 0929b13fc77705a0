r"""Detectors from the configuration: patterns that stay fast and bounded on hostile text, or are refused.

Rule 1: a match has a longest length, because streams are masked with a hold-back of that length.
Rule 2: the ways to try a pattern at one place are counted and bounded, so that no text makes it slow.
Rule 3: nothing looks around, but for ``\b``: what a stream has not shown yet cannot be looked at.

The grammar is a part of ``re``'s: literals, escapes, classes, ``.``, groups, alternatives and repeats
with an upper bound. Everything else is refused with one sentence.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from lawgate.mask.form import Anchor, Detector, Form

WIDTH_MAX: Final = 128
"""Longer than any identifier that people are known by."""
WAYS_MAX: Final = 4096
"""Ways to try at one place of the text."""
_PATTERN_LENGTH_MAX: Final = 1000
_DEPTH_MAX: Final = 20

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,62}")
_BOUNDS: Final = re.compile(r"\{(\d{1,4})(,?)(\d{0,4})\}")
_CLASS: Final = re.compile(r"\[(\^?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)
_GROUP: Final = re.compile(r"\((?:\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>))?")
_EVERYTHING: Final = r"[\s\S]"
_SET_OPERATION: Final = re.compile(r"\[|--|&&|\|\||~~")
"""Python reserves these inside a class and warns."""
_ESCAPES: Final = frozenset("dDwWsStnr")
_SPECIALS: Final = "*+?{}|)^$"


@dataclass(frozen=True, slots=True)
class CustomDetector:
    """A pattern of the controller's own; ``category`` is the category of data that it finds."""

    name: str
    pattern: str
    category: str


@dataclass(slots=True)
class _Extent:
    """What a part of a pattern can match: shortest, longest, in how many ways, of which characters."""

    shortest: int = 0
    longest: int = 0
    ways: int = 1
    held: list[str] = field(default_factory=list)


def custom_detector(custom: CustomDetector) -> Detector:
    """The detector of a configured pattern. Raises ``ValueError``: one sentence that says what is wrong."""
    if not _NAME.fullmatch(custom.name):
        raise ValueError(f"detector {custom.name!r} must be named in capitals, such as CUSTOMER_NO")
    form = Form(
        Anchor.NONE,
        f"(?:{custom.pattern})",
        extent(custom.pattern).longest,
        left="(?:(?<![0-9A-Za-z])|(?![0-9A-Za-z]))",
        right="(?:(?<![0-9A-Za-z])|(?![0-9A-Za-z]))",
    )
    return Detector(custom.name, custom.category, 0.5, (form,), ())


def held_characters(pattern: str) -> tuple[str, ...]:
    """Patterns of one character each: a character of a match of ``pattern`` matches one of them."""
    return tuple(dict.fromkeys(extent(pattern).held))


def extent(pattern: str) -> _Extent:
    """How far ``pattern`` reaches. Raises ``ValueError`` unless it keeps this module's rules."""
    if len(pattern) > _PATTERN_LENGTH_MAX:
        raise ValueError(f"pattern is longer than {_PATTERN_LENGTH_MAX} characters; make it shorter")
    found = _Reader(pattern).whole()
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"pattern is not a regular expression: {error}") from None
    if found.shortest == 0:
        raise ValueError("pattern matches the empty text; make a part of it required")
    return found


class _Reader:
    """Reads a pattern from left to right."""

    __slots__ = ("_at", "_pattern")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def whole(self) -> _Extent:
        found = self._alternatives(0)
        if self._at < len(self._pattern):
            raise ValueError("pattern has a ')' too many; remove it or write \\)")
        return found

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _alternatives(self, depth: int) -> _Extent:
        if depth > _DEPTH_MAX:
            raise ValueError("pattern has groups nested too deep; write it flatter")
        found = self._sequence(depth)
        while self._next() == "|":
            self._at += 1
            other = self._sequence(depth)
            found.shortest = min(found.shortest, other.shortest)
            found.longest = max(found.longest, other.longest)
            found.ways += other.ways
            found.held += other.held
        return _bounded(found)

    def _sequence(self, depth: int) -> _Extent:
        found = _Extent()
        while self._next() not in {"", "|", ")"}:
            part = self._repeated(self._atom(depth))
            found.shortest += part.shortest
            found.longest += part.longest
            found.ways *= part.ways
            found.held += part.held
            _bounded(found)
        return found

    def _repeated(self, part: _Extent) -> _Extent:
        least, most = self._bounds()
        if (least, most) == (1, 1):
            return part
        if most > WIDTH_MAX:
            raise ValueError(f"pattern may match more than {WIDTH_MAX} characters; bound its repeats, such as {{1,20}}")
        ways = (most - least + 1) * min(part.ways, WAYS_MAX + 1) ** most
        return _bounded(_Extent(part.shortest * least, part.longest * most, ways, part.held))

    def _bounds(self) -> tuple[int, int]:
        sign = self._next()
        if sign in {"*", "+"}:
            raise ValueError(f"pattern repeats without end by {sign!r}; give the repeat a bound, such as {{1,20}}")
        if sign == "?":
            self._at += 1
            least, most = 0, 1
        elif match := _BOUNDS.match(self._pattern, self._at):
            self._at = match.end()
            least, most = int(match[1]), int(match[3] or match[1])
            if match[2] and not match[3]:
                raise ValueError(f"pattern repeats without end by {match[0]!r}; give the repeat a bound")
        else:
            return 1, 1
        if self._next() == "?":  # the lazy form reaches as far
            self._at += 1
        elif self._next() in {"*", "+", "{"}:
            raise ValueError("pattern repeats a repeat; put the inner one into a group")
        return least, most

    def _atom(self, depth: int) -> _Extent:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character in _SPECIALS:
            raise ValueError(
                f"pattern has {character!r} where it cannot be used; write \\{character} for the sign itself"
            )
        self._at += 1
        return _Extent(1, 1, 1, [_EVERYTHING if character == "." else re.escape(character)])

    def _group(self, depth: int) -> _Extent:
        match = _GROUP.match(self._pattern, self._at)
        if match is None or self._pattern.startswith("(?", self._at) > (match[0] != "("):
            raise ValueError("pattern looks around, refers back or sets flags; use a plain pattern")
        self._at = match.end()
        found = self._alternatives(depth + 1)
        if self._next() != ")":
            raise ValueError("pattern has a '(' without its ')'; close it or write \\(")
        self._at += 1
        return found

    def _class(self) -> _Extent:
        match = _CLASS.match(self._pattern, self._at)
        if match is None:
            raise ValueError("pattern has a '[' without its ']'; close it or write \\[")
        if _SET_OPERATION.search(re.sub(r"\\.", "", match[2])):
            raise ValueError(
                "pattern has a set operation in a class; write \\[, \\-, \\&, \\| or \\~ for the sign itself"
            )
        self._at = match.end()
        return _Extent(1, 1, 1, [match[0]])

    def _escape(self) -> _Extent:
        character = self._pattern[self._at + 1 : self._at + 2]
        self._at += 2
        if character == "b":
            return _Extent()
        if character in _ESCAPES or (character and not character.isalnum()):
            return _Extent(1, 1, 1, [f"\\{character}"])
        raise ValueError(
            f"pattern has \\{character}, which is not known here; use literals, classes, \\d, \\w, \\s or \\b"
        )


def _bounded(found: _Extent) -> _Extent:
    if found.longest > WIDTH_MAX:
        raise ValueError(f"pattern may match more than {WIDTH_MAX} characters; bound its repeats, such as {{1,20}}")
    if found.ways > WAYS_MAX:
        raise ValueError("pattern can be tried in too many ways; make its repeats shorter, fewer, or of a fixed length")
    return found
