"""JSON text that comes in pieces (a tool's arguments), masked as it passes.

Rule 1: the result equals ``json_edits`` of the whole text, up to how a character is escaped.
Rule 2: a string that must be seen whole (JSON inside, base64, a data URL, a member's name) is held until
        its closing quote; any other string passes as its ``TextStream`` lets it go.
Rule 3: text that turns out not to be JSON is read as plain text from there on; nothing passes unread.
"""

import re
from typing import Final

from lawgate.domain.errors import LawgateError
from lawgate.domain.json_text import DEPTH_MAX, decoded, escaped
from lawgate.domain.json_words import COUNTS, MEMBER_NAMES, VALUES
from lawgate.domain.message import Edit
from lawgate.mask.json_places import COUNT_LENGTH_MAX
from lawgate.mask.json_walk import OPAQUE_LENGTH_MIN, number_edits, string_edits
from lawgate.mask.masker import Masker
from lawgate.mask.stream import TextStream

Pieces = list[str | Edit]

HELD_LENGTH_MAX: Final = 1024 * 1024
"""Longest string that is held whole; OpenAI bounds a tool call's output to 10 MB, models write 100 kB."""

_WORD_LENGTH_MAX: Final = 4096
_MARKS: Final = re.compile(r"[ \t\r\n{}\[\],:]++")
_LITERAL: Final = re.compile(r"[a-z]++")
_NUMBER: Final = re.compile(r"[0-9.eE+\-]++")
_NUMBER_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING: Final = re.compile(
    r'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}(?=[^\\]|\\[^u]|\\u[0-9a-fA-F]{4}))*+"
)
_UNFINISHED_ESCAPE: Final = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3})?|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?"
)
_OPAQUE_SO_FAR: Final = re.compile(r"d(?:a(?:t(?:a(?::\S*)?)?)?)?|[A-Za-z0-9+/_-]*={0,2}|[ \t\r\n]*")


class HeldTooLongError(LawgateError):
    """A string that must be seen whole is longer than ``HELD_LENGTH_MAX``."""

    def __init__(self) -> None:
        super().__init__("a string that must be read whole is longer than 1 MiB; send it in parts")


def raw_pieces(pieces: Pieces) -> Pieces:
    """Pieces of decoded text as pieces of the inside of a JSON string."""
    return [
        escaped(piece)
        if isinstance(piece, str)
        else piece._replace(original=escaped(piece.original), replacement=escaped(piece.replacement))
        for piece in pieces
    ]


def spliced(raw: str, edits: list[Edit]) -> Pieces:
    """``raw`` in pieces, each edit in its place."""
    pieces: Pieces = []
    at = 0
    for edit in edits:
        pieces += (raw[at : edit.start], edit)
        at = edit.end
    pieces.append(raw[at:])
    return pieces


class _OpenString:
    """One string whose closing quote has not come: still undecided, held whole, or passing."""

    __slots__ = ("_length", "_masker", "_name", "_parts", "_stream", "_text", "_whole")

    def __init__(self, masker: Masker, name: str | None) -> None:
        self._masker = masker
        self._name = name
        self._stream: TextStream | None = None
        self._whole = name is None
        self._parts: list[str] = []
        self._length = 0
        self._text = ""

    @property
    def raw(self) -> str:
        """What was held so far."""
        return "".join(self._parts)

    def push(self, raw: str) -> Pieces:
        """More of the string, whole escapes only."""
        if self._stream is not None:
            return raw_pieces(self._stream.push(decoded(raw)))
        self._parts.append(raw)
        self._length += len(raw)
        if self._length > HELD_LENGTH_MAX:
            raise HeldTooLongError
        if self._whole:
            return []
        self._text += decoded(raw)
        if self._decide():
            return []
        self._stream = TextStream(self._masker, key=self._name)
        return raw_pieces(self._stream.push(self._text))

    def _decide(self) -> bool:
        """Whether the string has to be held on, for now or to its end."""
        if self._text.lstrip(" \t\r\n")[:1] in {"{", "[", '"'}:
            self._whole = True
        elif not _OPAQUE_SO_FAR.fullmatch(self._text):
            return False
        elif len(self._text) >= OPAQUE_LENGTH_MIN:
            self._whole = True
        return True

    def close(self) -> tuple[Pieces, int]:
        """What is left at the closing quote, and how many strings in it were not read."""
        if self._stream is not None:
            return raw_pieces(self._stream.flush()), 0
        raw = self.raw
        if not raw or raw in VALUES or (self._name is None and decoded(raw) in MEMBER_NAMES):
            return [raw], 0
        found = string_edits(raw, self._name, self._masker, nesting=1)
        return spliced(raw, found.edits), found.not_inspected


class JsonStream:
    """Pieces of one JSON text in, pieces of its masked form out.

    ``_last`` is the last thing that was read: ``""`` nothing, a mark, ``n`` a name, ``v`` a value. With
    the stack of open brackets it says what may follow.
    """

    __slots__ = ("_brackets", "_last", "_masker", "_name", "_names", "_pending", "_plain", "_string", "not_inspected")

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._brackets: list[str] = []
        self._names: list[str] = []
        self._name = ""
        self._last = ""
        self._pending = ""
        self._plain: TextStream | None = None
        self._string: _OpenString | None = None
        self.not_inspected = 0

    def push(self, text: str) -> Pieces:
        """What may leave, now that ``text`` has come."""
        if self._plain is not None:
            return self._plain.push(text)
        text = self._pending + text
        out: Pieces = []
        at = 0
        while at < len(text):
            step = self._between(text, at, out) if self._string is None else self._in_string(text, at, out)
            if step < 0:
                out += self._read_plain(text[-step - 1 :])
                at = len(text)
                break
            if step == at:
                break
            at = step
        self._pending = text[at:]
        return out

    def flush(self) -> Pieces:
        """The rest, the text being over (or cut off)."""
        pending, self._pending = self._pending, ""
        if self._plain is not None:
            return self._plain.flush()
        out: Pieces = []
        if self._string is not None:
            self._close(out)
            out.append(pending)
        elif _NUMBER_WHOLE.fullmatch(pending):
            self._number(pending, out)
        elif pending:
            out += spliced(pending, self._masker.edits(pending))
        return out

    @property
    def held(self) -> bool:
        """Whether text is held back that ``flush`` would let go."""
        return bool(self._pending) or self._string is not None or (self._plain is not None and bool(self._plain.held))

    def _read_plain(self, text: str) -> Pieces:
        self._plain = TextStream(self._masker, key=None)
        return self._plain.push(text)

    # Each of these returns where to go on, ``at`` to wait for more text, or ``-at - 1`` where the text
    # stops being JSON.

    def _in_string(self, text: str, at: int, out: Pieces) -> int:
        assert self._string is not None
        match = _STRING.match(text, at)
        end = match.end() if match else at
        if end > at:
            out += self._string.push(text[at:end])
        if end == len(text):
            return end
        if text[end] == '"':
            self._close(out)
            out.append('"')
            return end + 1
        if _UNFINISHED_ESCAPE.fullmatch(text, end):
            return end
        self._close(out)
        return -end - 1

    def _close(self, out: Pieces) -> None:
        assert self._string is not None
        pieces, not_inspected = self._string.close()
        out += pieces
        self.not_inspected += not_inspected
        if self._last == "n":
            self._name = decoded(self._string.raw)
        self._string = None

    def _between(self, text: str, at: int, out: Pieces) -> int:
        character = text[at]
        if character == '"':
            if not (self._may_name() or self._may_value()):
                return -at - 1
            out.append('"')
            self._string = _OpenString(self._masker, None if self._may_name() else self._name)
            self._last = "n" if self._may_name() else "v"
            return at + 1
        if marks := _MARKS.match(text, at):
            return self._marks(marks[0], at, out)
        return self._word(text, at, out)

    def _may_value(self) -> bool:
        return self._last in {"", ":", "["} or (self._last == "," and self._brackets[-1] == "[")

    def _may_name(self) -> bool:
        return self._last == "{" or (self._last == "," and self._brackets[-1] == "{")

    def _marks(self, marks: str, at: int, out: Pieces) -> int:
        for index, mark in enumerate(marks):
            if not self._mark(mark):
                out.append(marks[:index])
                return -at - index - 1
        out.append(marks)
        return at + len(marks)

    def _mark(self, mark: str) -> bool:
        """Pass one character of structure; whether JSON allows it here."""
        if mark in " \t\r\n":
            return True
        if mark in "{[":
            return self._open(mark)
        if mark in "}]":
            return self._shut("{" if mark == "}" else "[")
        allowed = self._last == "n" if mark == ":" else self._last == "v" and bool(self._brackets)
        self._last = mark
        return allowed

    def _open(self, mark: str) -> bool:
        if not self._may_value() or len(self._brackets) >= DEPTH_MAX:
            return False
        self._brackets.append(mark)
        self._names.append(self._name)
        self._last = mark
        return True

    def _shut(self, opening: str) -> bool:
        if self._brackets[-1:] != [opening] or self._last not in {opening, "v"}:
            return False
        self._brackets.pop()
        self._name = self._names.pop()
        self._last = "v"
        return True

    def _word(self, text: str, at: int, out: Pieces) -> int:
        """A number, or one of JSON's three words; it is whole once something follows it."""
        match = _NUMBER.match(text, at) or _LITERAL.match(text, at)
        if not match or not self._brackets or not self._may_value() or len(match[0]) > _WORD_LENGTH_MAX:
            return -at - 1
        if match.end() == len(text):
            return at
        if match[0] in {"true", "false", "null"}:
            out.append(match[0])
        elif _NUMBER_WHOLE.fullmatch(match[0]):
            self._number(match[0], out)
        else:
            return -at - 1
        self._last = "v"
        return match.end()

    def _number(self, text: str, out: Pieces) -> None:
        if len(text) <= COUNT_LENGTH_MAX and self._name in COUNTS:
            out.append(text)
        else:
            out += spliced(text, number_edits(text, self._name, self._masker))
