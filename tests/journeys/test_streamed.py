"""Streamed answers: masked, journalled, released, in this order, and ended after the outcome."""

import json
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.processing import Protocol
from tests.masking_world import DONE, break_detection, chunk, contents
from tests.simulator import EMAIL, LLM, METADATA, SUPPORT, Answer, Gate, World

SSE = "text/event-stream"
ASK = {"stream": True, "messages": []}
HELLO, WORLD, STOP = chunk({"content": "hello "}), chunk({"content": "world. "}), chunk({}, "stop")


def streamed(*pieces: bytes | Exception | Gate) -> list[Answer]:
    return [Answer(pieces, content_type=SSE)]


async def test_a_stream(world: World) -> None:
    world.upstream.answers = streamed(HELLO, WORLD, STOP, DONE)
    client = await world.answer_to(ASK)
    words = [word for word in world.transcript if word != "upstream cut"]  # nobody waits for what follows the end
    assert words[:4] == ["intent durable", "upstream asked", "window durable", "client 200"]
    assert words[-2:] == ["outcome durable", "client bytes"]
    assert client.complete
    assert contents(client.body.decode()) == "hello world. "
    assert client.body.endswith(DONE)
    outcome = world.meta("outcome")
    assert (outcome["outcome"], outcome["streamed"], outcome["events"]) == ("answered", True, 4)
    assert outcome["released_b"] == len(client.body)
    assert world.metrics.stream_events == 4


async def test_what_the_client_has_is_what_the_record_holds(world: World) -> None:
    from tests.laws import forwarded_text

    world.upstream.answers = streamed(chunk({"content": f"mail {EMAIL[:9]}"}), chunk({"content": f"{EMAIL[9:]} now"}))
    world.upstream.answers[0].pieces = [*world.upstream.answers[0].pieces, STOP, DONE]
    client = await world.answer_to(ASK)
    assert contents(client.body.decode()) == "mail <EMAIL> now"
    parts = world.parts("outcome")
    assert forwarded_text(parts["answer"]).encode() == client.body
    assert EMAIL in "".join(value for line in parts["answer-originals"].splitlines() for value in json.loads(line))
    assert EMAIL.encode() not in parts["answer"]


async def test_one_window_is_on_its_way_at_a_time_and_the_next_grows_meanwhile(world: World) -> None:
    later = Gate()
    gate = world.recorder.gates["window"] = Gate()
    world.upstream.answers = streamed(HELLO, WORLD, later, STOP, DONE)
    client = world.ask(ASK)
    await gate.arrived()
    await later.arrived()  # the second event was read and masked while the first is still being written
    assert client.status is None, "nothing leaves before its window is durable"
    gate.open()
    later.open()
    await client.ended()
    assert contents(client.body.decode()) == "hello world. "
    assert world.transcript.count("window durable") <= 3


async def test_reading_stops_while_the_client_takes_nothing(world: World) -> None:
    import asyncio

    gate = Gate()
    world.upstream.answers = streamed(HELLO, gate, WORLD, STOP, DONE)
    client = world.ask(ASK)
    await gate.arrived()
    client.sink.slow = asyncio.get_running_loop().create_future()
    gate.open()
    await _turns()
    assert not client.task.done()
    client.sink.slow.set_result(None)
    client.sink.slow = None
    await client.ended()
    assert client.complete


async def test_a_purpose_without_bodies_journals_digests(world: World) -> None:
    world.configure(purposes=[replace(SUPPORT, record=METADATA)])
    world.upstream.answers = streamed(HELLO, STOP, DONE)
    client = await world.answer_to(ASK)
    assert client.complete
    assert b"hello" not in world.parts("outcome")["answer"]
    assert json.loads(world.parts("outcome")["answer"].splitlines()[0]).keys() == {"sha256", "b"}


async def test_lines_of_json_stream_too(world: World) -> None:
    world.configure(connection=replace(LLM, protocol=Protocol.GENERIC))
    lines = [json.dumps({"text": f"to {EMAIL}"}).encode() + b"\n", b'{"done": true}\n']
    world.upstream.answers = [Answer(lines, content_type="application/x-ndjson")]
    client = await world.answer_to(ASK)
    documents = [json.loads(line) for line in client.body.splitlines()]
    assert "".join(document.get("text", "") for document in documents) == "to <EMAIL>"
    assert documents[-1] == {"done": True}


async def test_a_stream_that_fails_is_an_error_event_and_an_interrupted_outcome(world: World) -> None:
    gate = Gate()
    cut = UpstreamError(Code.UPSTREAM_INTERRUPTED, "reset", request_sent=True)
    world.upstream.answers = streamed(HELLO, gate, cut)
    client = world.ask(ASK)
    await gate.arrived()
    await _turns()
    gate.open()
    await client.ended()
    assert client.complete, "the error event ends the stream in order"
    assert b'"code":"upstream_interrupted"' in client.body
    assert contents(client.body.decode().partition('data: {"error"')[0]) == "hello "
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("interrupted", "upstream_interrupted")
    assert world.transcript[-2:] == ["outcome durable", "client bytes"]


async def test_a_stream_that_ends_without_its_last_event(world: World) -> None:
    gate = Gate()
    world.upstream.answers = streamed(HELLO, gate)
    client = world.ask(ASK)
    await gate.arrived()
    await _turns()
    gate.open()
    await client.ended()
    assert world.meta("outcome")["code"] == "upstream_interrupted"
    assert b'"code":"upstream_interrupted"' in client.body


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([], "upstream_interrupted"),
        ([UpstreamError(Code.UPSTREAM_TIMEOUT, "idle", request_sent=True)], "upstream_timeout"),
        ([b"data: {not json\n\n"], "answer_unreadable"),
        ([b"data: \xff\n\n"], "answer_unreadable"),
    ],
)
async def test_a_stream_that_fails_before_it_began_is_a_plain_refusal(
    world: World, pieces: list[bytes | Exception], code: str
) -> None:
    world.upstream.answers = streamed(*pieces)
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (504 if code == "upstream_timeout" else 502, code)
    assert world.meta("outcome")["outcome"] == "failed"
    assert world.transcript[-2:] == ["outcome durable", f"client {client.status}"]


async def test_a_detector_that_raises_in_mid_stream(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    world.upstream.answers = streamed(HELLO, gate, chunk({"content": f"to {EMAIL}, "}), STOP, DONE)
    client = world.ask(ASK)
    await gate.arrived()
    await _turns()
    break_detection(monkeypatch, EMAIL)
    gate.open()
    await client.ended()
    assert EMAIL.encode() not in client.body
    assert world.meta("outcome")["code"] == "detection_failed"


async def test_nothing_after_the_last_event_leaves(world: World) -> None:
    world.upstream.answers = streamed(HELLO, STOP, DONE, chunk({"content": EMAIL}))
    client = await world.answer_to(ASK)
    assert client.body.endswith(DONE)
    assert world.of(client)[-2:] == ["upstream cut", "client bytes"]


async def test_an_error_status_with_a_streams_type_is_not_a_stream(world: World) -> None:
    world.upstream.answers = [Answer([b"data: {}\n\n"], status=500, content_type=SSE)]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (502, "answer_unreadable")


async def _turns(number: int = 20) -> None:
    import asyncio

    for _ in range(number):
        await asyncio.sleep(0)
