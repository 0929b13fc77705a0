"""The client leaves, or the node stops, at every point where an exchange waits.

What is on its way to disk is awaited all the same; what nobody waits for is not asked for.
"""

import asyncio
from collections.abc import Callable

import pytest

from tests.masking_world import DONE, chunk
from tests.simulator import Answer, Client, Fault, Gate, World

ASK: dict[str, object] = {"messages": []}
STREAM = "text/event-stream"
HELLO = chunk({"content": "hello "})

Depart = Callable[[Client], None]
BOTH = pytest.mark.parametrize(
    ("depart", "code"), [(Client.leave, "client_left"), (Client.stop, "stopping")], ids=["leaves", "stops"]
)
EITHER = pytest.mark.parametrize("depart", [Client.leave, Client.stop], ids=["leaves", "stops"])


@BOTH
async def test_while_the_caller_is_being_identified(world: World, depart: Depart, code: str) -> None:
    gate = world.identifier.gate = Gate()
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert client.sink.received == b""
    assert (world.meta("refusal")["code"], world.upstream.asked) == (code, [])
    assert [word for word in world.transcript if word.endswith("durable")] == ["refusal durable"]


@EITHER
async def test_a_stranger_who_leaves_is_counted(world: World, depart: Depart) -> None:
    gate = world.identifier.gate = Gate()
    client = world.ask(ASK, token="stranger")
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert (world.counted, world.recorder.drafts) == (1, [])


@BOTH
async def test_while_the_body_comes(world: World, depart: Depart, code: str) -> None:
    client = world.ask(awaited_b=10, content_type="application/json")
    await turns()
    client.send_body(b"{")
    depart(client)
    await client.ended()
    assert (world.meta("refusal")["code"], world.meta("refusal")["outcome"]) == (code, "refused")
    assert client.sink.received == b""


@BOTH
async def test_while_the_intent_is_written(world: World, depart: Depart, code: str) -> None:
    gate = world.recorder.gates["intent"] = Gate()
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert world.upstream.asked == []
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", code)


@EITHER
async def test_while_the_intent_fails(world: World, depart: Depart) -> None:
    gate = world.recorder.gates["intent"] = Gate()
    world.recorder.faults["intent"] = Fault.LOST
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert (client.sink.received, world.recorder.drafts) == (b"", [])


@BOTH
async def test_while_the_upstream_thinks(world: World, depart: Depart, code: str) -> None:
    gate = Gate()
    world.upstream.answers = [Answer(before=[gate])]
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    await client.ended()
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", code)
    assert not client.task.cancelled()
    assert not client.task.cancelling()


@BOTH
async def test_while_a_whole_answer_comes(world: World, depart: Depart, code: str) -> None:
    gate = Gate()
    world.upstream.answers = [Answer([b"{", gate, b"}"])]
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    await client.ended()
    assert "upstream cut" in world.transcript
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", code)
    assert client.sink.received == b""


@BOTH
async def test_while_the_next_event_is_awaited(world: World, depart: Depart, code: str) -> None:
    gate = Gate()
    world.upstream.answers = [Answer([HELLO, gate, DONE], content_type=STREAM)]
    client = world.ask(ASK)
    await gate.arrived()
    await turns()
    depart(client)
    await client.ended()
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", code)
    assert b"hello" in client.sink.received
    assert not client.complete


@BOTH
async def test_while_a_window_is_written(world: World, depart: Depart, code: str) -> None:
    written, more = Gate(), Gate()
    world.recorder.gates["window"] = written
    world.upstream.answers = [Answer([HELLO, more, DONE], content_type=STREAM)]
    client = world.ask(ASK)
    await written.arrived()
    depart(client)
    written.open()
    await client.ended()
    assert client.sink.received == b""
    words = [word for word in world.transcript if word.endswith("durable")]
    assert words == ["intent durable", "window durable", "outcome durable"]
    assert (world.meta("outcome")["code"], b"hello" in world.parts("outcome")["answer"]) == (code, True)


@EITHER
async def test_while_a_window_fails(world: World, depart: Depart) -> None:
    written, more = Gate(), Gate()
    world.recorder.gates["window"] = written
    world.recorder.faults["window"] = Fault.LOST
    world.upstream.answers = [Answer([HELLO, more, DONE], content_type=STREAM)]
    client = world.ask(ASK)
    await written.arrived()
    depart(client)
    written.open()
    await client.ended()
    assert client.sink.received == b""


@BOTH
async def test_while_the_client_takes_nothing(world: World, depart: Depart, code: str) -> None:
    gate = Gate()
    world.upstream.answers = [Answer([HELLO, gate, HELLO, DONE], content_type=STREAM)]
    client = world.ask(ASK)
    await gate.arrived()
    slow = client.sink.slow = asyncio.get_running_loop().create_future()
    gate.open()
    await turns()
    depart(client)
    slow.set_result(None)  # the transport lets waiting writers go when a connection is lost
    await client.ended()
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", code)


@EITHER
async def test_while_the_outcome_is_written(world: World, depart: Depart) -> None:
    gate = world.recorder.gates["outcome"] = Gate()
    client = world.ask(ASK)
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert (client.sink.received, world.meta("outcome")["outcome"]) == (b"", "answered")


@EITHER
async def test_while_a_refusal_is_written(world: World, depart: Depart) -> None:
    gate = world.recorder.gates["refusal"] = Gate()
    client = world.ask(b"{")
    await gate.arrived()
    depart(client)
    gate.open()
    await client.ended()
    assert (client.sink.received, world.meta("refusal")["code"]) == (b"", "body_unreadable")


async def test_before_anything_was_done(world: World) -> None:
    client = world.ask(ASK)
    client.leave()
    await client.ended()
    assert world.meta("refusal")["code"] == "client_left"


async def test_leaving_twice_is_leaving_once(world: World) -> None:
    gate = world.recorder.gates["intent"] = Gate()
    client = world.ask(ASK)
    await gate.arrived()
    client.leave()
    client.stop()
    gate.open()
    await client.ended()
    assert world.meta("outcome")["code"] == "client_left"


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
