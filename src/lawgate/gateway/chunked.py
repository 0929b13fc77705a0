"""Chunked request bodies (RFC 9112 section 7.1), strictly.

Rule 1: a size is 1 to 8 hexadecimal digits and CRLF. Extensions are refused: nobody sends them, and
    servers that skip them differently smuggle requests.
Rule 2: trailers are read, bounded and dropped; they never join the headers (section 6.5 of RFC 9110).
Rule 3: how the bytes were cut into reads never changes the result.
"""

import re
from typing import Final

from lawgate.domain.limits import Limits

_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LINE_B_MAX: Final = 10
"""Eight digits and CRLF."""
_CHUNKS_FREE: Final = 1024
_TRAILER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-zA-Z]+:[\t -~\x80-\xff]*")

_SIZE_LINE, _DATA, _DATA_END, _TRAILERS, _DONE = range(5)


class ChunkedError(Exception):
    """The framing is broken: no later byte of the connection can be trusted."""


class ChunkedDecoder:
    """Feed reads, take the body's bytes; ``done`` after the last chunk and its trailers."""

    __slots__ = ("_buffer", "_chunks", "_left_b", "_limits", "_state", "_trailer_b", "body_b")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = b""
        self._state = _SIZE_LINE
        self._left_b = 0
        self._chunks = 0
        self._trailer_b = 0
        self.body_b = 0

    @property
    def done(self) -> bool:
        """Whether the whole body has been seen."""
        return self._state == _DONE

    @property
    def rest(self) -> bytes:
        """What was fed beyond the end: the next request's bytes. Empty until ``done``."""
        return self._buffer if self.done else b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take one read and return the pieces of body in it; raises ``ChunkedError``."""
        self._buffer += data
        pieces: list[bytes] = []
        at = 0
        while self._state != _DONE:
            before = at
            at = self._data(at, pieces) if self._state == _DATA else self._line(at)
            if at == before:
                break
        self._buffer = self._buffer[at:]
        return pieces

    def _data(self, at: int, pieces: list[bytes]) -> int:
        piece = self._buffer[at : at + self._left_b]
        if piece:
            pieces.append(piece)
            self._left_b -= len(piece)
            if not self._left_b:
                self._state = _DATA_END
        return at + len(piece)

    def _line(self, at: int) -> int:
        """Consume one line ended by CRLF, if it is whole; ``at`` unchanged if it is not."""
        end = self._buffer.find(b"\n", at)
        line_b_max = self._limits.trailer_b_max if self._state == _TRAILERS else _LINE_B_MAX
        if (end if end >= 0 else len(self._buffer)) - at > line_b_max:
            raise ChunkedError("a chunk's line is too long, or has an extension")
        if end < 0:
            return at
        if end == at or self._buffer[end - 1] != 0x0D:  # noqa: PLR2004 - CR
            raise ChunkedError("a chunk's line does not end with CRLF")
        line = self._buffer[at : end - 1]
        if self._state == _SIZE_LINE:
            self._take_size(line)
        elif self._state == _DATA_END:
            self._take_data_end(line)
        else:
            self._take_trailer(line)
        return end + 1

    def _take_size(self, line: bytes) -> None:
        if not _SIZE.fullmatch(line):
            raise ChunkedError("a chunk size is not 1 to 8 hexadecimal digits (extensions are refused)")
        self._left_b = int(line, 16)
        self.body_b += self._left_b
        self._chunks += 1
        if self._chunks > _CHUNKS_FREE and self.body_b < self._chunks * self._limits.chunk_b_min:
            raise ChunkedError("the chunks are smaller than chunk_b_min on average")
        self._state = _DATA if self._left_b else _TRAILERS

    def _take_data_end(self, line: bytes) -> None:
        if line:
            raise ChunkedError("a chunk is longer than its size")
        self._state = _SIZE_LINE

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_b += len(line) + 2
        if not line:
            self._state = _DONE
        elif not _TRAILER.fullmatch(line):
            raise ChunkedError("a trailer is not a field line")
        elif self._trailer_b > self._limits.trailer_b_max:
            raise ChunkedError("the trailers are longer than trailer_b_max")
