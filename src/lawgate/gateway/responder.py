"""One answer towards a client: framing is ours, whatever the upstream sent.

Rule 1: an answer starts once and ends once; what comes later is dropped, never sent into the next one.
Rule 2: HEAD, 204 and 304 carry no body (RFC 9112 section 6.3); HTTP/1.0 gets no chunks.
Rule 3: an answer to a request whose body was not read closes the connection.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from lawgate.domain.errors import LawgateError
from lawgate.domain.fields import Fields, encode

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode("ascii") for status in range(200, 600)
}
_BODILESS: Final = frozenset({204, 304})
_NOT_STARTED, _STREAMING, _ENDED = range(3)


class ClientGoneError(LawgateError):
    """The client left, or was left, before its answer had ended."""


class AnswerSink(Protocol):
    """What an answer asks of its connection."""

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        ...

    def keeps_alive(self) -> bool:
        """Whether the connection can serve another request after this answer."""
        ...

    def date_line(self) -> bytes:
        """``date: ...`` and CRLF for this second."""
        ...

    def writable(self) -> asyncio.Future[None] | None:
        """``None`` when bytes may be written, else what to await first."""
        ...

    def abort(self) -> None:
        """Drop the connection now."""
        ...


class Responder:
    """Answers one request: either ``send``, or ``start``, ``write`` and ``end``."""

    __slots__ = ("_callbacks", "_chunked", "_head_only", "_http_1_0", "_sink", "_state", "gone", "keep_alive")

    def __init__(self, sink: AnswerSink, *, head_only: bool, http_1_0: bool) -> None:
        self._sink = sink
        self._head_only = head_only
        self._http_1_0 = http_1_0
        self._state = _NOT_STARTED
        self._chunked = False
        self._callbacks: list[Callable[[], None]] | None = None
        self.keep_alive = False
        self.gone: str | None = None
        """Why the client cannot be answered any more; ``None`` while it can."""

    @property
    def started(self) -> bool:
        """Whether a status line was written: a refusal can then no longer be said in full."""
        return self._state != _NOT_STARTED

    @property
    def ended(self) -> bool:
        return self._state == _ENDED

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call once when the client leaves before the handler returned; ``gone`` then says why."""
        if self.gone is not None:
            callback()
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def lost(self, reason: str) -> None:
        """Note that the client is gone (the connection calls this)."""
        if self.gone is None:
            self.gone = reason
            callbacks, self._callbacks = self._callbacks, None
            for callback in callbacks or ():
                callback()

    def send(self, status: int, headers: Fields, body: bytes) -> None:
        """Send a whole answer in one write; raises ``FieldError`` before any byte is written."""
        if self._state != _NOT_STARTED:
            self._must_be(_NOT_STARTED)
        bodiless = status in _BODILESS or (self._head_only and not body)
        head = self._head(status, headers, b"" if bodiless else b"content-length: %d\r\n" % len(body))
        self._state = _ENDED
        if self.gone is None:
            self._sink.write(head if bodiless or self._head_only else head + body)

    def start(self, status: int, headers: Fields) -> None:
        """Begin an answer of unknown length; its head leaves at once."""
        self._must_be(_NOT_STARTED)
        bodiless = self._head_only or status in _BODILESS
        self._chunked = not (self._http_1_0 or bodiless)
        framing = b"transfer-encoding: chunked\r\n" if self._chunked else b""
        head = self._head(status, headers, framing, delimited=self._chunked or bodiless)
        self._head_only = bodiless
        self._state = _STREAMING
        self._write(head)

    def write(self, data: bytes) -> None:
        """Send one piece; await ``drain`` between pieces. Dropped when the client is gone."""
        self._must_be(_STREAMING)
        if not data or self._head_only:
            return
        self._write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def drain(self) -> None:
        """Wait until the client takes more; raises ``ClientGoneError``."""
        if self.gone is not None:
            raise ClientGoneError(self.gone)
        waiter = self._sink.writable()
        if waiter is not None:
            await asyncio.shield(waiter)
            if self.gone is not None:
                raise ClientGoneError(self.gone)

    def end(self, last: bytes = b"") -> None:
        """Send the last piece and the end of the answer in one write."""
        self._must_be(_STREAMING)
        self._state = _ENDED
        if self._head_only:
            return
        if not self._chunked:
            self._write(last)
        elif last:
            self._write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))
        else:
            self._write(b"0\r\n\r\n")

    def abort(self) -> None:
        """Cut the connection: the client sees an answer that did not end, and cannot mistake it."""
        self._state = _ENDED
        self.keep_alive = False
        self._callbacks = None
        self._sink.abort()

    def _head(self, status: int, headers: Fields, framing: bytes, *, delimited: bool = True) -> bytes:
        line = STATUS_LINES.get(status)
        if line is None:
            raise ValueError(f"{status} is not the status of a final answer")
        self.keep_alive = keep_alive = delimited and self._sink.keeps_alive()
        if not keep_alive:
            connection = b"connection: close\r\n\r\n"
        elif self._http_1_0:
            connection = b"connection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n"
        return b"".join((line, encode(headers), self._sink.date_line(), framing, connection))

    def _must_be(self, state: int) -> None:
        if self._state != state:
            raise RuntimeError("an answer is started once, written while started and ended once")

    def _write(self, data: bytes) -> None:
        if self.gone is None and data:
            self._sink.write(data)
