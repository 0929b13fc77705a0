"""Every way in which an upstream can fail its caller, against the real gateway.

Rule 1: each row of the tables is one treatment of ``fault_upstream.py``; one that no row names fails a test.
Rule 2: after each fault the client has a clear error in its protocol's shape, the log has the outcome with
    the same code, nothing of the upstream's nonsense leaked, and the node serves the next request.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.fault_upstream import PERSON, TREATMENTS, FaultUpstream
from tests.faults.raw_client import Received, ask, chat, post
from tests.faults.records import entries, last
from tests.gateway_process import PREAMBLE, GatewayProcess

CONFIGURATION: Final = """\
identity: [{{issuer: "http://127.0.0.1:9", audience: lawgate}}]
limits:
  time_to_first_byte_s_max: 1
  stream_idle_s_max: 1
  answer_b_max: 1 MiB
  connect_s_max: 2
connections:
  openai: {{protocol: openai, upstream: "{upstream}/v1", {recipient}}}
  generic: {{protocol: generic, upstream: "{upstream}/api", {recipient}}}
  closed: {{protocol: openai, upstream: "http://127.0.0.1:9/v1", {recipient}}}
purposes:
  p:
    title: T
    allow: {{groups: [g], connections: [openai, generic, closed]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    record: full
    mask: {{request: replace, answer: replace}}
"""
RECIPIENT: Final = "recipient: {name: L, role: internal, country: DE}"

SERVED: Final = {"answer": 200, "stream": 200, "stream_slowly": 200, "no_length": 200, "rate_limited": 429}
"""Treatments that are no faults, and their status."""

WHOLE: Final = {
    "hang": (504, "upstream_timeout"),
    "hang_in_head": (504, "upstream_timeout"),
    "hang_in_body": (504, "upstream_timeout"),
    "close_at_once": (502, "upstream_interrupted"),
    "close_in_head": (502, "upstream_interrupted"),
    "close_in_body": (502, "upstream_interrupted"),
    "close_in_chunk": (502, "upstream_interrupted"),
    "garbage": (502, "upstream_protocol"),
    "http_2": (502, "upstream_protocol"),
    "strange_status": (502, "upstream_protocol"),
    "switching": (502, "upstream_protocol"),
    "interim_flood": (502, "upstream_protocol"),
    "both_lengths": (502, "upstream_protocol"),
    "two_lengths": (502, "upstream_protocol"),
    "bad_chunk": (502, "upstream_protocol"),
    "huge_head": (502, "upstream_protocol"),
    "huge_body": (502, "upstream_protocol"),
    "folded_field": (502, "upstream_protocol"),
    "length_too_short": (502, "answer_unreadable"),
    "malformed_json": (502, "answer_unreadable"),
    "endless_nesting": (502, "answer_unreadable"),
    "invalid_utf8": (502, "answer_unreadable"),
    "wrong_charset": (502, "answer_unreadable"),
    "gzipped": (502, "answer_unreadable"),
    "gzipped_in_secret": (502, "answer_unreadable"),
    "picture": (502, "answer_unreadable"),
}
"""Treatment -> status and code; nothing of an answer was released."""

CUT: Final = {
    "hang_in_stream": "upstream_timeout",
    "close_in_stream": "upstream_interrupted",
    "reset_in_stream": "upstream_interrupted",
    "bad_chunk_in_stream": "upstream_protocol",
    "stream_without_end": "upstream_interrupted",
    "malformed_event": "answer_unreadable",
    "invalid_utf8_event": "answer_unreadable",
    "event_without_end": "answer_unreadable",
}
"""Treatment of a stream that began well -> the code of the error event that ends it."""

STREAMS: Final = [
    (treatment, connection)
    for treatment in CUT
    for connection in ("openai", "generic")
    # A generic stream knows no last event, and its events may hold any text.
    if connection == "openai" or treatment not in {"stream_without_end", "malformed_event"}
]

RECITALS: Final = {name for name in TREATMENTS if name.startswith("recite")}
ELSEWHERE: Final = {"second_answer", "stream_for_ever"} | RECITALS
"""These have tests of their own, below, in ``test_bad_requests.py`` or in ``test_no_personal_data_in_clear.py``."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: FaultUpstream) -> Iterator[GatewayProcess]:
    text = PREAMBLE + CONFIGURATION.format(upstream=upstream.url, recipient=RECIPIENT)
    running = GatewayProcess(tmp_path_factory.mktemp("faults"), text)
    with running:
        yield running
    for word in ("Traceback", "failed inside the gateway", PERSON):
        assert word not in running.stderr, running.stderr[-4000:]


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.new_key("p")


@pytest.fixture(autouse=True)
def serves_on(gateway: GatewayProcess, key: str) -> Iterator[None]:
    """Whatever happened, the next request is served."""
    yield
    received = call(gateway, key, "answer")
    assert (received.status, received.complete) == (200, True)


def call(gateway: GatewayProcess, key: str, treatment: str, connection: str = "openai") -> Received:
    path = {"generic": "/generic/anything"}.get(connection, f"/{connection}/v1/chat/completions")
    return ask(gateway.data_port, post(path, chat(treatment, stream="stream" in treatment), key))


def assert_error(received: Received, status: int, code: str, connection: str) -> None:
    """A whole answer in the protocol's own shape."""
    assert (received.status, received.complete) == (status, True)
    if connection == "generic":
        assert received.headers["content-type"] == "application/problem+json"
        assert (received.json["status"], received.json["code"]) == (status, code)
        assert received.json["exchange_id"] == received.exchange
    else:
        error = received.json["error"]
        assert (error["code"], error["exchange_id"]) == (code, received.exchange)
        assert error["type"] == "server_error"
        assert error["message"].endswith(".")


def test_every_treatment_has_a_row() -> None:
    rows = SERVED.keys() | WHOLE.keys() | CUT.keys() | ELSEWHERE
    assert rows == TREATMENTS.keys()


@pytest.mark.parametrize("treatment", SERVED)
def test_what_is_no_fault_passes(gateway: GatewayProcess, key: str, treatment: str) -> None:
    received = call(gateway, key, treatment)
    assert (received.status, received.complete) == (SERVED[treatment], True)
    assert b"@answers.example" not in received.body
    assert last(gateway, received.exchange).outcome == "answered"


@pytest.mark.parametrize("connection", ["openai", "generic"])
@pytest.mark.parametrize("treatment", WHOLE)
def test_an_answer_that_cannot_be_released(
    gateway: GatewayProcess, upstream: FaultUpstream, key: str, treatment: str, connection: str
) -> None:
    status, code = WHOLE[treatment]
    received = call(gateway, key, treatment, connection)
    assert_error(received, status, code, connection)
    assert len(upstream.saw(received.exchange)) == 1, "asked once, never again"
    outcome = last(gateway, received.exchange)
    assert (outcome.outcome, outcome.code) == ("failed", code)
    assert outcome.meta["released_b"] == 0
    assert "answer" not in outcome.parts


@pytest.mark.parametrize(("treatment", "connection"), STREAMS)
def test_a_stream_that_breaks(gateway: GatewayProcess, key: str, treatment: str, connection: str) -> None:
    received = call(gateway, key, treatment, connection)
    assert (received.status, received.complete) == (200, True), "the error is an event of the stream"
    assert received.code == CUT[treatment]
    assert received.body.count(b"data: ") > 1, "what came before was released"
    assert b"[DONE]" not in received.body
    assert b"@answers.example" not in received.body
    outcome = last(gateway, received.exchange)
    assert (outcome.outcome, outcome.code) == ("interrupted", CUT[treatment])
    assert outcome.meta["released_b"] == len(received.body)
    assert outcome.parts["answer"], "the windows are the record"


def test_nobody_listens(gateway: GatewayProcess, key: str) -> None:
    received = call(gateway, key, "answer", "closed")
    assert_error(received, 502, "upstream_unreachable", "openai")
    assert last(gateway, received.exchange).outcome == "failed"


def test_an_unasked_answer_is_nobodys(gateway: GatewayProcess, upstream: FaultUpstream, key: str) -> None:
    """What an upstream says behind an answer must not become the next request's answer."""
    received = call(gateway, key, "second_answer")
    assert (received.status, received.complete) == (200, True)
    assert b"poison" not in received.body
    for _ in range(3):
        assert b"poison" not in call(gateway, key, "answer").body
    assert upstream.saw(received.exchange)[0].gone.wait(5), "the connection was dropped"


def test_one_intent_and_one_outcome_each(gateway: GatewayProcess) -> None:
    kinds: dict[str, list[str]] = {}
    for entry in entries(gateway):
        if "exchange" in entry.meta:
            kinds.setdefault(entry.meta["exchange"], []).append(entry.kind)
    assert kinds
    assert all(found == ["intent", "outcome"] for found in kinds.values())
