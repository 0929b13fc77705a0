"""A client's connection: HTTP/1.1 (RFC 9112) in, one exchange at a time, answers out in order.

Rule 1: a head is parsed only when the exchange before it has ended. What was sent ahead waits as bytes,
    bounded, so nothing of a later request acts early.
Rule 2: a refusal at this level reaches no handler, and nothing after it is read as a request.
Rule 3: one task lives as long as the connection and serves its requests in turn (a task for each costs
    one microsecond more on Python 3.11).
"""

import asyncio
import logging
import math
from typing import Final, cast

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.gateway.connection import BODY, CLOSED, CLOSING, HEAD, IDLE, SERVING, ClientConnection
from lawgate.gateway.floor import Floor, Handler, Refuse
from lawgate.gateway.head import Head, HeadRefusedError, check_partial, parse_head
from lawgate.gateway.request import TOO_SLOW, TRUNCATED, BodyIntake, Request
from lawgate.gateway.responder import ClientGoneError, Responder

__all__ = ["ClientGoneError", "Handler", "Refuse", "Request", "Responder", "ServerProtocol"]

log = logging.getLogger("lawgate.gateway")

CLIENT_LEFT: Final = "the client left"
CLIENT_SLOW: Final = "the client took no bytes for write_stall_s_max"
STOPPING: Final = "the gateway stopped"


class ServerProtocol(ClientConnection):
    """One client connection: what is read from it, and the exchanges that come of it."""

    def __init__(self, floor: Floor) -> None:
        super().__init__(floor)
        self._checked_b = 0
        self._request: Request | None = None
        self._responder: Responder | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._ahead = 0
        self._peer = ""
        self._certificate: bytes | None = None

    # ---- what the transport reports -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection in, or turn it away."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from nothing of asyncio's
        self._transport.set_write_buffer_limits(high=self._limits.write_buffer_b_high)
        floor = self._floor
        floor.members.add(self)
        floor.counters.connections += 1
        floor.counters.connections_total += 1
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._certificate = tls.getpeercert(binary_form=True)
        self.deadline = floor.now_s + self._limits.idle_time_s_max
        if floor.counters.connections > self._limits.connections_max:
            self._refuse(HeadRefusedError("more connections than connections_max", Code.OVERLOADED))

    def data_received(self, data: bytes) -> None:
        """Give bytes to whoever waits for them."""
        phase = self._phase
        if phase == IDLE:
            self._take_head(data)
        elif phase == BODY:
            self._take_body(data)
        elif phase == HEAD:
            self._buffer += data
            self._take_partial_head()
        elif phase == SERVING:
            self._buffer += data
            if len(self._buffer) > self._limits.pipelined_b_max:
                self._pause_reading()

    def eof_received(self) -> bool:
        """An end inside a request can still be answered; elsewhere the client has left."""
        self._half_closed = True
        can_answer = self._transport.can_write_eof()  # TLS cannot be half closed
        if self._phase == HEAD:
            self._refuse(HeadRefusedError("the connection ended inside a head"))
            return can_answer
        if self._phase == BODY and can_answer:
            self._fail_body(Code.BODY_TRUNCATED, TRUNCATED)
            return True
        if self._phase in (BODY, SERVING):
            self._lose(CLIENT_LEFT)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever still works for this client, once."""
        del exc
        self._phase = CLOSED
        self._floor.leave(self)
        self._fail_body(Code.BODY_TRUNCATED, TRUNCATED)
        self._lose(CLIENT_LEFT)
        self.resume_writing()
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # ---- heads ----------------------------------------------------------------------------------

    def _take_head(self, data: bytes) -> None:
        """The usual case: a whole head, and often its whole body, in one read."""
        if data.startswith(b"\r\n"):
            data = data[2:]  # RFC 9112 section 2.2: one empty line before a request is ignored
        end = data.find(b"\r\n\r\n") + 4
        if end >= 4:  # noqa: PLR2004 - found
            self._parse(data[:end], data[end:])
        elif data:
            self._phase = HEAD
            self._checked_b = 0
            self._buffer[:] = data
            self.deadline = self._floor.now_s + self._limits.header_time_s_max
            self._take_partial_head()

    def _take_partial_head(self) -> None:
        buffer = self._buffer
        if not self._checked_b and buffer.startswith(b"\r\n"):
            del buffer[:2]  # the ignored empty line, cut in two by the network
        if not buffer or buffer == b"\r":
            return
        end = buffer.find(b"\r\n\r\n", max(self._checked_b - 3, 0)) + 4
        if end >= 4:  # noqa: PLR2004 - found
            raw, rest = bytes(buffer[:end]), bytes(buffer[end:])
            buffer.clear()
            self._parse(raw, rest)
            return
        try:
            self._checked_b = check_partial(buffer, self._checked_b, self._limits)
        except HeadRefusedError as error:
            self._refuse(error)

    def _parse(self, raw: bytes, rest: bytes) -> None:
        counters = self._floor.counters
        try:
            head = parse_head(raw, self._limits)
            self._floor.admit()
        except HeadRefusedError as error:
            self._refuse(error)
            return
        counters.exchanges += 1
        counters.exchanges_total += 1
        self._begin(head, rest)

    def _begin(self, head: Head, rest: bytes) -> None:
        self._request = request = Request(head, self, self._peer, self._certificate)
        self._responder = Responder(self, head_only=head.method == b"HEAD", http_1_0=head.http_1_0)
        self._responder.keep_alive = head.keep_alive
        length = head.content_length
        self._phase = SERVING
        self.deadline = math.inf
        if 0 <= length <= min(len(rest), self._limits.body_b_max):
            request.take_whole(rest[:length])
            rest = rest[length:]
            if rest:
                self._buffer += rest
        else:
            request.intake = BodyIntake(length, self._limits, expects_continue=head.expects_continue)
            self._phase = BODY
            self._body_deadline = self._floor.now_s + self._limits.body_time_s_max
            self._take_body(rest)
        if self._task is None:
            self._task = self._loop.create_task(self._serve())
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # ---- bodies ---------------------------------------------------------------------------------

    def _take_body(self, data: bytes) -> None:
        request = self._request
        assert request is not None
        intake = request.intake
        assert intake is not None
        rest = intake.feed(data) if data else b""
        if intake.complete:
            self._phase = SERVING
            self.deadline = math.inf
            self._buffer += rest
        elif intake.refused is not None:
            self._phase = SERVING  # what follows is not a request: the answer will close
            self.deadline = math.inf
            self._pause_reading()
        elif not intake.wanted and intake.received_b > self._limits.body_read_ahead_b_max:
            self.deadline = math.inf
            self._pause_reading()
        else:
            self.deadline = min(self._floor.now_s + self._limits.body_idle_s_max, self._body_deadline)

    def body_wanted(self) -> None:
        """The handler waits for the body (RFC 9110 section 10.1.1: now the client may send it)."""
        request = self._request
        if request is None or request.intake is None or self._phase != BODY:
            return
        if request.intake.expects_continue and not request.intake.received_b:
            request.intake.expects_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        now_s = self._floor.now_s
        if not self._reading:
            self._body_deadline = now_s + self._limits.body_time_s_max
        self.deadline = min(now_s + self._limits.body_idle_s_max, self._body_deadline)
        self._resume_reading()

    def _fail_body(self, code: Code, message: str) -> None:
        request = self._request
        if request is not None and request.intake is not None:
            request.intake.fail(refuse(code, message))
            if self._phase == BODY:
                self._phase = SERVING
                self.deadline = math.inf

    # ---- exchanges ------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Serve the connection's requests in turn, until it ends."""
        handler = self._floor.handler
        while self._request is not None and self._responder is not None:
            kept = False
            try:
                await handler(self._request, self._responder)
                kept = self._end(self._responder)
            except Exception as error:  # noqa: BLE001 - a listed boundary: one exchange's bug must not end the node
                self._failed(self._responder, error)
                kept = self._end(self._responder)
            finally:
                self._floor.counters.exchanges -= 1
                self._request = self._responder = None
                if not kept and self._phase < CLOSING:
                    self._transport.abort()
            if not kept:
                return
            await self._next_request()

    def _failed(self, responder: Responder, error: Exception) -> None:
        """Answer for a handler that raised; its error's text stays unsaid, it may quote the caller (law 4)."""
        if isinstance(error, RefusedError):
            self._answer_refusal(responder, error.refusal.code, error.refusal.message)
        elif not isinstance(error, ClientGoneError):
            self._floor.counters.failed_total += 1
            log.error("a handler failed", extra={"error": type(error).__name__})
            self._answer_refusal(responder, Code.INTERNAL, "the handler failed")

    def _answer_refusal(self, responder: Responder, code: Code, detail: str) -> None:
        if responder.started or responder.gone is not None:
            responder.abort()
            return
        headers, body = self._floor.refuse(code, detail)
        responder.send(refuse(code, detail).refusal.status, headers, body)

    def _end(self, responder: Responder) -> bool:
        """After the handler: whether the connection serves on."""
        if self._phase == CLOSED:
            return False
        if not responder.ended:
            log.error("a handler returned without an answer")
            self._answer_refusal(responder, Code.INTERNAL, "the handler gave no answer")
        if responder.gone is None and responder.keep_alive:
            return True
        if self._phase < CLOSING:
            self._close_after_answer()
        return False

    async def _next_request(self) -> None:
        """Start the next request from what was sent ahead, or wait for it."""
        while self._writable is not None:
            await self._writable  # its answer would only add to what the client does not take
        if self._phase == CLOSED:
            return
        self._phase = IDLE
        self.deadline = self._floor.now_s + self._limits.idle_time_s_max
        if self._buffer:
            self._ahead += 1
            data = bytes(self._buffer)
            self._buffer.clear()
            self._resume_reading()
            self._take_head(data)
        else:
            self._ahead = 0
            if self._floor.stopping:
                self._close_after_answer()
        if self._request is None and self._phase in (IDLE, HEAD):
            self._wake = self._loop.create_future()
            await self._wake
            self._wake = None

    def keeps_alive(self) -> bool:
        """Whether another request may follow the answer that starts now."""
        request, responder = self._request, self._responder
        return (
            responder is not None
            and request is not None
            and responder.keep_alive
            and request.complete
            and not self._half_closed
            and not self._floor.stopping
            and self._ahead < self._limits.pipelined_requests_max
        )

    # ---- ends -----------------------------------------------------------------------------------

    def expire(self) -> None:
        """Act on a deadline (called by the floor's sweep)."""
        self.deadline = math.inf
        if self._phase == IDLE:
            self._close_after_answer()
        elif self._phase == HEAD:
            self._refuse(HeadRefusedError("the head took longer than header_time_s_max", Code.REQUEST_TIMEOUT))
        elif self._phase == BODY and self._writable is None:
            self._fail_body(Code.REQUEST_TIMEOUT, TOO_SLOW)
        elif self._phase in (BODY, SERVING):
            self._lose(CLIENT_SLOW)
            self._transport.abort()
        elif self._phase == CLOSING:
            self._transport.abort()

    def _lose(self, reason: str) -> None:
        if self._responder is not None:
            self._responder.lost(reason)

    def stop_now(self) -> asyncio.Task[None] | None:
        """At a stop's deadline: tell the handler and drop the connection; its task may still record."""
        self._lose(STOPPING)
        self._transport.abort()
        return self._task
