"""APIs that the gateway does not know: any JSON, events, lines; and content that nobody can read."""

import base64
import json
from hashlib import sha256

import pytest

from tests.gateway_process import GatewayProcess
from tests.system.conftest import CARD, CLIENT_DATA, MAIL, PHONE, curl, entries_of
from tests.system.model_server import EMAIL, IBAN, PICTURE, ModelServer


@pytest.fixture
def auth(token: str) -> tuple[str, ...]:
    return ("-H", f"Authorization: Bearer {token}", "-H", "content-type: application/json")


def assert_clean(text: str) -> None:
    for value in (*CLIENT_DATA, EMAIL, IBAN):
        assert value not in text


def test_every_string_of_any_json_is_masked(gateway: GatewayProcess, auth: tuple[str, ...], model: ModelServer) -> None:
    sent = {"id": MAIL, "deep": [[{MAIL: [PHONE, 1, None, True, 1.50]}]], "quoted": json.dumps({"card": CARD})}
    answer = curl(f"{gateway.data_url}/api/echo", *auth, "-X", "PUT", "-d", json.dumps(sent))
    assert answer.status == 200
    seen = model.of(answer.exchange)
    assert seen.method == "PUT"
    assert_clean(seen.body.decode())
    assert_clean(answer.body.decode())
    assert seen.json["deep"][0][0] == {"<EMAIL>": ["<PHONE>", 1, None, True, 1.5]}
    assert json.loads(seen.json["quoted"]) == {"card": "[REDACTED]"}
    assert answer.json["contact"] == ["[REDACTED]", {"to": "[REDACTED]"}]
    assert answer.headers["x-ratelimit-remaining"] == "7"
    assert "etag" not in answer.headers, "it validates a body that nobody gets"


def test_a_request_without_a_body(gateway: GatewayProcess, token: str) -> None:
    for method in ("GET", "DELETE"):
        answer = curl(f"{gateway.data_url}/api/echo", "-H", f"Authorization: Bearer {token}", "-X", method)
        assert (answer.status, answer.json["method"], answer.json["you_sent"]) == (200, method, None)


def test_generic_events(gateway: GatewayProcess, auth: tuple[str, ...]) -> None:
    answer = curl("-N", f"{gateway.data_url}/api/events", *auth, "-d", "{}")
    text = answer.body.decode()
    assert_clean(text)
    assert text.startswith("event: start\nid: 1\n") or "event: start" in text
    events = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert events[0] == {"from": "[REDACTED]"}
    assert "".join(each.get("text", "") for each in events) == "[REDACTED] and [REDACTED] as agreed."
    assert "event: done" in text
    meta = entries_of(gateway, answer.exchange)[-1].meta
    assert meta["streamed"] is True
    assert meta["spans"] == {"EMAIL": 2, "IBAN": 1}


def test_generic_lines(gateway: GatewayProcess, auth: tuple[str, ...]) -> None:
    answer = curl("-N", f"{gateway.data_url}/api/lines", *auth, "-d", "{}")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert_clean(answer.body.decode())
    assert "".join(line["response"] for line in lines) == "[REDACTED] and [REDACTED] as agreed."
    assert [line["done"] for line in lines].count(True) == 1
    assert lines[-1]["done"] is True


def test_a_problem_in_the_shape_of_rfc_9457(gateway: GatewayProcess, auth: tuple[str, ...]) -> None:
    answer = curl(f"{gateway.data_url}/api/echo", *auth, "-d", "{")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (answer.json["code"], answer.json["status"]) == ("body_unreadable", 400)
    assert answer.json["exchange_id"] == answer.exchange


@pytest.mark.parametrize(
    "content_type",
    ["image/png", "application/json; charset=utf-16", "application/pdf", "multipart/form-data; boundary=x"],
)
def test_a_request_that_cannot_be_read_does_not_pass(
    gateway: GatewayProcess, token: str, model: ModelServer, content_type: str
) -> None:
    before = len(model.seen)
    fields = ("-H", f"Authorization: Bearer {token}", "-H", f"content-type: {content_type}")
    answer = curl(f"{gateway.data_url}/api/picture", *fields, "--data-binary", "@-", data=PICTURE)
    assert (answer.status, answer.json["code"]) == (415, "content_type_unsupported")
    assert len(model.seen) == before
    (entry,) = entries_of(gateway, answer.exchange)
    assert (entry.kind, entry.code) == ("refusal", "content_type_unsupported")
    assert set(entry.parts) == {"meta"}


def test_a_compressed_request_does_not_pass(gateway: GatewayProcess, auth: tuple[str, ...]) -> None:
    answer = curl(f"{gateway.data_url}/api/echo", *auth, "-H", "content-encoding: gzip", "-d", "{}")
    assert (answer.status, answer.json["code"]) == (415, "content_type_unsupported")


@pytest.mark.parametrize("path", ["picture", "html"])
def test_an_answer_that_cannot_be_read_is_not_released(
    gateway: GatewayProcess, token: str, path: str, model: ModelServer
) -> None:
    answer = curl(f"{gateway.data_url}/api/{path}", "-H", f"Authorization: Bearer {token}")
    assert (answer.status, answer.json["code"]) == (502, "answer_unreadable")
    assert model.of(answer.exchange).status == 200
    entry = entries_of(gateway, answer.exchange)[-1]
    assert (entry.kind, entry.outcome, entry.code) == ("outcome", "failed", "answer_unreadable")


def test_what_may_pass_unread_passes_unchanged_and_the_record_says_so(
    gateway: GatewayProcess, token: str, model: ModelServer
) -> None:
    fields = ("-H", f"Authorization: Bearer {token}", "-H", "content-type: image/png")
    answer = curl(f"{gateway.data_url}/files/picture", *fields, "--data-binary", "@-", data=PICTURE)
    assert (answer.status, answer.body) == (200, PICTURE)
    assert model.of(answer.exchange).body == PICTURE
    intent, outcome = entries_of(gateway, answer.exchange)
    assert (intent.meta["not_inspected"], outcome.meta["not_inspected"]) == (1, 1)
    digest = sha256(PICTURE).hexdigest()
    assert intent.meta["received_sha256"] == intent.meta["forwarded_sha256"] == digest
    assert outcome.meta["received_sha256"] == outcome.meta["released_sha256"] == digest
    assert base64.b64decode(json.loads(intent.parts["request"])["base64"]) == PICTURE
    assert base64.b64decode(json.loads(outcome.parts["answer"])["base64"]) == PICTURE
