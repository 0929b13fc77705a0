"""Listens, sweeps the deadlines, and stops in order.

Rule: a stop first takes nothing new, then lets exchanges end, then cuts them, and even then grants
    them time to record how they ended.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from typing import Self

from lawgate.domain.limits import Limits
from lawgate.gateway.floor import Counters, Floor, Handler, Refuse
from lawgate.gateway.http1 import ServerProtocol


class Server:
    """The data plane's listeners; every address shares one handler, one set of bounds and one clock."""

    def __init__(self, handler: Handler, refuse: Refuse, limits: Limits, counters: Counters | None = None) -> None:
        self._floor = Floor(handler, refuse, limits, counters)
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def counters(self) -> Counters:
        return self._floor.counters

    @property
    def sockets(self) -> list[socket.socket]:
        """Listening sockets; with port 0, ask them which port it became."""
        return [each for listener in self._listeners for each in listener.sockets]

    @property
    def port(self) -> int:
        """Port of the first listening socket."""
        return int(self.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None, reuse_port: bool = False) -> Self:
        """Listen on one more address. ``reuse_port`` lets one process per core share it."""
        limits = self._floor.limits
        if self._timer is None:
            self._sweep()
        listener = await asyncio.get_running_loop().create_server(
            lambda: ServerProtocol(self._floor),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=limits.header_time_s_max if tls else None,
            reuse_port=reuse_port or None,
            backlog=limits.backlog_max,
        )
        self._listeners.append(listener)
        return self

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._floor.sweep(loop.time(), time.time())
        self._timer = loop.call_later(self._floor.tick_s, self._sweep)

    async def close_gracefully(self, deadline_s: float | None = None) -> int:
        """Stop; returns how many exchanges had to be cut after ``deadline_s`` (``stop_grace_s``)."""
        limits = self._floor.limits
        # 1. Nothing new: listeners close, idle connections close, answers from now on say "close".
        self._floor.stopping = True
        for listener in self._listeners:
            listener.close()
        for each in self._connections():
            each.stop_if_idle()
        # 2. Exchanges in progress end by themselves.
        await self._drained(limits.stop_grace_s if deadline_s is None else deadline_s)
        # 3. The others are told, cut, and given time to record their outcome.
        cut = self.counters.exchanges
        tasks = [task for each in self._connections() if (task := each.stop_now()) is not None and not task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=limits.stop_record_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return cut

    def _connections(self) -> list[ServerProtocol]:
        return [each for each in self._floor.members if isinstance(each, ServerProtocol)]

    async def _drained(self, within_s: float) -> None:
        """Until every connection has ended; those that only linger do not hold up a stop for long."""
        floor = self._floor
        floor.drained = asyncio.Event()
        if floor.members:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(floor.drained.wait(), within_s)
