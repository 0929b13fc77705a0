"""What is counted is recorded: late perhaps, lost never."""

import asyncio

import pytest

from lawgate.domain.errors import Code
from lawgate.gateway import housekeeping
from lawgate.gateway.housekeeping import keep_house, look_after, record_floods, record_gap
from lawgate.ports import Gap
from tests.simulator import Fault, Gate, World

GAP = Gap(3, 1_790_000_000, 1_790_000_009)


def counted(*codes: Code) -> World:
    world = World()
    for code in codes:
        world.node.floods.count(code)
    return world


def recorded(world: World) -> list[dict[str, object]]:
    return [dict(draft.public) for draft in world.recorder.drafts]


async def test_floods_become_one_entry_for_each_cause() -> None:
    world = counted(Code.CREDENTIAL_MISSING, Code.CREDENTIAL_MISSING, Code.BAD_REQUEST)
    await record_floods(world.node)
    assert [(draft.kind, draft.public["code"], draft.public["n"]) for draft in world.recorder.drafts] == [
        ("refusals", "bad_request", 1),
        ("refusals", "credential_missing", 2),
    ]
    assert world.counted == 0


async def test_floods_wait_for_a_store_that_works() -> None:
    world = counted(Code.CREDENTIAL_MISSING, Code.BAD_REQUEST)
    world.recorder.faults["refusals"] = Fault.LOST
    await record_floods(world.node)
    assert (world.counted, world.recorder.drafts) == (2, [])
    world.recorder.faults.clear()
    await record_floods(world.node)
    assert (world.counted, len(world.recorder.drafts)) == (0, 2)


async def test_a_gap_is_recorded_when_the_outage_is_over_and_not_before() -> None:
    world = World()
    world.recorder.gap, world.recorder.fault = GAP, "the disk is full"
    await record_gap(world.node)
    assert world.recorder.drafts == []
    world.recorder.fault = None
    await record_gap(world.node)
    await record_gap(world.node)
    assert recorded(world) == [{"n": 3, "since": 1_790_000_000, "until": 1_790_000_009}]


async def test_a_gap_that_could_not_be_recorded_is_not_forgotten() -> None:
    world = World()
    world.recorder.gap = GAP
    world.recorder.faults["gap"] = Fault.LOST
    await record_gap(world.node)
    kept = [world.node.gap]
    world.recorder.faults.clear()
    await record_gap(world.node)
    kept.append(world.node.gap)
    assert (kept, len(world.recorder.drafts)) == ([GAP, None], 1)


async def test_a_sick_store_is_probed_and_shown() -> None:
    world = World()
    world.recorder.fault = "the disk is full"
    await look_after(world.node, with_floods=False)
    assert (world.recorder.probes, world.metrics.recording) == (1, False)
    world.recorder.fault = None
    await look_after(world.node, with_floods=False)
    assert (world.recorder.probes, world.metrics.recording) == (1, True)


async def test_a_stop_while_floods_are_written_loses_none_and_doubles_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first entry is on its way when the node stops; it and the other cause are recorded once each."""
    monkeypatch.setattr(housekeeping, "LOOK_PERIOD_S", 0.0)
    monkeypatch.setattr(housekeeping, "FLOOD_PERIOD_S", 0.0)
    world = counted(Code.BAD_REQUEST, Code.CREDENTIAL_MISSING)
    gate = world.recorder.gates["refusals"] = Gate()
    house = asyncio.ensure_future(keep_house(world.node))
    await gate.arrived()
    house.cancel()
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(house, return_exceptions=True)
    assert sorted(str(public["code"]) for public in recorded(world)) == ["bad_request", "credential_missing"]


async def test_a_stop_while_a_gap_is_written_writes_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "LOOK_PERIOD_S", 0.0)
    world = World()
    world.recorder.gap = GAP
    gate = world.recorder.gates["gap"] = Gate()
    house = asyncio.ensure_future(keep_house(world.node))
    await gate.arrived()
    house.cancel()
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(house, return_exceptions=True)
    assert len(recorded(world)) == 1


async def test_what_is_counted_when_a_node_stops_is_recorded_then() -> None:
    world = counted(Code.BAD_REQUEST)
    house = asyncio.ensure_future(keep_house(world.node))
    await asyncio.sleep(0)
    house.cancel()
    await asyncio.gather(house, return_exceptions=True)
    assert len(recorded(world)) == 1
