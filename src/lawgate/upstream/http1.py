"""A connection to an upstream: one request at a time, no pipelining (RFC 9112 section 9).

Rule 1: a request is written once. Nothing here sends a byte twice.
Rule 2: bytes that nobody asked for end the connection.
Rule 3: a connection is used again only after an answer that ended by its own framing, with nothing after it.
"""

import asyncio
import math
from typing import Final, Protocol, cast

from lawgate.domain.errors import Code
from lawgate.domain.fields import ORIGIN_FORM, FieldError, Fields, encode
from lawgate.domain.limits import Limits
from lawgate.upstream.response import UpstreamResponse
from lawgate.upstream.target import Timeouts

_JOIN_B_MAX: Final = 64 * 1024
_WITH_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods that say ``content-length: 0`` when they have no body (RFC 9110 section 8.6)."""
_METHODS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"}) | _WITH_LENGTH


class ConnectionOwner(Protocol):
    """The pool, as a connection sees it."""

    @property
    def now_s(self) -> float:
        """Monotonic time of the last sweep."""
        ...

    def freed(self, connection: "UpstreamConnection") -> None:
        """The connection can serve another request."""
        ...

    def gone(self, connection: "UpstreamConnection") -> None:
        """The connection is over (told once)."""
        ...


def request_head(method: str, path: str, authority: bytes, headers: Fields, body_b: int) -> bytes:
    """Request line and fields, framed by us; raises ``FieldError`` on injection."""
    target = path.encode("latin-1", "replace")
    if method not in _METHODS or not ORIGIN_FORM.fullmatch(target):
        raise FieldError("an upstream request needs a known method and an absolute path in visible ASCII")
    length = b"content-length: %d\r\n" % body_b if body_b or method in _WITH_LENGTH else b""
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b%b\r\n" % (method.encode(), target, authority, encode(headers), length)


class UpstreamConnection(asyncio.Protocol):
    """One connection; ``deadline`` is watched by the pool's sweep."""

    __slots__ = (
        "_lost",
        "_owner",
        "_reading",
        "_response",
        "_timeouts",
        "_total_deadline",
        "_transport",
        "deadline",
        "limits",
    )

    def __init__(self, owner: ConnectionOwner, limits: Limits) -> None:
        self._owner = owner
        self.limits = limits
        self.deadline = math.inf
        self._total_deadline = math.inf
        self._timeouts = Timeouts.of(limits)
        self._transport: asyncio.Transport | None = None
        self._response: UpstreamResponse | None = None
        self._reading = True
        self._lost = False

    @property
    def usable(self) -> bool:
        """Whether a request may be written: the peer has not closed, and nothing is under way."""
        transport = self._transport
        return not self._lost and self._response is None and transport is not None and not transport.is_closing()

    @property
    def made(self) -> bool:
        """Whether there ever was a connection."""
        return self._transport is not None

    def give_back(self) -> None:
        """Return a connection that was set aside and not used."""
        if self.usable:
            self.deadline = self._owner.now_s + self.limits.upstream_idle_s_max
            self._owner.freed(self)

    def peer_certificate(self) -> bytes | None:
        """The upstream's leaf certificate in DER, when there is TLS."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return None if tls is None else tls.getpeercert(binary_form=True)

    # ---- what the transport reports -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from nothing of asyncio's

    def data_received(self, data: bytes) -> None:
        """Give bytes to the answer that is under way, if there is one."""
        response = self._response
        if response is None:
            self.kill()
            return
        response.feed(data)
        if response.error is not None:
            self.kill()
        elif response.complete:
            self._finish(response)
        elif response.full:
            self._pause()
        elif response.head_arrived:
            self.deadline = min(self._owner.now_s + self._timeouts.stream_idle_s, self._total_deadline)

    def eof_received(self) -> bool:
        """An end is an end: no half-open connections."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the answer and the pool."""
        response, self._response = self._response, None
        if response is not None and exc is None:
            response.feed_eof()
        elif response is not None:
            response.fail(Code.UPSTREAM_INTERRUPTED, "the connection to the upstream broke")
        self._leave()

    # ---- one request ----------------------------------------------------------------------------

    async def exchange(self, head: bytes, body: bytes, timeouts: Timeouts, *, head_only: bool) -> UpstreamResponse:
        """Write one request and wait for the answer's head; raises ``UpstreamError``.

        A caller that is cancelled while it waits takes the connection down with it.
        """
        transport = self._transport
        assert transport is not None
        self._response = response = UpstreamResponse(self, self.limits, head_only=head_only)
        now_s = self._owner.now_s
        self._timeouts = timeouts
        self._total_deadline = now_s + timeouts.total_s
        self.deadline = min(now_s + timeouts.first_byte_s, self._total_deadline)
        if len(body) <= _JOIN_B_MAX:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        try:
            while not response.head_arrived:
                if response.error is not None:
                    raise response.error
                await response.something()
        except asyncio.CancelledError:
            response.close()
            raise
        return response

    def _finish(self, response: UpstreamResponse) -> None:
        """After the last byte: keep the connection only if nothing about it is in doubt."""
        self._response = None
        transport = self._transport
        assert transport is not None
        if not response.keep_alive or response.excess or transport.get_write_buffer_size():
            self.kill()
            return
        self.read_on()
        self.deadline = self._owner.now_s + self.limits.upstream_idle_s_max
        self._owner.freed(self)

    # ---- what an answer asks --------------------------------------------------------------------

    def _pause(self) -> None:
        """The exchange takes less than the upstream sends: only the total time runs on."""
        self.deadline = self._total_deadline
        if self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def read_on(self) -> None:
        """The exchange wants more."""
        if not self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
            self.deadline = min(self._owner.now_s + self._timeouts.stream_idle_s, self._total_deadline)

    def kill(self) -> None:
        """Drop the connection now; a second time does nothing."""
        response, self._response = self._response, None
        if response is not None:
            response.fail(Code.UPSTREAM_INTERRUPTED, "the connection to the upstream was dropped")
        if self._transport is not None:
            self._transport.abort()
        self._leave()

    def _leave(self) -> None:
        if not self._lost:
            self._lost = True
            self.deadline = math.inf
            self._owner.gone(self)

    def expire(self) -> None:
        """Act on a deadline (called by the pool's sweep)."""
        response = self._response
        if response is not None:
            what = "went quiet in its answer" if response.head_arrived else "did not answer"
            response.fail(Code.UPSTREAM_TIMEOUT, f"the upstream {what} in time")
        self.kill()
