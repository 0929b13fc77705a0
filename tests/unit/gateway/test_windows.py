"""Windows: how large they grow, what they journal, and what is counted of them."""

import asyncio
import json

from lawgate.gateway.windows import WINDOW_B_MAX
from tests.laws import forwarded_text
from tests.masking_world import DONE, chunk
from tests.simulator import Answer, Gate, World

SSE = "text/event-stream"


def words(number: int) -> bytes:
    return chunk({"content": "word " * number})


async def test_reading_stops_when_the_next_window_is_full() -> None:
    """One window on its way, one waiting: an upstream that is faster than the disk waits too."""
    world = World()
    gate = world.recorder.gates["window"] = Gate()
    large = words(WINDOW_B_MAX // 10)
    answer = Answer([large] * 50 + [chunk({}, "stop"), DONE], content_type=SSE)
    world.upstream.answers = [answer]
    client = world.ask({})
    await gate.arrived()
    for _ in range(200):
        await asyncio.sleep(0)
    (given,) = world.upstream.given
    assert given.left > 40, "it reads on, though nothing can leave"
    gate.open()
    await client.ended()
    sizes = [len(lines) for step in world.trace if step.what == "window durable" for _, lines in step.data]
    assert max(sizes) < 2 * (WINDOW_B_MAX + len(large)), "no window is much larger than the bound"
    assert len(sizes) > 10
    assert client.complete


async def test_the_windows_put_together_are_the_answer() -> None:
    world = World()
    world.upstream.answers = [Answer([words(3), words(5), chunk({}, "stop"), DONE], content_type=SSE)]
    client = await world.answer_to({})
    frames = [lines for step in world.trace if step.what == "window durable" for _, lines in step.data]
    assert "".join(forwarded_text(lines) for lines in frames).encode() == client.body


async def test_a_comment_keeps_the_connection_alive_at_once() -> None:
    world = World()
    gate = Gate()
    world.upstream.answers = [Answer([b": ping\n\n", gate, chunk({}, "stop"), DONE], content_type=SSE)]
    client = world.ask({})
    await gate.arrived()
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.body == b": ping\n\n"
    gate.open()
    await client.ended()


async def test_the_first_byte_is_timed_and_events_are_counted() -> None:
    world = World()
    gate = world.recorder.gates["window"] = Gate()
    world.upstream.answers = [Answer([words(1), words(1), chunk({}, "stop"), DONE], content_type=SSE)]
    client = world.ask({})
    await gate.arrived()
    world.now += 0.25
    gate.open()
    await client.ended()
    outcome = world.meta("outcome")
    assert (outcome["first_byte_ms"], outcome["events"]) == (250, 4)
    assert outcome["released_b"] == len(client.body)
    assert json.dumps(outcome["spans"]) == "{}"
