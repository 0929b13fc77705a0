"""What a client's connection can do besides reading requests: write, wait, refuse, end.

Rule 1: every phase but SERVING has a deadline; SERVING belongs to the handler, which has its own.
Rule 2: a connection that ends while its client may still be sending reads on for a while, into nothing:
    a reset would destroy the answer on its way (RFC 9112 section 9.6).
Rule 3: writers wait while the client takes less than we send; a client that takes nothing is left.
"""

import asyncio
import math
from typing import Final

from lawgate.domain.errors import RETRYABLE
from lawgate.domain.fields import encode
from lawgate.gateway.floor import Floor
from lawgate.gateway.head import HeadRefusedError
from lawgate.gateway.responder import STATUS_LINES

IDLE, HEAD, BODY, SERVING, CLOSING, CLOSED = range(6)
"""Waiting for a request; for the rest of a head; for the rest of a body (its handler may be running);
for the handler; for the client to take the last answer; over."""

RETRY_AFTER_S: Final = b"5"


class ClientConnection(asyncio.Protocol):
    """The writing half of a client connection. ``deadline`` is watched by the floor's sweep."""

    _transport: asyncio.Transport

    def __init__(self, floor: Floor) -> None:
        self.deadline = math.inf
        self._floor = floor
        self._limits = floor.limits
        self._loop = asyncio.get_running_loop()
        self._phase = IDLE
        self._buffer = bytearray()
        self._writable: asyncio.Future[None] | None = None
        self._body_deadline = math.inf
        self._reading = True
        self._half_closed = False

    # ---- what an answer asks of its connection --------------------------------------------------

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        self._transport.write(data)

    def date_line(self) -> bytes:
        """The ``Date`` field for this second."""
        return self._floor.date_line

    def writable(self) -> asyncio.Future[None] | None:
        """What a writer waits for while the client takes less than we send."""
        return self._writable

    def abort(self) -> None:
        """Drop the connection now."""
        self._transport.abort()

    # ---- back-pressure --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client takes less than we send: writers wait, and it has a deadline."""
        self._writable = self._loop.create_future()
        self.deadline = self._floor.now_s + self._limits.write_stall_s_max

    def resume_writing(self) -> None:
        """The client caught up."""
        if self._writable is None:
            return
        self._writable.set_result(None)
        self._writable = None
        if self._phase in (SERVING, BODY):
            self.deadline = math.inf if self._phase == SERVING else self._body_deadline

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    # ---- ends -----------------------------------------------------------------------------------

    def _refuse(self, error: HeadRefusedError) -> None:
        """Answer without a handler, then close so that the client can read the answer."""
        floor = self._floor
        floor.counters.refused_total += 1
        headers, body = floor.refuse(error.code, error.detail)
        retry = b""
        if error.code in RETRYABLE and all(name != b"retry-after" for name, _ in headers):
            retry = b"retry-after: %b\r\n" % RETRY_AFTER_S
        framing = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self._transport.write(
            b"".join((STATUS_LINES[error.status], encode(headers), floor.date_line, retry, framing, body))
        )
        self._linger()

    def _linger(self) -> None:
        """Say that no more comes, and read on into nothing."""
        self._closing()
        if self._half_closed:
            self._transport.close()
            return
        if self._transport.can_write_eof():  # TLS cannot be half closed
            self._transport.write_eof()
        self._resume_reading()

    def _close_after_answer(self) -> None:
        """Close; read on first if the client may still be sending."""
        if self._phase == BODY or self._buffer or not self._reading:
            self._linger()
        else:
            self._closing()
            self._transport.close()

    def _closing(self) -> None:
        self._phase = CLOSING
        self._buffer.clear()
        self.deadline = self._floor.now_s + self._limits.linger_s_max

    def stop_if_idle(self) -> bool:
        """For a graceful stop: close a connection that serves nothing; whether it did."""
        if self._phase != IDLE:
            return False
        self._close_after_answer()
        return True
