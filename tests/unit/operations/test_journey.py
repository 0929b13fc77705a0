import json
from collections.abc import Awaitable, Callable

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.kms.key_file import load_key_file
from lawgate.operations.errors import NotFoundError
from lawgate.operations.journey import Journey, journey_view, readings, show_exchange
from lawgate.operations.visit import Visit
from lawgate.store.opening import Store, open_keys
from tests.unit.operations.world import KEPT, ORIGINAL, ROOT, World, answered, exchange_id, refused, streamed


def shown(world: World, number: int) -> Journey:
    async def look(visit: Visit) -> Journey:
        return await show_exchange(visit, ROOT, exchange_id(number))

    return world.visit(look)


def test_it_says_who_why_on_what_basis_and_to_whom(world: World) -> None:
    world.record(answered(1))
    journey = shown(world, 1)
    assert (journey.state, journey.outcome, journey.damaged) == ("outcome_recorded", "answered", False)
    assert journey.asked["caller"]["subject"] == "anna"
    assert journey.asked["grounds"]["lawful_basis"] == "6-1-b"
    assert journey.asked["grounds"]["recipient"]["name"] == "LLM GmbH"
    assert journey.asked["verdict"]["outcome"] == "permit"
    assert journey.ended["spans"] == {"EMAIL": 1}, "what the answer held, not what the request held"


@pytest.mark.parametrize("work", [answered, streamed])
def test_bodies_are_masked_and_originals_stay_sealed(
    world: World, work: Callable[[int], Callable[[Store], Awaitable[None]]]
) -> None:
    world.record(work(1))
    journey = shown(world, 1)
    view = json.dumps(journey_view(journey)) + repr(journey)
    assert "[EMAIL]" in view
    assert ORIGINAL not in view
    assert KEPT not in view
    states = {part.label: part.state for step in journey.steps for part in step.parts}
    assert states["request-originals"] == states["answer-originals"] == "sealed"
    assert states["request"] == states["answer"] == states["meta"] == "open"


def test_a_refusal_is_told_in_one_entry(world: World) -> None:
    world.record(refused(1))
    journey = shown(world, 1)
    assert (journey.outcome, journey.code, journey.ended) == ("refused", "purpose_none", {})
    assert journey.body("request") is None


def test_the_reading_is_an_entry_that_names_reader_and_exchange(world: World) -> None:
    world.record(answered(1))
    shown(world, 1)
    (meta,) = world.metas("access")
    assert (meta["action"], meta["exchange"], meta["originals"]) == ("show", exchange_id(1), False)
    assert meta["by"] == {
        "os_user": "tester",
        "uid": 1000,
        "sudo_user": None,
        "credential": "os_user",
        "verified": False,
    }


def test_the_next_reader_sees_who_read_before(world: World) -> None:
    world.record(answered(1))
    assert readings(shown(world, 1)) == []
    (before,) = readings(shown(world, 1))
    assert before.meta["by"]["os_user"] == "tester"


def test_what_is_not_there_is_said_and_leaves_no_entry(world: World) -> None:
    with pytest.raises(NotFoundError, match=exchange_id(9)):
        shown(world, 9)
    assert world.entries("access") == []


def test_nothing_is_opened_when_the_reading_cannot_be_recorded(world: World) -> None:
    """Law: reading is evidence too. A recorder that fails fails the reading."""
    world.record(answered(1))

    async def look(visit: Visit) -> Journey:
        await visit.store.aclose()  # the writer is gone; the reader would still work
        return await show_exchange(visit, ROOT, exchange_id(1))

    with pytest.raises(EvidenceError):
        world.visit(look)
    assert world.entries("access") == []


def test_a_destroyed_part_is_said_to_be_so_and_the_rest_is_shown(world: World) -> None:
    world.record(answered(1))
    world.integrate()
    keys = open_keys(world.place.paths, load_key_file(world.place.kek_file))
    keys.destroy_owners([entry.row.owner for entry in world.entries("outcome")])
    keys.close()
    journey = shown(world, 1)
    assert {part.state for step in journey.steps for part in step.parts} == {"destroyed", "sealed"}
    assert (journey.outcome, journey.asked, journey.damaged) == ("answered", {}, False)


def test_a_part_that_was_changed_is_damaged_and_said_to_be(world: World) -> None:
    world.record(answered(1))
    world.integrate()
    world.tamper("UPDATE entries SET parts = substr(parts, 1, 60) || x'00' || substr(parts, 62) WHERE kind = 'intent'")
    journey = shown(world, 1)
    assert journey.damaged
    assert journey.steps[0].parts[0].why
