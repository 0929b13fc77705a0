"""The record of a governed exchange holds what an auditor asks for, and the chain verifies.

Rule: every digest and body is compared with the bytes that the test itself sent and received, on all four
sides: client to gateway, gateway to model, model to gateway, gateway to client.
"""

import json
import socket
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from lawgate.domain.message import CutText, Mark
from tests.gateway_process import GatewayProcess
from tests.system.conftest import CARD, CLIENT_DATA, MAIL, PHONE, Entry, chat_json, curl, entries_of
from tests.system.model_server import EMAIL, IBAN, ModelServer
from tests.system.oidc_provider import OidcProvider


def digest(data: bytes) -> tuple[str, int]:
    return sha256(data).hexdigest(), len(data)


def cuts(part: bytes, originals: bytes) -> list[CutText]:
    """The windows of a recorded body, joined with what was cut out of them."""
    bodies = [json.loads(line) for line in part.splitlines() if line]
    kept = [json.loads(line) for line in originals.splitlines() if line]
    found = []
    for body in bodies:
        marks = tuple(Mark(*mark) for mark in body["marks"])
        found.append(CutText(body["text"], marks, tuple(kept.pop(0)) if marks else ()))
    assert not kept
    return found


@dataclass
class Governed:
    """One exchange with its four bodies and its two entries."""

    sent: bytes
    forwarded: bytes
    answered: bytes
    released: bytes
    intent: Entry
    outcome: Entry
    began: float


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "streamed"])
def governed(request: pytest.FixtureRequest, gateway: GatewayProcess, model: ModelServer, token: str) -> Governed:
    """A chat with personal data in both directions."""
    began = time.time()
    sent = chat_json(f"I am {MAIL}, call {PHONE}, card {CARD}. Füße ✓", stream=request.param, n=2).encode()
    answer = curl(
        "-N",
        f"{gateway.data_url}/llm/v1/chat/completions",
        "-H",
        f"Authorization: Bearer {token}",
        "-H",
        "content-type: application/json",
        "-H",
        "Lawgate-Subject: customer-17",
        "--data-binary",
        "@-",
        data=sent,
    )
    assert answer.status == 200
    intent, outcome = entries_of(gateway, answer.exchange)
    seen = model.of(answer.exchange)
    return Governed(sent, seen.body, seen.answer, answer.body, intent, outcome, began)


def test_who_asked_and_when(governed: Governed, oidc_provider: OidcProvider) -> None:
    caller = governed.intent.meta["caller"]
    assert caller["issuer"] == oidc_provider.issuer
    assert (caller["subject"], caller["client"]) == ("support-desk", "support-desk")
    assert (caller["groups"], caller["credential"], caller["verified"]) == (["support"], "oidc", True)
    assert governed.began - 1 <= governed.intent.meta["received_ms"] / 1000 <= time.time()
    assert governed.intent.meta["subject_asserted"] == "customer-17"


def test_why_and_on_what_basis(governed: Governed, gateway: GatewayProcess) -> None:
    grounds = governed.intent.meta["grounds"]
    assert (grounds["purpose"], grounds["lawful_basis"]) == ("answer-customers", "6-1-b")
    assert grounds["lawful_basis_iri"] == "https://w3id.org/dpv/legal/eu/gdpr#A6-1-b"
    assert grounds["recipient"]["name"] == "LLM GmbH"
    assert grounds["recipient"]["contract"] == "DPA-2026-014"
    assert grounds["data_categories"] == ["contact", "financial"]
    (started,) = entries_of(gateway, kind="config")
    assert started.meta["policy"] == grounds["policy"], "the record points to the configuration in force"
    assert started.meta["digest"] == gateway.digest
    assert governed.intent.meta["verdict"]["outcome"] == "permit"


def test_what_was_done_to_the_data(governed: Governed) -> None:
    meta, ended = governed.intent.meta, governed.outcome.meta
    assert meta["masking"]["profile"] == "careful"
    assert meta["masking"]["operators"] == {"EMAIL": "replace", "PHONE": "replace", "PAYMENT_CARD": "redact"}
    assert meta["spans"] == {"EMAIL": 1, "PHONE": 1, "PAYMENT_CARD": 1}
    assert ended["profile"] == "redact"
    assert ended["spans"] == {"EMAIL": 2, "IBAN": 2}, "two choices"
    assert (meta["not_inspected"], ended["not_inspected"]) == (0, 0)


def test_the_four_digests_are_those_of_the_bytes(governed: Governed) -> None:
    meta, ended = governed.intent.meta, governed.outcome.meta
    assert (meta["received_sha256"], meta["received_b"]) == digest(governed.sent)
    assert (meta["forwarded_sha256"], meta["forwarded_b"]) == digest(governed.forwarded)
    assert (ended["received_sha256"], ended["received_b"]) == digest(governed.answered)
    assert (ended["released_sha256"], ended["released_b"]) == digest(governed.released)


def test_the_recorded_request_is_masked_and_gives_both_bodies(governed: Governed) -> None:
    part, originals = governed.intent.parts["request"], governed.intent.parts["request-originals"]
    for value in CLIENT_DATA:
        assert value not in part.decode()
        assert value in originals.decode()
    (body,) = cuts(part, originals)
    assert body.forwarded().encode() == governed.forwarded
    assert json.loads(body.received()) == json.loads(governed.sent)


def test_the_recorded_answer_is_masked_and_gives_what_was_released(governed: Governed) -> None:
    part, originals = governed.outcome.parts["answer"], governed.outcome.parts["answer-originals"]
    for value in (EMAIL, IBAN):
        assert value not in part.decode()
        assert value in originals.decode()
    assert "".join(cut.forwarded() for cut in cuts(part, originals)).encode() == governed.released


def test_the_entries_name_each_other(governed: Governed) -> None:
    meta, ended = governed.intent.meta, governed.outcome.meta
    assert meta["exchange"] == ended["exchange"]
    assert (governed.intent.kind, governed.outcome.kind) == ("intent", "outcome")
    assert (governed.outcome.state, governed.outcome.outcome) == ("outcome_recorded", "answered")
    assert ended["status"] == 200
    assert governed.outcome.ts >= governed.intent.ts


def test_the_leaves_say_nothing_of_anybody(governed: Governed) -> None:
    for leaf in (governed.intent.leaf, governed.outcome.leaf):
        text = leaf.decode("latin-1")
        for value in (*CLIENT_DATA, EMAIL, IBAN, "support-desk", "customer-17", "answer-customers"):
            assert value not in text


def test_the_log_verifies(governed: Governed, gateway: GatewayProcess) -> None:
    assert governed.outcome.kind == "outcome"
    gateway.lawgate("verify")


def test_show_tells_it_masked(governed: Governed, gateway: GatewayProcess) -> None:
    shown = gateway.lawgate("records show", "--json", governed.intent.meta["exchange"]).stdout
    view: dict[str, Any] = json.loads(shown)
    assert view["outcome"] == "answered"
    assert "[PAYMENT_CARD]" in view["bodies"]["request"]["text"]
    for value in (*CLIENT_DATA, EMAIL, IBAN):
        assert value not in shown
    about = [entry for entry in entries_of(gateway, governed.intent.meta["exchange"]) if entry.kind == "access"]
    assert about, "a read is an entry"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("purpose", "asked", "answered"),
    [
        ("without-originals", {"meta", "request"}, {"meta", "answer"}),
        ("without-bodies", {"meta"}, {"meta"}),
    ],
)
def test_less_is_kept_where_the_purpose_says_so(
    gateway: GatewayProcess, model: ModelServer, purpose: str, asked: set[str], answered: set[str], *, stream: bool
) -> None:
    key = gateway.new_key(purpose)
    answer = curl(
        "-N",
        f"{gateway.data_url}/llm/v1/chat/completions",
        "-H",
        f"x-api-key: {key}",
        "-H",
        "content-type: application/json",
        "-d",
        chat_json(f"I am {MAIL}.", stream=stream),
    )
    assert answer.status == 200
    intent, outcome = entries_of(gateway, answer.exchange)
    assert set(intent.parts) == asked
    assert set(outcome.parts) - {"answer"} == answered - {"answer"}
    kept = b"".join([*intent.parts.values(), *outcome.parts.values()]).decode()
    for value in (*CLIENT_DATA, EMAIL, IBAN):
        assert value not in kept
    if purpose == "without-bodies":
        assert "I am" not in kept
        assert "You wrote" not in kept
    seen = model.of(answer.exchange)
    assert (intent.meta["forwarded_sha256"], intent.meta["forwarded_b"]) == digest(seen.body)
    assert (outcome.meta["released_sha256"], outcome.meta["released_b"]) == digest(answer.body)


def test_a_refusal_before_anyone_is_known_leaves_a_count_and_no_entry(gateway: GatewayProcess) -> None:
    before = len(entries_of(gateway))
    for _ in range(5):
        answer = curl(f"{gateway.data_url}/llm/v1/models")
        assert (answer.status, answer.json["error"]["code"]) == (401, "credential_missing")
        assert entries_of(gateway, answer.exchange) == []
    assert len(entries_of(gateway)) - before <= 1
    assert 'code="credential_missing"' in curl(f"{gateway.control_url}/metrics").body.decode()


def test_counts_become_entries_at_the_end(gateway_alone: GatewayProcess) -> None:
    with gateway_alone:
        for _ in range(7):
            assert curl(f"{gateway_alone.data_url}/llm/v1/models").status == 401
        with socket.create_connection(("127.0.0.1", gateway_alone.data_port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    floods = entries_of(gateway_alone, kind="refusals")
    assert len(floods) == 2, "one for each cause"
    leaves = b"".join(entry.leaf for entry in floods)
    assert b'"n":7' in leaves
    gateway_alone.lawgate("verify")


@pytest.fixture
def gateway_alone(tmp_path: Any) -> GatewayProcess:
    """One that knows no issuer and reaches nobody."""
    from tests.gateway_process import PREAMBLE

    text = """
connections:
  llm: {protocol: openai, upstream: "http://127.0.0.1:1/v1", recipient: {name: L, role: internal, country: DE}}
purposes:
  p: {title: T, allow: {connections: [llm]}, lawful_basis: 6-1-b}
"""
    return GatewayProcess(tmp_path / "alone", PREAMBLE + text)
