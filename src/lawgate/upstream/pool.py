"""Connections to upstreams, kept and shared by target.

Rule 1: a request moves to another connection only if no byte of it was written (a kept connection that
    the peer closed is noticed before the write); after that, its fate is reported, not repaired.
Rule 2: connections per target are bounded; who must wait, waits in order, and not for ever.
Rule 3: one coarse sweep watches every deadline; a bound in time is kept to within two ticks.
"""

import asyncio
import math
import ssl
from collections import deque
from typing import Final

from lawgate.domain.errors import Code, ConfigurationError, UpstreamError
from lawgate.domain.fields import FieldError, Fields
from lawgate.domain.limits import Limits
from lawgate.upstream.http1 import UpstreamConnection, request_head
from lawgate.upstream.proxy import Tunnel
from lawgate.upstream.response import UpstreamResponse
from lawgate.upstream.target import Proxy, Timeouts, UpstreamTarget
from lawgate.upstream.tls import check_pin, client_context

_TICK_S_MAX: Final = 0.5
_TICK_S_MIN: Final = 0.02


class Lease:
    """One connection set aside: ``request`` once, or ``release`` it unused."""

    __slots__ = ("_connection", "_host", "_timeouts")

    def __init__(self, host: "_Host", connection: UpstreamConnection, timeouts: Timeouts) -> None:
        connection.deadline = math.inf
        self._connection: UpstreamConnection | None = connection
        self._host = host
        self._timeouts = timeouts

    async def request(self, method: str, path: str, headers: Fields, body: bytes) -> UpstreamResponse:
        """Write one request and wait for the answer's head; raises ``UpstreamError`` or ``FieldError``."""
        connection = self._take()
        try:
            head = request_head(method, path, self._host.authority, headers, len(body))
        except FieldError:
            connection.give_back()
            raise
        if not connection.usable:  # the upstream closed it meanwhile: nothing was written, so rule 1 allows another
            connection = await self._host.acquire(self._timeouts)
        return await connection.exchange(head, body, self._timeouts, head_only=method == "HEAD")

    def release(self) -> None:
        """Give the connection back without having used it."""
        if self._connection is not None:
            self._take().give_back()

    def _take(self) -> UpstreamConnection:
        connection, self._connection = self._connection, None
        if connection is None:
            raise RuntimeError("a lease serves one request")
        return connection


class _Host:
    """The connections of one target."""

    __slots__ = ("_context", "_pool", "authority", "idle", "open", "target", "waiters")

    def __init__(self, pool: "UpstreamPool", target: UpstreamTarget) -> None:
        self._pool = pool
        self._context: ssl.SSLContext | None = None
        self.target = target
        self.authority = target.authority.encode("ascii" if target.authority.isascii() else "idna")
        self.idle: list[UpstreamConnection] = []
        self.open = 0
        self.waiters: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    # ---- the owner's side of a connection -------------------------------------------------------

    @property
    def now_s(self) -> float:
        return self._pool.now_s

    def freed(self, connection: UpstreamConnection) -> None:
        """Hand the connection to who waited longest, or keep it."""
        waiter = self._first_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        else:
            self.idle.append(connection)

    def gone(self, connection: UpstreamConnection) -> None:
        """Forget a connection; who waited longest may open another."""
        self._pool.connections.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self.slot_freed()

    def slot_freed(self) -> None:
        """One connection fewer."""
        self.open -= 1
        waiter = self._first_waiter()
        if waiter is not None:
            self.open += 1
            waiter.set_result(None)

    def _first_waiter(self) -> asyncio.Future[UpstreamConnection | None] | None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    # ---- getting a connection -------------------------------------------------------------------

    def take_idle(self) -> UpstreamConnection | None:
        """A kept connection that the upstream has not closed; the warmest first, so that others can expire."""
        while self.idle:
            connection = self.idle.pop()
            if connection.usable:
                return connection
        return None

    async def acquire(self, timeouts: Timeouts) -> UpstreamConnection:
        """A connection that can be written to; raises ``UpstreamError``."""
        kept = self.take_idle()
        if kept is not None:
            return kept
        try:
            async with asyncio.timeout(timeouts.connect_s):
                while True:
                    connection = await self._wait_or_connect()
                    if connection.usable:
                        return connection
        except TimeoutError:
            raise UpstreamError(
                Code.UPSTREAM_TIMEOUT, "no connection to the upstream within connect_s", request_sent=False
            ) from None

    async def _wait_or_connect(self) -> UpstreamConnection:
        if self.open < self._pool.limits.upstream_connections_per_host_max:
            self.open += 1
            return await self._connect()
        if len(self.waiters) >= self._pool.limits.upstream_waiters_max:
            raise UpstreamError(Code.OVERLOADED, "more requests wait than upstream_waiters_max", request_sent=False)
        waiter: asyncio.Future[UpstreamConnection | None] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            self._return_grant(waiter)
            raise
        return await self._connect() if connection is None else connection

    def _return_grant(self, waiter: asyncio.Future[UpstreamConnection | None]) -> None:
        """A waiter that was cancelled just after it was served passes on what it got."""
        if waiter.cancelled() or not waiter.done():
            waiter.cancel()
            return
        connection = waiter.result()
        if connection is None:
            self.slot_freed()
        elif connection.usable:
            self.freed(connection)

    async def _connect(self) -> UpstreamConnection:
        """Open a connection in a slot that is already counted; the slot is freed if that fails."""
        connection = UpstreamConnection(self, self._pool.limits)
        try:
            await self._dial_and_trust(connection)
        except BaseException as error:
            if connection.made:
                connection.kill()
            else:
                self.slot_freed()
            if isinstance(error, (OSError, ConfigurationError)) and not isinstance(error, TimeoutError):
                raise UpstreamError(Code.UPSTREAM_UNREACHABLE, _reason(error), request_sent=False) from None
            raise
        self._pool.connections.add(connection)
        return connection

    async def _dial_and_trust(self, connection: UpstreamConnection) -> None:
        if self.target.scheme == "https" and self._context is None:
            self._context = client_context(self.target.tls)
        await self._dial(connection)
        if self._context is not None:
            check_pin(self.target.tls, connection.peer_certificate())
        if not connection.usable:
            raise ConnectionResetError("closed at once")

    async def _dial(self, connection: UpstreamConnection) -> None:
        loop = asyncio.get_running_loop()
        target = self.target
        if target.proxy is not None:
            await self._dial_through(target.proxy, connection)
            return
        await loop.create_connection(
            lambda: connection,
            target.host,
            target.port,
            ssl=self._context,
            server_hostname=target.host if self._context else None,
        )

    async def _dial_through(self, proxy: Proxy, connection: UpstreamConnection) -> None:
        loop = asyncio.get_running_loop()
        transport, tunnel = await loop.create_connection(lambda: Tunnel(self.target, proxy), proxy.host, proxy.port)
        try:
            await tunnel.opened
            if self._context is None:
                transport.set_protocol(connection)
                connection.connection_made(transport)
            else:
                await self._secure(transport, connection, self._context)
        except BaseException:
            transport.abort()
            raise

    async def _secure(
        self, transport: asyncio.Transport, connection: UpstreamConnection, context: ssl.SSLContext
    ) -> None:
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(transport, connection, context, server_hostname=self.target.host)
        if secured is None:
            raise ConnectionResetError("the proxy closed the tunnel during the TLS handshake")
        connection.connection_made(secured)


class UpstreamPool:
    """All upstream connections of one process."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now_s = 0.0
        self.connections: set[UpstreamConnection] = set()
        self._hosts: dict[UpstreamTarget, _Host] = {}
        self._timeouts = Timeouts.of(limits)
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(
            limits.connect_s_max, limits.time_to_first_byte_s_max, limits.stream_idle_s_max, limits.upstream_idle_s_max
        )
        self._tick_s = max(_TICK_S_MIN, min(_TICK_S_MAX, shortest / 4))

    async def open(self, target: UpstreamTarget, timeouts: Timeouts | None = None) -> Lease:
        """Set a connection aside for one request, without writing to it; raises ``UpstreamError``."""
        bounds = timeouts or self._timeouts
        host = self._host(target)
        return Lease(host, await host.acquire(bounds), bounds)

    async def request(
        self,
        target: UpstreamTarget,
        method: str,
        path: str,
        headers: Fields,
        body: bytes,
        *,
        timeouts: Timeouts | None = None,
    ) -> UpstreamResponse:
        """Send one request and wait for the answer's head.

        Raises ``UpstreamError``, or ``FieldError`` before any connection is touched. Cancelling closes
        the connection.
        """
        bounds = timeouts or self._timeouts
        host = self._host(target)
        head = request_head(method, path, host.authority, headers, len(body))
        connection = host.take_idle() or await host.acquire(bounds)
        return await connection.exchange(head, body, bounds, head_only=method == "HEAD")

    def _host(self, target: UpstreamTarget) -> _Host:
        host = self._hosts.get(target)
        if host is None:
            host = self._hosts[target] = _Host(self, target)
            if self._timer is None:
                self._tick()
        return host

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self.sweep(loop.time())
        self._timer = loop.call_later(self._tick_s, self._tick)

    def sweep(self, now_s: float) -> None:
        """Set the clock and expire what is due."""
        self.now_s = now_s
        for connection in [each for each in self.connections if each.deadline <= now_s]:
            connection.expire()

    def retire(self, keep: set[UpstreamTarget]) -> None:
        """After a reload: close idle connections to targets that are no longer named."""
        for target in [each for each in self._hosts if each not in keep]:
            for connection in list(self._hosts[target].idle):
                connection.kill()
            if not self._hosts[target].open:
                del self._hosts[target]

    async def close(self) -> None:
        """Drop every connection; whoever still waits gets an ``UpstreamError``."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self.connections):
            connection.kill()
        await asyncio.sleep(0)


def _reason(error: OSError | ConfigurationError) -> str:
    """One sentence in the system's or OpenSSL's own words."""
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the upstream's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS with the upstream failed: {error.reason or 'closed'}"
    return f"the upstream cannot be reached: {error.strerror or type(error).__name__}"
