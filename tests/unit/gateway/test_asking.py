"""What the request's half says about a request: facts for the policy and the record, never content."""

from typing import Any

import pytest

from lawgate.gateway.asking import SUBJECT_CHARACTERS_MAX
from tests.simulator import EMAIL, World


async def asked(body: object, **options: Any) -> Any:
    """The intent's facts for a request."""
    world = World()
    client = await world.answer_to(body, **options)
    assert client.status == 200, client.body
    return world.meta("intent")


@pytest.mark.parametrize(
    ("body", "stream", "tools"),
    [
        ({}, False, False),
        ({"stream": True, "tools": [{"type": "function"}]}, True, True),
        ({"stream": False, "tools": []}, False, False),
        ([{"stream": True}], False, False),
        ({"nested": {"stream": True, "tools": [1]}}, False, False),
    ],
)
async def test_streams_and_tools_are_what_the_top_of_the_body_asks_for(
    body: object, *, stream: bool, tools: bool
) -> None:
    meta = await asked(body)
    assert (meta["stream"], meta["tools"]) == (stream, tools)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/llm/v1/chat/completions", "chat.completions"),
        ("/llm/v1/embeddings", "embeddings"),
        ("/llm/v1/anything", "generic"),
    ],
)
async def test_the_operation_is_the_upstreams_path(path: str, operation: str) -> None:
    meta = await asked({"model": "m"}, path=path)
    assert (meta["operation"], meta["model"], meta["path"]) == (operation, "m", path)


async def test_the_subject_may_be_as_long_as_the_bound_and_no_longer() -> None:
    meta = await asked({}, lawgate_subject="s" * SUBJECT_CHARACTERS_MAX)
    assert meta["subject_asserted"] == "s" * SUBJECT_CHARACTERS_MAX
    client = await World().answer_to({}, lawgate_subject="s" * (SUBJECT_CHARACTERS_MAX + 1))
    assert client.code == "bad_request"


async def test_a_body_in_which_nothing_changes_is_forwarded_as_it_came() -> None:
    raw = b'{ "odd":   "white space", "n": 1.50, "e": "\\u00e4" }'
    world = World()
    await world.answer_to(raw)
    assert world.upstream.asked[0].body == raw
    meta = world.meta("intent")
    assert meta["received_sha256"] == meta["forwarded_sha256"]


async def test_a_masked_body_changes_only_where_personal_data_stood() -> None:
    world = World()
    await world.answer_to(f'{{ "to":   "{EMAIL}", "n": 1.50 }}'.encode())
    assert world.upstream.asked[0].body == b'{ "to":   "<EMAIL>", "n": 1.50 }'
    meta = world.meta("intent")
    assert meta["received_sha256"] != meta["forwarded_sha256"]
    assert meta["forwarded_b"] == len(world.upstream.asked[0].body)


async def test_a_url_that_was_clean_once_is_looked_at_again_under_another_body() -> None:
    """Whatever is remembered of targets, one with personal data in it never becomes clean."""
    world = World()
    for _ in range(3):
        assert (await world.answer_to({}, path="/llm/v1/ok?a=1")).status == 200
        assert (await world.answer_to({}, path=f"/llm/v1/ok?a={EMAIL}")).code == "content_blocked"
