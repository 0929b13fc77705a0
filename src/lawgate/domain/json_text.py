"""JSON as text: where its leaves are, so that masking can change a span and nothing else.

Rule 1: the text was validated before (RFC 8259); nothing here checks a grammar. The only thing that
        is refused is depth, because a stack is kept.
Rule 2: every leaf is seen, also those of repeated members (RFC 8259 section 4 leaves their meaning
        open, so a reader may take any of them), and so is every member name.
Rule 3: an offset counts code points of the raw text; a span over escapes covers whole escapes.
"""

import re
from collections.abc import Iterator
from json import JSONDecoder
from typing import Final

from lawgate.domain.errors import LawgateError
from lawgate.domain.json_words import MEMBER_NAMES

DEPTH_MAX: Final = 64
"""Deepest nesting that is read; Jackson stops at 1000, PHP at 512, no inference API goes beyond 12."""

STRING: Final = 0
NUMBER: Final = 1
NAME: Final = 2

Leaf = tuple[int, int, str, int, int]
"""``(start, end, name, kind, depth)``: the characters of a string (without quotes), of a number, or
of a member's name; ``name`` is that of the innermost member around the leaf, decoded; ``depth``
counts the objects and arrays around it, 0 for a name (a tuple, because a body has hundreds)."""

Step = str | int
Path = tuple[Step, ...]

_S = r"[ \t\r\n]*+"
_INNER = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_OTHER = r'[^"0-9\-]'
_NUMBER = r"-?[0-9][0-9.eE+\-]*+"
_FRACTION = r"-?(?:0\.[0-9]++(?:[eE]-[0-9]++)?+|[0-9]\.[0-9]++[eE]-[0-9]++)"
_VECTOR = rf"(?:{_FRACTION}{_S},{_S}){{8,}}+"
"""A run of fractions below one, as in an embedding, is no leaf: such numbers identify nobody, and an
embedding has thousands."""

PIECE: Final = re.compile(
    rf'((?:{_OTHER}++"{_INNER}"{_S}:{_S})*+{_OTHER}*+(?:{_VECTOR})?+)(?:"({_INNER})"|({_NUMBER})|\Z)', re.DOTALL
)
"""One piece of structure, names included, and the leaf that ends it: ``(structure, string, number)``."""

_MARK: Final = re.compile(rf'[{{}}\[\]]|"({_INNER})"{_S}:')
_MARK_AND_COMMA: Final = re.compile(rf'[{{}}\[\],]|"({_INNER})"{_S}:')
_ESCAPE: Final = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)")
_MUST_ESCAPE: Final = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_KNOWN_LENGTH_MAX: Final = 64

_decode = JSONDecoder().raw_decode


class JsonDepthError(LawgateError):
    """A JSON text is nested deeper than ``DEPTH_MAX``."""

    def __init__(self) -> None:
        super().__init__(f"JSON is nested deeper than {DEPTH_MAX} levels; flatten it")


def decoded(raw: str) -> str:
    """The characters that the inside of a JSON string stands for; a lone surrogate stays one."""
    if "\\" not in raw:
        return raw
    text: str = _decode(f'"{raw}"')[0]
    return text


def escaped(text: str) -> str:
    """``text`` as the inside of a JSON string; only what must be escaped is (RFC 8259 section 7)."""
    return _MUST_ESCAPE.sub(_escape, text) if _MUST_ESCAPE.search(text) else text


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def raw_offsets(raw: str, wanted: list[int]) -> list[int]:
    """Where the decoded characters at ``wanted`` (ascending) begin in ``raw``."""
    found: list[int] = []
    shift = 0
    escapes = _ESCAPE.finditer(raw)
    escape = next(escapes, None)
    for offset in wanted:
        while escape is not None and escape.start() < offset + shift:
            shift += escape.end() - escape.start() - 1
            escape = next(escapes, None)
        found.append(offset + shift)
    return found


# ---- leaves with the name around them ------------------------------------------------------------
# A text is split at its quotes, which is many times faster than a pattern over long strings: then the
# parts with odd numbers are strings, and the part after a string says by a colon that it was a name.

IN_STRUCTURE: Final = re.compile(rf"[{{}}\[\]]|{_VECTOR}|({_NUMBER})")
"""A bracket, a vector, or a number, which is its group."""


class _Structure:
    """What stands between two strings."""

    __slots__ = ("after_name", "moves", "numbers")

    def __init__(self, text: str) -> None:
        self.after_name = text.lstrip(" \t\r\n").startswith(":")
        self.moves: list[str] = []
        """``{`` for any opening, ``}`` for any closing, the number for a number, in order."""
        self.numbers: list[tuple[int, int]] = []
        for match in IN_STRUCTURE.finditer(text):
            if match[1] is not None:
                self.moves.append("0")
                self.numbers.append(match.span(1))
            elif match[0] in "{}[]":
                self.moves.append("{" if match[0] in "{[" else "}")


_COUNT: Final = re.compile(rf"{_S}:{_S}({_NUMBER}){_S},{_S}")
"""A member's number with another member after it, the usual place of numbers."""
_COLON: Final = frozenset({":", ": "})
_KNOWN_MAX: Final = 4096
_known: dict[str, _Structure] = {}
"""Structures without numbers, so without anybody's data; bounded."""


def _structure(text: str) -> _Structure:
    made = _Structure(text)
    if not made.numbers and len(_known) < _KNOWN_MAX and len(text) <= _KNOWN_LENGTH_MAX:
        _known[text] = made
    return made


def _parts(raw: str) -> list[str]:
    """``raw`` split at the quotes that begin and end strings."""
    parts = raw.split('"')
    if '\\"' not in raw:
        return parts
    whole: list[str] = []
    begun: list[str] = []
    for part in parts:
        begun.append(part)
        if len(whole) % 2 and (len(part) - len(part.rstrip("\\"))) % 2:
            continue  # inside a string, and the quote that follows is escaped
        whole.append('"'.join(begun))
        begun = []
    return whole


def leaves(raw: str, name: str = "") -> list[Leaf]:
    """Every string, number and unknown member name of a valid JSON text, in the order of the text.

    ``name`` is that of the member whose string holds the text, if there is one. Raises
    ``JsonDepthError``.
    """
    found: list[Leaf] = []
    stack: list[str] = []
    parts = _parts(raw)
    known = _known.get
    first = known(parts[0]) or _structure(parts[0])
    if first.moves:
        name = _moved(first, 0, stack, name, found)
    depth = len(stack)
    at = len(parts[0]) + 1
    for string, text in zip(parts[1::2], parts[2::2], strict=True):
        if text in _COLON:
            name = string if string in MEMBER_NAMES else _name(string, at, found)
            at += len(string) + len(text) + 2
            continue
        structure = known(text)
        if structure is None:
            count = _COUNT.fullmatch(text)
            if count is not None:
                name = _name(string, at, found)
                at += len(string) + 1
                found.append((at + count.start(1), at + count.end(1), name, NUMBER, depth))
                at += len(text) + 1
                continue
            structure = _structure(text)
        if structure.after_name:
            name = string if string in MEMBER_NAMES else _name(string, at, found)
        else:
            found.append((at, at + len(string), name, STRING, depth))
        at += len(string) + 1
        if structure.moves:
            name = _moved(structure, at, stack, name, found)
            depth = len(stack)
        at += len(text) + 1
    return found


def _name(string: str, at: int, found: list[Leaf]) -> str:
    """A member's name, which is a leaf itself unless the protocols have it."""
    name = decoded(string)
    if name not in MEMBER_NAMES:
        found.append((at, at + len(string), name, NAME, 0))
    return name


def _moved(structure: _Structure, at: int, stack: list[str], name: str, found: list[Leaf]) -> str:
    """Pass the structure that begins at ``at``; returns the name of the member around what follows."""
    numbers = iter(structure.numbers)
    for move in structure.moves:
        if move == "{":
            stack.append(name)
            if len(stack) > DEPTH_MAX:
                raise JsonDepthError
        elif move == "}":
            name = stack.pop()
        else:
            start, end = next(numbers)
            found.append((at + start, at + end, name, NUMBER, len(stack)))
    return name


def containers(raw: str, names: frozenset[str]) -> list[tuple[int, int]]:
    """Ranges of the outermost objects and arrays that are values of members called ``names``."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    inside = 0
    for start, mark, name in _marks(raw):
        if mark == "{":
            inside += bool(inside) or name in names
            opened.append(start if inside == 1 and name in names else -1)
        elif mark == "}":
            begun = opened.pop()
            if begun >= 0:
                found.append((begun, start + 1))
                inside = 0
    return found


def _marks(raw: str) -> Iterator[tuple[int, str, str]]:
    """Each opening (``{``) and closing (``}``) of an object or array, with the member it belongs to."""
    stack: list[str] = []
    name = ""
    for piece in PIECE.finditer(raw):
        for mark in _MARK.finditer(raw, piece.start(1), piece.end(1)):
            if mark[1] is not None:
                name = decoded(mark[1])
            elif mark[0] in "{[":
                yield mark.start(), "{", name
                stack.append(name)
            else:
                yield mark.start(), "}", name
                name = stack.pop()


# ---- leaves with their whole path ----------------------------------------------------------------


def paths(raw: str) -> list[tuple[Path, Leaf]]:
    """As ``leaves``, each with its path: member names and array positions. For small texts.

    An unknown member name has the path of the member. Raises ``JsonDepthError``.
    """
    found: list[tuple[Path, Leaf]] = []
    path = _Path()
    for piece in PIECE.finditer(raw):
        for mark in _MARK_AND_COMMA.finditer(raw, piece.start(1), piece.end(1)):
            if mark[1] is None:
                path.move(mark[0])
                continue
            path.name(decoded(mark[1]))
            if path.steps[-1] not in MEMBER_NAMES:
                leaf = (mark.start(1), mark.end(1), path.innermost, NAME, 0)
                found.append((tuple(path.steps), leaf))
        for group, kind in ((2, STRING), (3, NUMBER)):
            if piece[group] is not None:
                leaf = (piece.start(group), piece.end(group), path.innermost, kind, len(path.steps))
                found.append((tuple(path.steps), leaf))
    return found


class _Path:
    """Where a reader of a JSON text stands."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def move(self, mark: str) -> None:
        """Pass a bracket or a comma."""
        if mark == ",":
            if isinstance(self.steps[-1], int):
                self.steps[-1] += 1
        elif mark in "]}":
            self.steps.pop()
        else:
            self.steps.append(0 if mark == "[" else "")
            if len(self.steps) > DEPTH_MAX:
                raise JsonDepthError

    def name(self, name: str) -> None:
        """Pass a member's name."""
        self.steps[-1] = name

    @property
    def innermost(self) -> str:
        """The name of the innermost member."""
        return next((step for step in reversed(self.steps) if isinstance(step, str)), "")
