"""What all exchanges of a node share, and what a bug in one of them may say.

How an exchange is driven from end to end is told in ``tests/journeys``.
"""

import asyncio
import re

import pytest

from lawgate.exchange._state import FINAL, State
from lawgate.gateway.drive import _FAILABLE, _PERFORM, _REFUSABLE, _where
from tests.simulator import EMAIL, LLM, Answer, Gate, World

ASK: dict[str, object] = {"messages": []}


async def test_an_exchange_keeps_the_configuration_it_began_with() -> None:
    world = World()
    gate = world.recorder.gates["intent"] = Gate()
    client = world.ask(ASK)
    await gate.arrived()
    before = world.node.in_force
    world.configure(purposes=[])
    gate.open()
    assert (await client.ended()).status == 200, "a reload changes no rule under a request"
    assert world.node.in_force is not before
    assert (await world.answer_to(ASK)).code == "purpose_none"


async def test_a_purpose_that_a_reload_took_is_gone_for_the_next_request_only() -> None:
    world = World()
    assert (await world.answer_to(ASK)).status == 200
    world.node.in_force.routes.pop(LLM.name)  # type: ignore[attr-defined]  # a dictionary, in this world
    assert (await world.answer_to(ASK)).code == "connection_unknown"


async def test_exchanges_in_progress_are_counted_while_they_last() -> None:
    world = World()
    gate = Gate()
    world.upstream.answers = [Answer(before=[gate])]
    client = world.ask(ASK)
    await gate.arrived()
    assert world.metrics.in_progress == 1
    gate.open()
    await client.ended()
    assert world.metrics.in_progress == 0


async def test_a_task_that_is_cancelled_from_outside_stays_cancelled() -> None:
    """The node's last resort at a stop: nobody turns that into an answer."""
    world = World()
    gate = Gate()
    world.upstream.answers = [Answer(before=[gate])]
    client = world.ask(ASK)
    await gate.arrived()
    client.task.cancel()
    await asyncio.gather(client.task, return_exceptions=True)
    assert client.task.cancelled()
    assert world.metrics.in_progress == 0
    assert client.sink.received == b""


def test_a_bug_is_named_by_its_place_and_never_by_its_words() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int(EMAIL)
    assert EMAIL in str(caught.value)
    assert re.fullmatch(rf"ValueError at {re.escape(__name__)}:[0-9]+", _where(caught.value))
    assert _where(KeyError(EMAIL)) == "KeyError at ?"


def test_a_bug_can_end_an_exchange_in_every_state_in_which_nothing_is_on_its_way_to_disk() -> None:
    waiting_for_disk = {State.MASKED, State.WITHDRAWN, State.HOLD_MASKED, State.CONCLUDING, State.REFUSING}
    not_driven_here = {State.RECEIVED, State.HELD, State.EXPIRING, State.OUTCOME_RECORDED}
    assert set(State) - FINAL - waiting_for_disk - not_driven_here == _REFUSABLE | _FAILABLE
    assert not _REFUSABLE & _FAILABLE


def test_every_performer_takes_the_drive_and_the_effect() -> None:
    assert all(callable(each) for each in _PERFORM.values())
    assert len(_PERFORM) == len(set(_PERFORM.values()))
