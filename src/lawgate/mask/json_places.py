"""Where in a JSON text the built-in detectors may find something at all: the quick way through a body.

Most strings and numbers of a body are words of a protocol, short texts and small numbers. They are
told apart first, all at once; only for the others the name around them is worked out.

Rule 1: what is left out holds nothing by the detectors' own forms (``engine.ANCHORS``)
        and nothing that has to be counted as unread; a property test holds this equal to ``json_text.leaves``.
Rule 2: detectors from the configuration have no anchors, so with them this way is not taken.
Rule 3: only structures with two digits at most are remembered, so nobody's data is; bounded.
"""

import re
from typing import Final

from lawgate.domain.json_text import DEPTH_MAX, IN_STRUCTURE, NAME, NUMBER, STRING, JsonDepthError, decoded
from lawgate.domain.json_words import COUNTS, MEMBER_NAMES, VALUES
from lawgate.mask.engine import ANCHORS

Place = tuple[int, str, str, int]
"""``(start, text, name, kind)``: raw text, and the decoded name of the innermost member around it."""

COUNT_LENGTH_MAX: Final = 10
"""Of a number that passes unread under a name in ``COUNTS``."""
QUIET_LENGTH_MAX: Final = 127
"""A longer string may be opaque, or hold JSON that is nested too deep to be read."""

_SPACE: Final = " \t\r\n"
_COLON: Final = frozenset({":", ": "})
_LONG_NUMBER: Final = re.compile(r"[0-9][0-9.]{6}|[0-9.][eE]")
"""``NUMBER_DIGITS_MIN`` digits, or an exponent that may stand for as many."""
_MEMBER_NUMBER: Final = re.compile(r"[ \t\r\n]*+:[ \t\r\n]*+(-?[0-9][0-9.eE+\-]*+)[^0-9]*+")
"""A structure whose only number is the value of the member named before it."""
_DIGIT: Final = re.compile("[0-9]")
_BRACKETS: Final = re.compile(r"[{}\[\]]")
_TO_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_BACKSLASH: Final = "\x00\x00"
_QUOTE: Final = "\x01\x01"
"""These stand for ``\\\\`` and ``\\"`` while a text is split; no valid JSON string holds them (RFC 8259 section 7)."""

_KNOWN_MAX: Final = 4096
_KNOWN_LENGTH_MAX: Final = 64
_KNOWN_DIGITS_MAX: Final = 2
_passed: set[str] = {"", *MEMBER_NAMES, *VALUES}
"""Strings and structures between strings that hold nothing, whichever of both they are."""


def places(raw: str, around: str, skip: frozenset[str]) -> list[Place]:
    """What of a valid JSON text is worth a search, in the order of the text.

    ``around`` is the name of the member whose string holds the text; plain values of top-level members in
    ``skip`` are left out. Raises ``JsonDepthError``.
    """
    parts = (_marked(raw) if "\\" in raw and '\\"' in raw else raw).split('"')
    structure = "".join(parts[::2])
    if structure.count("{") + structure.count("[") > DEPTH_MAX:
        _refuse_deep(structure)
    passed = _passed
    loud = [index for index, part in enumerate(parts) if part not in passed]
    found: list[Place] = []
    reader: _Reader | None = None
    at = start = 0
    for index in loud:
        part = parts[index]
        if index & 1:
            if len(part) <= QUIET_LENGTH_MAX and ANCHORS.search(part) is None and not part.startswith("data:"):
                continue
            if parts[index - 1] in _COLON and (name := parts[index - 2]) in MEMBER_NAMES and name not in skip:
                start += sum(map(len, parts[at:index])) + index - at
                at = index
                found.append((start, raw[start : start + len(part)], name, STRING))
                continue
        elif _LONG_NUMBER.search(part) is None:
            _learn(part)
            continue
        elif parts[index - 1] in COUNTS and (one := _MEMBER_NUMBER.fullmatch(part)) and len(one[1]) <= COUNT_LENGTH_MAX:
            continue
        if reader is None:
            reader = _Reader(raw, parts, around, skip)
        if index & 1:
            reader.string(index, found)
        else:
            reader.numbers(index, found)
    return found


def _marked(raw: str) -> str:
    """``raw`` without escaped quotes, equal in length."""
    return raw.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)


def _learn(structure: str) -> None:
    if len(structure) <= _KNOWN_LENGTH_MAX and len(_passed) < _KNOWN_MAX:
        few_digits = len(_DIGIT.findall(structure)) <= _KNOWN_DIGITS_MAX
        if few_digits:
            _passed.add(structure)


def _refuse_deep(structure: str) -> None:
    """Take the innermost brackets away, level by level, as long as there may be too many levels."""
    braces = structure.encode().translate(_TO_BRACES, _NOT_BRACKETS)
    levels = 0
    while len(braces) // 2 + levels > DEPTH_MAX:
        if levels == DEPTH_MAX:
            raise JsonDepthError
        braces = braces.replace(b"{}", b"")
        levels += 1


class _Reader:
    """Works out names and offsets; what it is asked for must come in the order of the text."""

    __slots__ = ("_around", "_at", "_counted", "_depth", "_next", "_parts", "_raw", "_skip", "_stack", "_start")

    def __init__(self, raw: str, parts: list[str], around: str, skip: frozenset[str]) -> None:
        self._raw = raw
        self._parts = parts
        self._skip = skip
        self._at = self._start = 0
        """A part and its offset."""
        self._counted = self._depth = 0
        """The first structure that is not counted in the depth yet."""
        self._next = 0
        """The first structure that is not passed yet: what follows is said of the place before it."""
        self._around = around
        self._stack: list[str] = []

    def string(self, index: int, found: list[Place]) -> None:
        """Part ``index``, a string, unless it passes unread."""
        parts = self._parts
        start = self._start_of(index)
        text = self._raw[start : start + len(parts[index])]
        after = parts[index + 1]
        if after in _COLON or after.lstrip(_SPACE)[:1] == ":":
            name = decoded(text)
            if name not in MEMBER_NAMES:
                found.append((start, text, name, NAME))
            return
        before = parts[index - 1]
        if before in _COLON or before.rstrip(_SPACE)[-1:] == ":":
            name = _name(parts[index - 2])
        else:
            self._pass(index)
            name = self._around
        if name not in self._skip or self._depth_of(index) != 1:
            found.append((start, text, name, STRING))

    def numbers(self, index: int, found: list[Place]) -> None:
        """The numbers of part ``index``, a structure, unless they pass unread."""
        self._pass(index)
        start = self._start_of(index)
        self._next = index + 2
        self._enter(index)
        for move in IN_STRUCTURE.finditer(self._parts[index]):
            text = move[1]
            if text is None:
                self._move(move[0])
                continue
            skipped = self._around in self._skip and len(self._stack) == 1
            if not skipped and (len(text) > COUNT_LENGTH_MAX or self._around not in COUNTS):
                found.append((start + move.start(1), text, self._around, NUMBER))

    def _start_of(self, index: int) -> int:
        self._start += sum(map(len, self._parts[self._at : index])) + index - self._at
        self._at = index
        return self._start

    def _depth_of(self, index: int) -> int:
        """How many objects and arrays are around part ``index``, a string."""
        structure = "".join(self._parts[self._counted : index : 2])
        self._counted = index + 1
        opened = structure.count("{") + structure.count("[")
        self._depth += opened - structure.count("}") - structure.count("]")
        return self._depth

    def _pass(self, index: int) -> None:
        """Pass the structures before part ``index``."""
        for at in range(self._next, index, 2):
            self._enter(at)
            for bracket in _BRACKETS.findall(self._parts[at]):
                self._move(bracket)
        self._next = max(self._next, index + index % 2)

    def _enter(self, index: int) -> None:
        """Take the name that stands before structure ``index``, if it is one."""
        if index and self._parts[index].lstrip(_SPACE)[:1] == ":":
            self._around = _name(self._parts[index - 1])

    def _move(self, bracket: str) -> None:
        if bracket in "{[":
            self._stack.append(self._around)
        elif bracket in "}]":
            self._around = self._stack.pop()


def _name(part: str) -> str:
    """The name that a part of a marked text is."""
    if "\x00" in part or "\x01" in part:
        part = part.replace(_BACKSLASH, "\\\\").replace(_QUOTE, '\\"')
    return decoded(part)
