"""The upstream fails at every point: the client learns it, the record says it, nothing unread leaves."""

from collections.abc import Sequence

import pytest

from lawgate.domain.errors import Code, UpstreamError
from tests.masking_world import break_detection, chunk
from tests.simulator import EMAIL, Answer, Gate, World

ASK: dict[str, object] = {"messages": []}


def fault(code: Code, *, sent: bool = True) -> UpstreamError:
    return UpstreamError(code, "what happened, for the record", request_sent=sent)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (fault(Code.UPSTREAM_UNREACHABLE, sent=False), 502),
        (fault(Code.UPSTREAM_TIMEOUT), 504),
        (fault(Code.UPSTREAM_PROTOCOL), 502),
        (fault(Code.OVERLOADED, sent=False), 503),
    ],
    ids=lambda value: value.code.value if isinstance(value, UpstreamError) else "",
)
async def test_before_its_head(world: World, error: UpstreamError, status: int) -> None:
    world.upstream.answers = [Answer(before=[error])]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (status, error.code.value)
    assert world.transcript == ["intent durable", "upstream asked", "outcome durable", f"client {status}"]
    meta = world.meta("outcome")
    assert (meta["outcome"], meta["code"]) == ("failed", error.code.value)
    assert meta["detail"] == "what happened, for the record"
    assert b"what happened" not in client.body, "details are for the record"


async def test_in_the_middle_of_a_whole_answer(world: World) -> None:
    world.upstream.answers = [Answer([b'{"half', fault(Code.UPSTREAM_INTERRUPTED)])]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (502, "upstream_interrupted")
    assert b"half" not in client.sink.received
    assert world.meta("outcome")["status"] == 200, "what it had said by then"


@pytest.mark.parametrize(
    ("pieces", "content_type", "fields"),
    [
        ([b'{"half'], "application/json", ()),
        ([b'"\xff"'], "application/json", ()),
        ([b"<html>"], "text/html", ()),
        ([b"\x1f\x8b"], "application/json", [(b"content-encoding", b"gzip")]),
        ([b"{}"], None, ()),
        ([b"{}"], "application/json; charset=utf-16", ()),
    ],
)
async def test_an_answer_that_cannot_be_read_is_not_released(
    world: World, pieces: list[bytes], content_type: str | None, fields: Sequence[tuple[bytes, bytes]]
) -> None:
    world.upstream.answers = [Answer(pieces, content_type=content_type, fields=fields)]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (502, "answer_unreadable")
    assert pieces[0] not in client.sink.received
    assert world.meta("outcome")["outcome"] == "failed"


async def test_an_answer_that_no_detector_could_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_detection(monkeypatch, EMAIL)
    world.upstream.answers = [Answer([f'{{"to": "{EMAIL}"}}'.encode()])]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (503, "detection_failed")
    assert EMAIL.encode() not in client.sink.received


async def test_a_bug_in_the_way_out_is_an_outcome_and_the_node_goes_on(world: World) -> None:
    world.upstream.answers = [Answer(before=[RuntimeError(f"a bug that quotes {EMAIL}")]), Answer()]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (500, "internal")
    assert (world.meta("outcome")["outcome"], world.meta("outcome")["code"]) == ("failed", "internal")
    assert (await world.answer_to(ASK)).status == 200


async def test_a_bug_while_an_answer_is_read_cuts_the_upstream(world: World) -> None:
    world.upstream.answers = [Answer([b"{", RuntimeError(EMAIL), b"}"])]
    client = await world.answer_to(ASK)
    assert (client.status, client.code) == (500, "internal")
    assert "upstream cut" in world.transcript


async def test_a_bug_in_mid_stream_waits_for_the_window_on_its_way(world: World) -> None:
    gate = world.recorder.gates["window"] = Gate()
    world.upstream.answers = [
        Answer([chunk({"content": "hello "}), RuntimeError(EMAIL)], content_type="text/event-stream")
    ]
    client = world.ask(ASK)
    await gate.arrived()
    assert "outcome durable" not in world.transcript
    gate.open()
    await client.ended()
    assert [word for word in world.transcript if word.endswith("durable")][1:] == ["window durable", "outcome durable"]
    assert not client.complete
    assert b"hello" in world.parts("outcome")["answer"]


async def test_a_field_that_cannot_be_written_is_a_refusal_and_not_a_hang(world: World) -> None:
    """Response splitting from behind: the head is refused whole, before a byte of it is written."""
    world.upstream.answers = [Answer(fields=[(b"x-request-id", b"1\r\nset-cookie: a=b")])]
    client = await world.answer_to(ASK)
    assert b"set-cookie" not in client.sink.received
    assert client.sink.cut or client.status == 500


async def test_an_unheard_of_status_is_not_passed_on(world: World) -> None:
    world.upstream.answers = [Answer(status=999)]
    client = await world.answer_to(ASK)
    assert client.sink.cut or client.status in {500, 502}


async def test_giving_up_leaves_no_cancellation_behind(world: World) -> None:
    """The task serves the connection's next request too, so a cancellation of ours must not stay in it."""
    gate = Gate()
    world.upstream.answers = [Answer(before=[gate])]
    client = world.ask(ASK)
    await gate.arrived()
    client.leave()
    await client.ended()
    assert client.task.cancelling() == 0
    assert world.metrics.exchanges == {("llm", "interrupted", "client_left"): 1}
