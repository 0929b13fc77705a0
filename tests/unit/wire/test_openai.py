import json

import pytest

from lawgate.domain.errors import STATUS, Code, Refusal
from lawgate.wire.content_type import ContentKind
from lawgate.wire.openai import OpenAiWire

WIRE = OpenAiWire()


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/v1/chat/completions", "chat.completions"),
        ("POST", "/chat/completions", "chat.completions"),
        ("POST", "/v1/chat/completions?x=1", "chat.completions"),
        ("POST", "/v1/completions", "completions"),
        ("POST", "/v1/embeddings", "embeddings"),
        ("POST", "/v1/responses", "responses"),
        ("GET", "/v1/models", "models.list"),
        ("GET", "/v1/models/gpt-4o", "models.retrieve"),
        ("DELETE", "/v1/models/gpt-4o", "generic"),
        ("GET", "/v1/chat/completions", "generic"),
        ("POST", "/v1/audio/speech", "generic"),
        ("POST", "/v1/chat/completions/x", "generic"),
        ("POST", "/vx/embeddings", "generic"),
        ("POST", "/", "generic"),
    ],
)
def test_paths_name_operations_and_unknown_ones_are_generic(method: str, path: str, operation: str) -> None:
    assert WIRE.operation(method, path) == operation


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.CREDENTIAL_MISSING, "authentication_error"),
        (Code.POLICY_REFUSED, "permission_error"),
        (Code.CONNECTION_UNKNOWN, "not_found_error"),
        (Code.BODY_UNREADABLE, "invalid_request_error"),
        (Code.BODY_TOO_LARGE, "invalid_request_error"),
        (Code.EVIDENCE_UNAVAILABLE, "server_error"),
        (Code.UPSTREAM_TIMEOUT, "server_error"),
    ],
)
def test_errors_have_the_shape_of_the_api(code: Code, kind: str) -> None:
    body, headers = WIRE.error(Refusal(code, 'Say "please".', detail="secret"), "e1")
    error = json.loads(body)["error"]
    assert error == {"message": 'Say "please".', "type": kind, "param": None, "code": code.value, "exchange_id": "e1"}
    assert ("content-type", "application/json") in headers


@pytest.mark.parametrize("code", list(STATUS))
def test_every_code_has_an_error_in_both_forms(code: Code) -> None:
    refusal = Refusal(code, "m")
    event = WIRE.stream_error(refusal, "e1", ContentKind.SSE)
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert json.loads(event[6:]) == json.loads(WIRE.error(refusal, "e1")[0])
    assert json.loads(WIRE.stream_error(refusal, "e1", ContentKind.NDJSON)) == json.loads(event[6:])


def test_the_end_of_a_choice_and_of_the_stream() -> None:
    assert WIRE.is_finish(("choices", 0, "finish_reason"))
    assert not WIRE.is_finish(("choices", 0, "delta", "content"))
    assert [WIRE.is_terminal(data) for data in ("[DONE]", " [DONE] ", '"[DONE]"', "[done]", "[DONE]x")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_copy_keeps_what_clients_do_not_add_up() -> None:
    assert [WIRE.stays_in_copy(*member) for member in (("index", 0), ("type", "function"), ("refusal", None))] == [
        True
    ] * 3
    assert not WIRE.stays_in_copy("role", "assistant")
    assert not WIRE.stays_in_copy("name", "f")
    assert not WIRE.stays_in_copy("id", "call_1")


def test_the_model_is_the_bodys() -> None:
    assert WIRE.model({"model": "gpt-4o"}) == "gpt-4o"
    assert WIRE.model({"model": ["x"]}) is None
    assert WIRE.model("x") is None
