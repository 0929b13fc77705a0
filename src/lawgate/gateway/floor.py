"""What all client connections of one server share: handler, bounds, counts and one clock.

Rule: time is read by one coarse sweep, not per request. ``now_s`` (monotonic) may be a tick behind, so
    a deadline is kept to within two ticks; ``date_line`` to within one.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol

from lawgate.domain.errors import Code
from lawgate.domain.fields import Fields
from lawgate.domain.limits import Limits
from lawgate.gateway.head import HeadRefusedError
from lawgate.gateway.request import Request
from lawgate.gateway.responder import Responder

Handler = Callable[[Request, Responder], Coroutine[Any, Any, None]]
"""Serves one request; returns after its answer has ended."""

Refuse = Callable[[Code, str], tuple[Fields, bytes]]
"""Shapes and counts a refusal that happens before any handler: (code, detail) to (headers, body)."""


@dataclass(slots=True)
class Counters:
    """Gauges and totals of one server, to be read by whoever exports metrics."""

    connections: int = 0
    connections_total: int = 0
    exchanges: int = 0
    exchanges_total: int = 0
    refused_total: int = 0
    failed_total: int = 0


class Member(Protocol):
    """A connection, as far as the floor is concerned."""

    deadline: float

    def expire(self) -> None:
        """Act on a deadline that has passed."""
        ...


class Floor:
    """The shared state; the server sweeps it."""

    __slots__ = (
        "counters",
        "date_line",
        "drained",
        "handler",
        "limits",
        "members",
        "now_s",
        "refuse",
        "stopping",
        "tick_s",
    )

    def __init__(self, handler: Handler, refuse: Refuse, limits: Limits, counters: Counters | None = None) -> None:
        self.handler = handler
        self.refuse = refuse
        self.limits = limits
        self.counters = counters or Counters()
        self.members: set[Member] = set()
        self.now_s = 0.0
        self.date_line = b""
        self.stopping = False
        self.drained: asyncio.Event | None = None
        self.tick_s = _tick_s(limits)

    def leave(self, member: Member) -> None:
        """A connection is over; the last one ends a stop."""
        self.members.discard(member)
        self.counters.connections -= 1
        if not self.members and self.drained is not None:
            self.drained.set()

    def admit(self) -> None:
        """Raises ``HeadRefusedError`` when no further exchange may begin."""
        if self.stopping:
            raise HeadRefusedError("the gateway is stopping", Code.STOPPING)
        if self.counters.exchanges >= self.limits.exchanges_max:
            raise HeadRefusedError("more exchanges than exchanges_max", Code.OVERLOADED)

    def sweep(self, now_s: float, epoch_s: float) -> None:
        """Set the clock and expire what is due."""
        self.now_s = now_s
        self.date_line = b"date: %b\r\n" % formatdate(epoch_s, usegmt=True).encode("ascii")
        for member in [each for each in self.members if each.deadline <= now_s]:
            member.expire()


def _tick_s(limits: Limits) -> float:
    """A quarter of the shortest bound, but no busier than 50 a second and never above half a second."""
    shortest = min(
        limits.header_time_s_max,
        limits.body_idle_s_max,
        limits.body_time_s_max,
        limits.idle_time_s_max,
        limits.linger_s_max,
        limits.write_stall_s_max,
    )
    return max(0.02, min(0.5, shortest / 4))
