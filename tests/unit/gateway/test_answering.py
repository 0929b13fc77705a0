"""What a client is told when an upstream fails, and which answers have no body to wait for."""

import json

import pytest

from lawgate.domain.errors import STATUS, Code, UpstreamError
from lawgate.gateway.answering import _MESSAGES, DETECTION_FAILED, UNREADABLE
from tests.simulator import EMAIL, Answer, World


@pytest.mark.parametrize("code", _MESSAGES)
async def test_the_client_gets_a_sentence_of_ours_and_no_detail(code: Code) -> None:
    world = World()
    world.upstream.answers = [Answer(before=[UpstreamError(code, f"refused {EMAIL}", request_sent=False)])]
    client = await world.answer_to({})
    assert (client.status, client.code) == (STATUS[code], code.value)
    assert client.json["error"]["message"] == _MESSAGES[code]
    assert EMAIL.encode() not in client.body


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/x-ndjson"])
async def test_an_answer_without_content_is_no_stream_whatever_it_calls_itself(content_type: str) -> None:
    world = World()
    world.upstream.answers = [Answer([], status=204, content_type=content_type)]
    assert (await world.answer_to({})).status == 204
    assert world.meta("outcome")["outcome"] == "answered"


async def test_an_answer_in_which_nothing_changes_is_released_as_it_came() -> None:
    world = World()
    raw = b'{ "odd":  "white space", "usage": {"n": 1.50} }'
    world.upstream.answers = [Answer([raw])]
    assert (await world.answer_to({})).body == raw
    outcome = world.meta("outcome")
    assert outcome["received_sha256"] == outcome["released_sha256"]


async def test_probabilities_of_tokens_do_not_repeat_what_was_masked() -> None:
    world = World()
    choice = {"message": {"content": f"mail {EMAIL}"}, "logprobs": {"content": [{"token": "anna.schmidt"}]}}
    world.upstream.answers = [Answer([json.dumps({"choices": [choice]}).encode()])]
    client = await world.answer_to({})
    assert client.json["choices"][0] == {"message": {"content": "mail <EMAIL>"}, "logprobs": None}


@pytest.mark.parametrize("content_type", ["text/plain", "text/markdown; charset=utf-8"])
async def test_plain_text_is_read_and_masked(content_type: str) -> None:
    world = World()
    world.upstream.answers = [Answer([f"to {EMAIL}".encode()], content_type=content_type)]
    assert (await world.answer_to({})).body == b"to <EMAIL>"


def test_what_was_not_released_says_so() -> None:
    assert "not released" in UNREADABLE.message
    assert "not released" in DETECTION_FAILED.message
