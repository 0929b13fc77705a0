"""The evidence log fails at each record: nothing passes without it, and the caller may try again."""

import asyncio

import pytest

from lawgate.gateway.housekeeping import record_gap
from lawgate.ports import Gap
from tests.masking_world import DONE, chunk
from tests.simulator import EMAIL, Answer, Fault, Gate, World

ASK = {"messages": [{"content": f"mail {EMAIL}"}]}
FAULTS = pytest.mark.parametrize("fault", [Fault.LOST, Fault.PERSISTED], ids=["lost", "persisted"])


@FAULTS
async def test_the_intent(world: World, fault: Fault) -> None:
    world.recorder.faults["intent"] = fault
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (503, "evidence_unavailable")
    assert client.fields[b"retry-after"] == b"5"
    assert world.upstream.asked == []
    assert world.metrics.exchanges == {("llm", "failed", "evidence_unavailable"): 1}


@FAULTS
async def test_the_refusal(world: World, fault: Fault) -> None:
    world.recorder.faults["refusal"] = fault
    client = await world.answer_to(b"{")
    assert (client.status, client.code) == (503, "evidence_unavailable")
    assert world.upstream.asked == []


@FAULTS
async def test_the_outcome_of_a_whole_answer(world: World, fault: Fault) -> None:
    world.recorder.faults["outcome"] = fault
    world.upstream.answers = [Answer([b'{"secret": 1}'])]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (503, "evidence_unavailable")
    assert b"secret" not in client.sink.received


@FAULTS
async def test_the_first_window(world: World, fault: Fault) -> None:
    world.recorder.faults["window"] = fault
    world.upstream.answers = [Answer([chunk({"content": "hello "}), DONE], content_type="text/event-stream")]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (503, "evidence_unavailable")
    assert "outcome durable" not in world.transcript


@FAULTS
async def test_a_later_window_cuts_the_stream(world: World, fault: Fault) -> None:
    gate, never = Gate(), Gate()
    pieces: list[bytes | Exception | Gate] = [chunk({"content": "hello "}), gate, chunk({"content": "world "}), never]
    world.upstream.answers = [Answer(pieces, content_type="text/event-stream")]
    client = world.ask(ASK)
    await gate.arrived()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.recorder.faults["window"] = fault
    gate.open()
    await client.ended()
    assert b"hello" in client.body
    assert b"world" not in client.body
    assert client.sink.cut
    assert not client.complete
    assert "upstream cut" in world.transcript


@FAULTS
async def test_the_outcome_of_a_stream(world: World, fault: Fault) -> None:
    world.recorder.faults["outcome"] = fault
    pieces = [chunk({"content": "hello "}), chunk({}, "stop"), DONE]
    world.upstream.answers = [Answer(pieces, content_type="text/event-stream")]
    client = await world.answer_to(ASK)
    assert client.sink.cut or client.status == 503
    assert not client.complete
    assert DONE not in client.body


@pytest.mark.parametrize("kind", ["intent", "outcome", "refusal"])
async def test_a_bug_in_the_recorder_gives_nobody_anything(world: World, kind: str) -> None:
    """An error that no port promises: the exchange ends there, and the node goes on serving."""
    world.recorder.faults[kind] = Fault.BUG
    client = await world.answer_to(b"{" if kind == "refusal" else ASK)
    assert client.sink.cut
    assert client.sink.received == b""
    world.recorder.faults.clear()
    assert (await world.answer_to(ASK)).status == 200


async def test_a_bug_in_the_journal_cuts_the_stream(world: World) -> None:
    world.recorder.faults["window"] = Fault.BUG
    world.upstream.answers = [Answer([chunk({"content": "hello "}), DONE], content_type="text/event-stream")]
    client = await world.answer_to(ASK)
    assert client.code == "evidence_unavailable"


async def test_an_outage_ends_in_one_gap(world: World) -> None:
    world.recorder.faults["intent"] = Fault.LOST
    await world.answer_to(ASK)
    world.recorder.fault, world.recorder.gap = None, Gap(1, 1_790_000_000, 1_790_000_005)
    world.recorder.faults.clear()
    await record_gap(world.node)
    assert [draft.kind for draft in world.recorder.drafts] == ["gap"]
    assert world.recorder.drafts[0].public == {"n": 1, "since": 1_790_000_000, "until": 1_790_000_005}
