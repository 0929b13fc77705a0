"""Server-sent events and JSON lines out of bytes (WHATWG HTML section 9.2.6; ndjson.org).

Rule 1: how the bytes were cut into reads cannot matter.
Rule 2: a block keeps its bytes, so that what need not change is forwarded as it came.
Rule 3: a block is bounded; what is longer refuses.
Rule 4: UTF-8 is decoded block by block, so a character split over two reads is whole again.
"""

import re
from typing import Final, NamedTuple

from lawgate.domain.errors import LawgateError

BLOCK_B_MAX: Final = 4 * 1024 * 1024
"""One event. nginx buffers 32 KiB an answer; a final event of the Responses API repeats the whole answer,
images in base64 included."""

_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|\Z))")
_LINE_FEED: Final = re.compile(rb"\n")
_LINE: Final = re.compile(r"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
_END_B_MAX: Final = 3
_TOO_LARGE: Final = "an event is larger than 4 MiB; ask the upstream for smaller ones"


class StreamUnreadableError(LawgateError):
    """A stream that cannot be cut into events, or whose events are not UTF-8."""


class Event(NamedTuple):
    """One block of a stream, as text: ``before``, then the data, then ``after``.

    ``in_place`` says that ``before + data + after`` is the block; it is not where several ``data``
    lines were joined by line feeds (then ``before`` holds all other lines) or where there is no data.
    """

    text: str
    before: str
    data: str
    after: str
    name: str = ""
    in_place: bool = True


class BlockSplitter:
    """Bytes in, whole blocks out: events that end in a blank line, or lines."""

    __slots__ = ("_buffer", "_events", "_searched")

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self._buffer = bytearray()
        self._searched = 0

    def push(self, chunk: bytes) -> list[bytes]:
        """The blocks that ``chunk`` completes, their ends included; raises ``StreamUnreadableError``."""
        buffer = self._buffer
        if not buffer and self._events and b"\r" not in chunk:
            if chunk.find(b"\n\n") == len(chunk) - 2 >= 0:  # one event, the usual case
                return _bounded([chunk])
            pieces = chunk.split(b"\n\n")
            if not pieces[-1]:  # the read ended with an event
                return _bounded([piece + b"\n\n" for piece in pieces[:-1]])
        buffer += chunk
        blocks: list[bytes] = []
        at = 0
        for end in self._ends():
            blocks.append(bytes(buffer[at:end]))
            at = end
        del buffer[:at]
        self._searched = max(0, len(buffer) - _END_B_MAX)
        if len(buffer) > BLOCK_B_MAX:
            raise StreamUnreadableError(_TOO_LARGE)
        return _bounded(blocks)

    def _ends(self) -> list[int]:
        if not self._events:
            return [match.end() for match in _LINE_FEED.finditer(self._buffer, self._searched)]
        return [match.end() for match in _BLANK_LINE.finditer(self._buffer, self._searched)]

    def finish(self) -> bytes:
        """What is left without an end; the stream is over."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def _bounded(blocks: list[bytes]) -> list[bytes]:
    for block in blocks:
        if len(block) > BLOCK_B_MAX:
            raise StreamUnreadableError(_TOO_LARGE)
    return blocks


def line(block: bytes) -> Event:
    """One line of NDJSON; raises ``StreamUnreadableError``."""
    text = _text(block)
    data = text.rstrip("\r\n")
    return Event(text, "", data, text[len(data) :])


def event(block: bytes, *, first: bool = False) -> Event:
    """One server-sent event; ``first`` lets a byte order mark pass. Raises ``StreamUnreadableError``."""
    text = _text(block)
    if text.startswith("data: ") and text.find("\n") == len(text) - 2 and "\r" not in text:
        return Event(text, "data: ", text[6:-2], "\n\n")
    return _fields(text, 1 if first and text.startswith("\ufeff") else 0)


def _text(block: bytes) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError:
        raise StreamUnreadableError("an event is not UTF-8; ask the upstream for UTF-8") from None


def _fields(text: str, at: int) -> Event:
    """Read the lines of a block (WHATWG HTML section 9.2.6, "interpreting an event stream")."""
    values: list[tuple[int, int]] = []
    others: list[str] = [text[:at]]
    name = ""
    plain = True
    for match in _LINE.finditer(text, at):
        field, colon, value = match[1].partition(":")
        start = match.start() + len(field) + len(colon) + value.startswith(" ")
        if field == "data":
            values.append((start, match.end(1)))
            plain = bool(colon)
            continue
        if match[1]:
            others.append(match[0])
        if field == "event":
            name = text[start : match.end(1)]
    if len(values) == 1 and plain:
        start, end = values[0]
        return Event(text, text[:start], text[start:end], text[end:], name)
    data = "\n".join(text[start:end] for start, end in values)
    return Event(text, "".join(others), data, "\n\n", name, in_place=False)


def data_lines(text: str) -> str:
    """``text`` as the inside of a ``data`` field whose first line has begun."""
    return text.replace("\n", "\ndata: ")
