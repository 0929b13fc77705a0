"""The unmodified ``openai`` SDK through a real gateway: it needs a base URL and a token.

Rule 1: the client is made with ``base_url`` and ``api_key`` alone, except where a test is about a setting.
Rule 2: what the model saw is asked of the model's side, never of the gateway.
"""

import asyncio
import base64
import json
import struct
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.gateway_process import GatewayProcess
from tests.system.conftest import CARD, CLIENT_DATA, MAIL, PHONE, UPSTREAM_KEY, LitServe, entries_of, outcome_of
from tests.system.model_server import EMAIL, IBAN, ModelServer
from tests.system.oidc_provider import OidcProvider

Sdk = Callable[..., openai.OpenAI]
PROMPT = f"I am {MAIL}, call {PHONE}, my card is {CARD}."
TOOL: Any = {
    "type": "function",
    "function": {"name": "pay", "description": "Pays.", "parameters": {"type": "object", "properties": {}}},
}
MASKED_PROMPT = "I am <EMAIL>, call <PHONE>, my card is [REDACTED]."


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def exchange_of(raw: Any) -> str:
    return str(raw.headers["lawgate-exchange-id"])


def assert_clean(text: str) -> None:
    """No personal data that the model or the client named is in a text."""
    for value in (*CLIENT_DATA, EMAIL, IBAN):
        assert value not in text


def read_to_error(stream: Any) -> tuple[str, openai.APIError]:
    """What a stream said, and the error that it ended with."""
    text = ""
    try:
        for chunk in stream:
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
    except openai.APIError as error:
        return text, error
    raise AssertionError(f"the stream ended as if it were whole, after {text!r}")


# ---- chat -----------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["llm", "litserve"])
def test_a_chat_completion_is_masked_both_ways(sdk: Sdk, connection: str) -> None:
    answer = sdk(connection).chat.completions.create(model="demo", messages=ask(PROMPT))
    text = answer.choices[0].message.content
    assert text is not None
    assert MASKED_PROMPT in text
    assert_clean(text)
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("connection", ["llm", "litserve"])
def test_a_stream_is_masked_though_pieces_cut_the_data(sdk: Sdk, connection: str) -> None:
    with sdk(connection).chat.completions.create(model="demo", messages=ask(PROMPT), stream=True) as stream:
        chunks = list(stream)
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    text = "".join(pieces)
    assert MASKED_PROMPT in text
    assert_clean(text)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
    assert sum(bool(piece) for piece in pieces) > 5, "it came in pieces"


def test_whole_and_streamed_say_the_same(sdk: Sdk) -> None:
    client = sdk()
    whole = client.chat.completions.create(model="demo", messages=ask(PROMPT)).choices[0].message.content
    with client.chat.completions.create(model="demo", messages=ask(PROMPT), stream=True) as stream:
        streamed = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert streamed == whole


def test_usage_comes_with_the_stream_when_asked_for(sdk: Sdk, gateway: GatewayProcess, model: ModelServer) -> None:
    raw = sdk().chat.completions.with_raw_response.create(
        model="demo", messages=ask("hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(raw.parse())
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0
    assert model.of(exchange_of(raw)).json["stream_options"] == {"include_usage": True}
    assert entries_of(gateway, exchange_of(raw))[-1].meta["streamed"] is True


@pytest.mark.parametrize("connection", ["llm", "litserve"])
@pytest.mark.parametrize("stream", [False, True])
def test_several_choices_are_masked_each_by_itself(sdk: Sdk, connection: str, *, stream: bool) -> None:
    client = sdk(connection)
    texts: dict[int, str] = {}
    if stream:
        with client.chat.completions.create(model="demo", messages=ask(PROMPT), n=2, stream=True) as chunks:
            for chunk in chunks:
                for choice in chunk.choices:
                    texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
    else:
        answer = client.chat.completions.create(model="demo", messages=ask(PROMPT), n=2)
        texts = {choice.index: choice.message.content or "" for choice in answer.choices}
    assert sorted(texts) == [0, 1]
    assert texts[0] == texts[1]
    assert MASKED_PROMPT in texts[0]
    assert_clean(texts[0])


def test_what_the_model_saw(sdk: Sdk, model: ModelServer, token: str) -> None:
    history: list[Any] = [
        {"role": "system", "content": f"The customer is {MAIL}."},
        {"role": "user", "content": [{"type": "text", "text": PROMPT}], "name": "anna"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "pay", "arguments": json.dumps({"card": CARD, "to": MAIL})},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"phone": PHONE})},
    ]
    raw = sdk().chat.completions.with_raw_response.create(
        model="demo",
        messages=history,
        extra_headers={
            "Cookie": "session=abc",
            "X-Forwarded-For": "203.0.113.9",
            "X-Custom": "client",
            "Proxy-Authorization": "Basic abc",
            "Lawgate-Exchange-Id": "f" * 32,
            "Lawgate-Purpose": "answer-customers",
            "Lawgate-Subject": "customer-17",
        },
    )
    seen = model.of(exchange_of(raw))
    text = seen.body.decode()
    assert_clean(text)
    assert token not in text
    arguments = json.loads(seen.json["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"card": "[REDACTED]", "to": "<EMAIL>"}
    assert json.loads(seen.json["messages"][3]["content"]) == {"phone": "<PHONE>"}
    assert seen.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    values = " ".join(value for _, value in seen.headers)
    assert token not in values
    names = {name for name, _ in seen.headers}
    assert not names & {"cookie", "x-forwarded-for", "x-custom", "proxy-authorization", "x-api-key", "api-key", "via"}
    assert {name for name in names if name.startswith("lawgate-")} == {"lawgate-exchange-id"}, "and it is ours"


def test_the_credential_goes_where_the_connection_says(sdk: Sdk, model: ModelServer) -> None:
    sdk("azure").chat.completions.create(model="only-azure", messages=ask("hello"))
    (seen,) = model.calls("only-azure")
    assert seen.header("api-key") == UPSTREAM_KEY
    assert seen.header("authorization") is None
    assert seen.header("lawgate-exchange-id") is None, "this connection does not send it"


def test_what_litserve_was_asked(sdk: Sdk, litserve: LitServe) -> None:
    sdk("litserve").chat.completions.create(model="demo", messages=ask(f"Lit {PROMPT}"))
    asked = litserve.record.read_text("utf-8")
    assert f"Lit {MASKED_PROMPT}" in asked
    assert_clean(asked)


async def test_the_asynchronous_client(gateway: GatewayProcess, token: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.data_url}/llm/v1", api_key=token) as client:
        stream = await client.chat.completions.create(model="demo", messages=ask(PROMPT), stream=True)
        text = "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])
        assert MASKED_PROMPT in text
        assert_clean(text)
        answer = await client.embeddings.create(model="demo", input="hello")
        assert len(answer.data) == 1


# ---- tools ----------------------------------------------------------------------------------


def test_a_tool_call_is_masked(sdk: Sdk) -> None:
    answer = sdk().chat.completions.create(model="demo", messages=ask(PROMPT), tools=[TOOL])
    (call,) = answer.choices[0].message.tool_calls or []
    assert isinstance(call, openai.types.chat.ChatCompletionMessageFunctionToolCall)
    assert call.function.name == "pay"
    assert json.loads(call.function.arguments) == {"to": "[REDACTED]", "account": "[REDACTED]", "note": MASKED_PROMPT}
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_streamed_tool_call_is_masked(sdk: Sdk) -> None:
    arguments, names, ids = "", [], []
    with sdk().chat.completions.create(model="demo", messages=ask(PROMPT), tools=[TOOL], stream=True) as stream:
        for chunk in stream:
            for call in [call for choice in chunk.choices for call in choice.delta.tool_calls or []]:
                assert call.function is not None
                arguments += call.function.arguments or ""
                names += [call.function.name] if call.function.name else []
                ids += [call.id] if call.id else []
    assert json.loads(arguments) == {"to": "[REDACTED]", "account": "[REDACTED]", "note": MASKED_PROMPT}
    assert names == ["pay"]
    assert len(ids) == 1


def test_the_sdks_own_accumulator_takes_a_streamed_tool_call(sdk: Sdk) -> None:
    with sdk().chat.completions.stream(model="demo", messages=ask(PROMPT), tools=[TOOL]) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"to": "[REDACTED]", "account": "[REDACTED]", "note": MASKED_PROMPT}


def test_the_answer_to_a_tool_goes_round(sdk: Sdk, model: ModelServer) -> None:
    client = sdk()
    first = client.chat.completions.create(model="demo", messages=ask("pay"), tools=[TOOL]).choices[0].message
    (call,) = first.tool_calls or []
    messages = [*ask("pay"), first.model_dump(exclude_none=True)]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": f"paid to {MAIL}"})
    raw = client.chat.completions.with_raw_response.create(model="demo", messages=messages, tools=[TOOL])
    assert raw.parse().choices[0].finish_reason == "stop"
    seen = model.of(exchange_of(raw)).json["messages"]
    assert seen[2]["tool_call_id"] == call.id, "an id is not personal data and must match"
    assert seen[2]["content"] == "paid to <EMAIL>"


# ---- embeddings, models ---------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_embeddings_are_of_the_masked_text(sdk: Sdk, model: ModelServer, encoding: Any) -> None:
    client = sdk()
    wanted = {} if encoding is None else {"encoding_format": encoding}
    raw = client.embeddings.with_raw_response.create(model="demo", input=[PROMPT, "plain"], **wanted)
    answer = raw.parse()
    seen = model.of(exchange_of(raw))
    assert seen.json["input"] == [MASKED_PROMPT, "plain"]
    assert seen.json.get("encoding_format") == (encoding or "base64"), "the SDK asks for base64 by itself"
    sent = [each["embedding"] for each in json.loads(seen.answer)["data"]]
    got: list[Any] = [each.embedding for each in answer.data]
    if encoding is None:
        sent = [list(struct.unpack("<16f", base64.b64decode(each))) for each in sent]
    assert got == sent
    assert len(got) == 2


def test_models_are_listed(sdk: Sdk) -> None:
    client = sdk()
    assert [each.id for each in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").owned_by == "lawgate"


# ---- errors ---------------------------------------------------------------------------------


def raised(call: Callable[[], object], kind: type[openai.APIStatusError], code: str) -> openai.APIStatusError:
    """The SDK's own exception, with what every refusal has."""
    with pytest.raises(openai.APIStatusError) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    assert error.code == code
    assert len(error.response.headers["lawgate-exchange-id"]) == 32
    assert isinstance(error.body, dict)
    assert error.body["exchange_id"] == error.response.headers["lawgate-exchange-id"]
    return error


def hello(client: openai.OpenAI, model: str = "demo", **more: Any) -> Callable[[], object]:
    return lambda: client.chat.completions.create(model=model, messages=ask("hello"), **more)


def test_a_bad_token_is_an_authentication_error(sdk: Sdk) -> None:
    raised(hello(sdk(api_key="not-a-token")), openai.AuthenticationError, "credential_invalid")


def test_a_group_without_a_purpose_is_a_permission_error(
    sdk: Sdk, oidc_provider: OidcProvider, gateway: GatewayProcess
) -> None:
    client = sdk(api_key=oidc_provider.token("no-groups"))
    error = raised(hello(client), openai.PermissionDeniedError, "purpose_none")
    (entry,) = entries_of(gateway, error.response.headers["lawgate-exchange-id"])
    assert (entry.kind, entry.outcome, entry.code) == ("refusal", "refused", "purpose_none")
    assert entry.meta["caller"]["subject"] == "no-groups"


def test_a_rule_refuses_with_its_own_words(sdk: Sdk) -> None:
    error = raised(hello(sdk(), "forbidden-7b"), openai.PermissionDeniedError, "policy_refused")
    assert "This model is not for you." in error.message


def test_a_hold_refuses_until_there_are_approvals(sdk: Sdk, gateway: GatewayProcess, model: ModelServer) -> None:
    error = raised(hello(sdk(), "held-7b"), openai.PermissionDeniedError, "approval_unavailable")
    assert not model.calls("held-7b")
    (entry,) = entries_of(gateway, error.response.headers["lawgate-exchange-id"])
    assert (entry.kind, entry.code) == ("refusal", "approval_unavailable")
    assert entry.meta["verdict"]["rule"] == "four eyes"


def test_an_unknown_connection_is_not_found(sdk: Sdk) -> None:
    raised(hello(sdk("nowhere")), openai.NotFoundError, "connection_unknown")


def test_two_purposes_need_the_header(sdk: Sdk, oidc_provider: OidcProvider, gateway: GatewayProcess) -> None:
    token = oidc_provider.token("claims-desk")
    error = raised(hello(sdk(api_key=token)), openai.PermissionDeniedError, "purpose_required")
    assert "answer-customers" in error.message
    assert "handle-claims" in error.message
    for purpose in ("answer-customers", "handle-claims"):
        client = sdk(api_key=token, default_headers={"Lawgate-Purpose": purpose})
        raw = client.chat.completions.with_raw_response.create(model="demo", messages=ask("hello"))
        assert entries_of(gateway, exchange_of(raw))[0].meta["grounds"]["purpose"] == purpose
    other = sdk(default_headers={"Lawgate-Purpose": "handle-claims"})
    raised(hello(other), openai.PermissionDeniedError, "purpose_not_allowed")


def test_a_pseudonym_is_the_same_in_every_request(sdk: Sdk, oidc_provider: OidcProvider, model: ModelServer) -> None:
    client = sdk(api_key=oidc_provider.token("claims-desk"), default_headers={"Lawgate-Purpose": "handle-claims"})
    seen = []
    for _ in range(2):
        raw = client.chat.completions.with_raw_response.create(model="demo", messages=ask(MAIL))
        seen.append(model.of(exchange_of(raw)).json["messages"][0]["content"])
    assert seen[0] == seen[1]
    assert MAIL not in seen[0]


def test_a_body_that_is_too_large(sdk: Sdk) -> None:
    client = sdk()
    error = raised(
        lambda: client.chat.completions.create(model="demo", messages=ask("x" * (5 << 20))),
        openai.APIStatusError,
        "body_too_large",
    )
    assert error.status_code == 413


def test_an_upload_that_cannot_be_read(sdk: Sdk, model: ModelServer) -> None:
    client, before = sdk(), len(model.seen)
    call = lambda: client.files.create(file=("a.txt", b"Anna"), purpose="assistants")  # noqa: E731
    assert raised(call, openai.APIStatusError, "content_type_unsupported").status_code == 415
    assert all(each.path != "/v1/files" for each in model.seen[before:])


def test_a_body_that_is_no_json(sdk: Sdk) -> None:
    client = sdk()
    raised(
        lambda: client.post("/chat/completions", cast_to=object, content=b"{", options={"headers": {}}),
        openai.BadRequestError,
        "body_unreadable",
    )


def test_personal_data_in_the_url(sdk: Sdk) -> None:
    client = sdk()
    call = lambda: client.get(f"/models?user={MAIL}", cast_to=object)  # noqa: E731
    raised(call, openai.PermissionDeniedError, "content_blocked")


# ---- an upstream that fails -----------------------------------------------------------------


def test_an_upstreams_error_passes_masked(sdk: Sdk, gateway: GatewayProcess) -> None:
    client = sdk(max_retries=0)
    with pytest.raises(openai.RateLimitError) as caught:
        hello(client, "status-429")()
    error = caught.value
    assert error.code == "was_429"
    assert EMAIL not in error.message
    fields = error.response.headers
    assert fields["x-request-id"] == "req_of_the_upstream"
    assert "set-cookie" not in fields
    assert "server" not in fields
    assert entries_of(gateway, fields["lawgate-exchange-id"])[-1].meta["status"] == 429


@pytest.mark.parametrize(
    ("name", "kind", "calls"),
    [
        ("status-500", openai.InternalServerError, 3),
        ("status-503", openai.InternalServerError, 3),
        ("status-429", openai.RateLimitError, 3),
        ("status-500-no", openai.InternalServerError, 1),
        ("status-404", openai.NotFoundError, 1),
    ],
)
def test_retries_are_as_the_upstream_says(
    sdk: Sdk, model: ModelServer, name: str, kind: type[Exception], calls: int
) -> None:
    before = len(model.calls(name))
    with pytest.raises(kind):
        hello(sdk(), name)()
    assert len(model.calls(name)) - before == calls


def test_a_refusal_is_not_retried(sdk: Sdk, gateway: GatewayProcess) -> None:
    before = len(entries_of(gateway, kind="refusal"))
    raised(hello(sdk(), "forbidden-8b"), openai.PermissionDeniedError, "policy_refused")
    assert len(entries_of(gateway, kind="refusal")) - before == 1


def test_a_dead_upstream_is_worth_a_retry_and_each_try_is_recorded(sdk: Sdk, gateway: GatewayProcess) -> None:
    before = len(entries_of(gateway, kind="outcome"))
    error = raised(hello(sdk("dead")), openai.InternalServerError, "upstream_unreachable")
    assert error.status_code == 502
    assert error.response.headers["x-should-retry"] == "true"
    tries = entries_of(gateway, kind="outcome")[before:]
    assert [each.code for each in tries] == ["upstream_unreachable"] * 3


@pytest.mark.parametrize("name", ["dies", "stops"])
def test_an_upstream_that_stops_in_mid_stream_is_an_error_and_not_an_end(
    sdk: Sdk, gateway: GatewayProcess, name: str
) -> None:
    raw = sdk().chat.completions.with_raw_response.create(model=name, messages=ask("hello"), stream=True)
    text, error = read_to_error(raw.parse())
    assert error.code == "upstream_interrupted"
    assert text.startswith("Write to [REDACTED] soon.")
    assert_clean(text)
    entry = outcome_of(gateway, exchange_of(raw))
    assert (entry.outcome, entry.code) == ("interrupted", "upstream_interrupted")
    assert entry.parts["answer"].count(b"choices") > 1


def test_a_stream_that_ends_before_its_first_event(sdk: Sdk, gateway: GatewayProcess) -> None:
    error = raised(hello(sdk(max_retries=0), "mute", stream=True), openai.InternalServerError, "upstream_interrupted")
    entry = entries_of(gateway, error.response.headers["lawgate-exchange-id"])[-1]
    assert (entry.outcome, entry.code, entry.meta["released_b"]) == ("failed", "upstream_interrupted", 0)


def test_litserves_own_error_in_mid_stream_is_raised(sdk: Sdk) -> None:
    """LitServe ends such a stream with an error event and neither an empty line nor ``[DONE]``."""
    stream = sdk("litserve").chat.completions.create(model="demo", messages=ask("fail please"), stream=True)
    text, error = read_to_error(stream)
    assert (text, error.code) == ("You wrote: fail"[: len(text)], "internal_error")


async def test_many_streams_at_once_do_not_mix(gateway: GatewayProcess, token: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.data_url}/llm/v1", api_key=token) as client:

        async def one(number: int) -> str:
            said = f"The word is w{number:03}w and {MAIL} knows it."
            stream = await client.chat.completions.create(model="demo", messages=ask(said), stream=True)
            return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])

        texts = await asyncio.gather(*(one(number) for number in range(60)))
    for number, text in enumerate(texts):
        assert f"The word is w{number:03}w and <EMAIL> knows it." in text
        assert_clean(text)


def test_a_client_that_gives_up_is_recorded_and_the_upstream_let_go(
    sdk: Sdk, gateway: GatewayProcess, model: ModelServer
) -> None:
    before = len(model.calls("wait"))
    client = sdk(timeout=0.4, max_retries=0)
    with pytest.raises(openai.APITimeoutError):
        hello(client, "wait")()
    (seen,) = model.calls("wait")[before:]
    exchange = seen.header("lawgate-exchange-id")
    assert exchange is not None
    assert outcome_of(gateway, exchange).code == "client_left"
    gateway.wait_until(lambda: seen.gone, "the upstream's call goes on", timeout_s=5)


def test_a_stream_that_the_client_leaves(sdk: Sdk, gateway: GatewayProcess, model: ModelServer) -> None:
    raw = sdk().chat.completions.with_raw_response.create(
        model="demo",
        messages=ask("hello"),
        stream=True,
        extra_body={"metadata": {"events": "2000", "delay_ms": "5"}},
    )
    stream = raw.parse()
    next(iter(stream))
    stream.close()
    entry = outcome_of(gateway, exchange_of(raw))
    assert (entry.outcome, entry.code) == ("interrupted", "client_left")
    assert model.of(exchange_of(raw)).status == 200


def test_a_stream_leaves_as_it_comes(sdk: Sdk) -> None:
    """The first piece is there long before the last was made: nothing collects the stream."""
    stream = sdk().chat.completions.create(
        model="demo",
        messages=ask("hello, this is a text without any data"),
        stream=True,
        extra_body={"metadata": {"events": "40", "delay_ms": "25"}},
    )
    began = time.monotonic()
    arrived = [time.monotonic() - began for chunk in stream for choice in chunk.choices if choice.delta.content]
    assert arrived[-1] - arrived[0] > 0.5
