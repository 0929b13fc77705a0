import json

import pytest

from lawgate.domain.errors import Code, Refusal
from lawgate.wire.content_type import ContentKind
from lawgate.wire.generic import GenericWire

WIRE = GenericWire()
REFUSAL = Refusal(Code.POLICY_REFUSED, "Ask for less.", detail="secret")


def test_an_error_is_a_problem() -> None:
    body, headers = WIRE.error(REFUSAL, "e1")
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Policy refused",
        "status": 403,
        "detail": "Ask for less.",
        "code": "policy_refused",
        "exchange_id": "e1",
    }
    assert ("content-type", "application/problem+json") in headers
    assert b"secret" not in body


def test_a_stream_ends_with_an_event_or_a_line() -> None:
    name, data, *_ = WIRE.stream_error(REFUSAL, "e1", ContentKind.SSE).decode().split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == "policy_refused"
    assert json.loads(WIRE.stream_error(REFUSAL, "e1", ContentKind.NDJSON))["error"]["exchange_id"] == "e1"


@pytest.mark.parametrize(("document", "model"), [({"model": "m"}, "m"), ({"model": 1}, None), ([], None), (None, None)])
def test_the_model_is_a_string_or_unknown(document: object, model: str | None) -> None:
    assert WIRE.model(document) == model


def test_every_path_is_generic() -> None:
    assert WIRE.operation("POST", "/v2/models/x/infer") == "generic"
    assert WIRE.is_terminal(" [DONE] ")
    assert not WIRE.is_terminal("[DONE] and more")
    assert not WIRE.is_finish(("finish_reason",))
    assert WIRE.stays_in_copy("role", "x")
