"""The model for trials, through the official client."""

from typing import Any

import httpx
import openai
import pytest
from starlette.applications import Starlette

from lawgate.demo.model import BODY_B_MAX, SEEN_MAX, model
from lawgate.demo.replies import EMAIL, IBAN

QUESTION: Any = {"role": "user", "content": "Where is my refund?"}


def http(app: Starlette, peer: str = "127.0.0.1") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 40000)), base_url="http://model")


@pytest.fixture
def sdk() -> openai.AsyncOpenAI:
    client: Any = http(model())  # its own type, httpx or the successor, depends on the version of the SDK
    return openai.AsyncOpenAI(base_url="http://model/v1", api_key="none", http_client=client, max_retries=0)


async def test_a_chat(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="demo", messages=[QUESTION])
    content = answer.choices[0].message.content
    assert content == f"You wrote: Where is my refund? I will tell {EMAIL} and pay to {IBAN}."
    assert answer.usage is not None


async def test_a_streamed_chat(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model="demo", messages=[QUESTION], stream=True, n=2, metadata={"events": "30", "delay_ms": "1"}
    )
    chunks = [chunk async for chunk in stream]
    assert len(chunks) == 2 * (1 + 30 + 1)
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_a_streamed_tool_call(sdk: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object", "properties": {}}}}
    async with sdk.chat.completions.stream(model="demo", messages=[QUESTION], tools=[tool]) as stream:
        completion = await stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "pay"
    assert EMAIL in calls[0].function.arguments


async def test_embeddings_and_models(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.embeddings.create(model="demo", input=["a", "b"], dimensions=3)
    assert [len(each.embedding) for each in answer.data] == [3, 3]
    assert [each.id async for each in sdk.models.list()] == ["demo"]
    assert (await sdk.models.retrieve("demo")).id == "demo"


async def test_errors_are_the_clients_own(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("other")
    with pytest.raises(openai.NotFoundError):
        await sdk.images.generate(prompt="a gate")
    with pytest.raises(openai.BadRequestError, match="'messages' must be"):
        await sdk.chat.completions.create(model="demo", messages=[])


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b"[]", b"[" * 100_000])
async def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    async with http(model()) as client:
        for path in ("/v1/chat/completions", "/v1/embeddings"):
            answer = await client.post(path, content=body)
            assert answer.status_code == 400
            assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_body_beyond_the_limit_is_refused() -> None:
    async with http(model()) as client:
        answer = await client.post("/v1/embeddings", content=b" " * (BODY_B_MAX + 1))
        assert answer.status_code == 400
        assert "longer than" in answer.text


async def test_it_remembers_the_last_requests_and_what_it_answered() -> None:
    async with http(model()) as client:
        for number in range(SEEN_MAX + 1):
            asked = {"messages": [{"role": "user", "content": f"number {number}"}]}
            await client.post("/v1/chat/completions", json=asked, headers={"lawgate-exchange-id": f"x{number}"})
        seen = (await client.get("/demo/seen")).json()
    assert [each["exchange"] for each in seen] == [f"x{number}" for number in range(1, SEEN_MAX + 1)]
    assert "number 16" in seen[-1]["body"]
    assert EMAIL in "".join(seen[-1]["pieces"])


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::1"])
async def test_what_it_remembers_is_told_on_this_machine_only(peer: str) -> None:
    app = model()
    async with http(app, peer) as client:
        await client.post("/v1/embeddings", json={"input": "secret"})
        answer = await client.get("/demo/seen")
        assert answer.status_code == 404
        assert "secret" not in answer.text
