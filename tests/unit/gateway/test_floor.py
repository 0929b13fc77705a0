from dataclasses import replace

import pytest

from lawgate.domain.errors import Code
from lawgate.domain.fields import Fields
from lawgate.domain.limits import Limits
from lawgate.gateway.floor import Floor
from lawgate.gateway.head import HeadRefusedError
from lawgate.gateway.request import Request
from lawgate.gateway.responder import Responder


async def handler(_request: Request, _responder: Responder) -> None:
    raise AssertionError


def refuse(_code: Code, _detail: str) -> tuple[Fields, bytes]:
    raise AssertionError


class Member:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = 0

    def expire(self) -> None:
        self.expired += 1


def floor_of(**bounds: float) -> Floor:
    return Floor(handler, refuse, replace(Limits(), **bounds))  # type: ignore[arg-type]


def test_a_sweep_sets_the_clock_and_expires_what_is_due() -> None:
    floor = floor_of()
    due, later = Member(10.0), Member(10.5)
    floor.members |= {due, later}
    floor.sweep(10.0, 0.0)
    assert (floor.now_s, due.expired, later.expired) == (10.0, 1, 0)
    assert floor.date_line == b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"


def test_a_member_may_leave_while_it_expires() -> None:
    floor = floor_of()
    members = [Member(1.0), Member(1.0)]
    floor.members |= set(members)
    members[0].expire = lambda: floor.leave(members[0])  # type: ignore[method-assign]
    floor.sweep(2.0, 0.0)
    assert floor.members == {members[1]}


@pytest.mark.parametrize(("shortest", "tick_s"), [(40.0, 0.5), (1.0, 0.25), (0.001, 0.02)])
def test_the_tick_follows_the_shortest_bound(shortest: float, tick_s: float) -> None:
    names = ("header_time_s_max", "body_idle_s_max", "idle_time_s_max", "linger_s_max", "write_stall_s_max")
    bounds = dict.fromkeys(names, 50.0) | {"linger_s_max": shortest}
    assert floor_of(**bounds).tick_s == tick_s


def test_admission() -> None:
    floor = floor_of(exchanges_max=1)
    floor.admit()
    floor.counters.exchanges = 1
    with pytest.raises(HeadRefusedError) as caught:
        floor.admit()
    assert caught.value.code is Code.OVERLOADED
    floor.stopping = True
    with pytest.raises(HeadRefusedError) as caught:
        floor.admit()
    assert caught.value.code is Code.STOPPING
