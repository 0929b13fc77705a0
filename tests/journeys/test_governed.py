"""Requests that pass: what the upstream sees, what the client sees, what the record holds."""

import json
from dataclasses import replace

import pytest

from lawgate.domain.processing import RecordLevel
from tests.simulator import (
    ANNA,
    CARD,
    EMAIL,
    LLM,
    MASKED,
    METADATA,
    START,
    SUPPORT,
    Answer,
    Gate,
    World,
)

OTHER = replace(SUPPORT, name="train-staff", title="Train staff")
ORIGIN = "https://app.example"


def chat(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


async def test_a_governed_request(world: World) -> None:
    world.upstream.answers = [Answer([json.dumps({"id": "x", "reply": f"wrote to {EMAIL}"}).encode()])]
    client = await world.answer_to(chat(f"Write to {EMAIL}"))
    assert world.transcript == ["intent durable", "upstream asked", "outcome durable", "client 200"]
    assert client.json == {"id": "x", "reply": "wrote to <EMAIL>"}
    (asked,) = world.upstream.asked
    assert json.loads(asked.body) == chat("Write to <EMAIL>")
    assert client.fields[b"lawgate-exchange-id"].decode() == client.exchange
    assert asked.fields[b"lawgate-exchange-id"].decode() == client.exchange


async def test_the_record_says_who_why_what_and_how_it_ended(world: World) -> None:
    world.upstream.answers = [Answer([json.dumps({"reply": EMAIL}).encode()])]
    world.recorder.gates["outcome"] = gate = Gate()
    client = world.ask(chat(f"Pay {CARD}"))
    await gate.arrived()
    world.now = START + 1.5
    gate.open()
    await client.ended()
    intent, outcome = world.meta("intent"), world.meta("outcome")
    assert (intent["exchange"], intent["caller"]["subject"], intent["model"]) == (client.exchange, "anna", "m")
    assert intent["grounds"]["lawful_basis_iri"].endswith("#A6-1-b")
    assert intent["spans"] == {"PAYMENT_CARD": 1}
    assert intent["masking"]["operators"] == {"PAYMENT_CARD": "replace"}
    assert (outcome["outcome"], outcome["status"], outcome["spans"]) == ("answered", 200, {"EMAIL": 1})
    assert json.loads(world.parts("intent")["request-originals"]) == [CARD]
    assert world.recorder.drafts[1].public == {"re": outcome["intent"]}
    assert world.metrics.exchanges == {("llm", "answered", "-"): 1}


@pytest.mark.parametrize(
    ("level", "kept"), [(MASKED, {"meta", "request"}), (METADATA, {"meta"})], ids=["masked", "metadata"]
)
async def test_a_purpose_decides_how_much_is_kept(world: World, level: RecordLevel, kept: set[str]) -> None:
    world.configure(purposes=[replace(SUPPORT, record=level)])
    await world.answer_to(chat(EMAIL))
    assert set(world.parts("intent")) == kept
    assert EMAIL.encode() not in b"".join(world.parts("intent").values())


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_request_without_a_body(world: World, method: str) -> None:
    world.upstream.answers = [Answer([b'{"data": []}'] if method != "HEAD" else [])]
    client = await world.answer_to(method=method, path="/llm/v1/models?limit=2")
    assert client.status == 200
    (asked,) = world.upstream.asked
    assert (asked.method, asked.path, asked.body) == (method, "/v1/models?limit=2", b"")
    assert client.body == (b"" if method == "HEAD" else b'{"data": []}')


async def test_the_head_of_a_stream_has_no_last_event_to_miss(world: World) -> None:
    world.upstream.answers = [Answer([], content_type="text/event-stream")]
    client = await world.answer_to(method="HEAD", path="/llm/v1/models")
    assert (client.status, client.body) == (200, b"")


async def test_an_answer_without_content_is_an_answer(world: World) -> None:
    world.upstream.answers = [Answer([], status=204, content_type=None)]
    assert (await world.answer_to(chat("hi"))).status == 204


async def test_the_upstreams_own_errors_pass_masked(world: World) -> None:
    world.upstream.answers = [Answer([json.dumps({"error": {"message": f"no {EMAIL}"}}).encode()], status=429)]
    client = await world.answer_to(chat("hi"))
    assert (client.status, client.json) == (429, {"error": {"message": "no <EMAIL>"}})
    assert world.meta("outcome")["status"] == 429


async def test_a_verified_credential_is_not_verified_again(world: World) -> None:
    await world.answer_to(chat("one"))
    world.identifier.gate = Gate()  # whoever asks in full now waits for ever
    assert (await world.answer_to(chat("two"))).status == 200


# ---- purposes and subjects ------------------------------------------------------------------------


async def test_of_several_purposes_the_caller_names_one(world: World) -> None:
    world.configure(purposes=[SUPPORT, OTHER])
    client = await world.answer_to(chat("hi"), lawgate_purpose="train-staff")
    assert client.status == 200
    assert world.meta("intent")["grounds"]["purpose"] == "train-staff"


async def test_a_key_is_bound_to_its_purpose(world: World) -> None:
    world.configure(purposes=[SUPPORT, OTHER])
    world.identifier.known["key"] = replace(ANNA, groups=(), purpose="train-staff")
    assert (await world.answer_to(chat("hi"), token="key")).status == 200
    assert world.meta("intent")["grounds"]["purpose"] == "train-staff"


async def test_an_asserted_subject_is_recorded_and_not_forwarded(world: World) -> None:
    await world.answer_to(chat("hi"), lawgate_subject=f"email={EMAIL}")
    assert world.meta("intent")["subject_asserted"] == f"email={EMAIL}"
    assert world.recorder.drafts[0].index.subject == f"email={EMAIL}"  # the store blinds it
    assert EMAIL.encode() not in b"".join(world.upstream.asked[0].fields.values())


async def test_what_is_observed_is_recorded_and_passes(world: World) -> None:
    from datetime import date

    from lawgate.decide.rule import Condition, Rule
    from lawgate.domain.decision import Outcome
    from lawgate.domain.processing import Observation

    rule = Rule("no mail", Condition(detectors=("EMAIL",)), Outcome.REFUSE)
    world.configure(rules=[rule], observe=Observation(date(2099, 1, 1)))
    assert (await world.answer_to(chat(EMAIL))).status == 200
    verdict = world.meta("intent")["verdict"]
    assert (verdict["observed"], verdict["matches"]) == (True, [["no mail", "refuse", False]])


# ---- what passes unread ---------------------------------------------------------------------------

UNREAD = replace(LLM, allow_not_inspected=("image/png", "application/json"))


async def test_a_type_that_may_pass_unread_is_stamped_on_the_record(world: World) -> None:
    world.configure(connection=UNREAD)
    world.upstream.answers = [Answer([b"\x89PNG\r\n"], content_type="image/png")]
    client = await world.answer_to(b"\x89PNG", content_type="image/png")
    assert (client.body, world.upstream.asked[0].body) == (b"\x89PNG\r\n", b"\x89PNG")
    assert (world.meta("intent")["not_inspected"], world.meta("outcome")["not_inspected"]) == (1, 1)
    assert json.loads(world.parts("intent")["request"]) == {"base64": "iVBORw=="}


async def test_what_passes_unread_keeps_its_coding(world: World) -> None:
    """Bytes whose coding is lost are no use to anyone, and no longer what the record says."""
    world.configure(connection=UNREAD)
    world.upstream.answers = [Answer([b"\x1f\x8b"], fields=[(b"content-encoding", b"gzip")])]
    client = await world.answer_to(b"\x1f\x8b", content_encoding="gzip")
    assert world.upstream.asked[0].fields[b"content-encoding"] == b"gzip"
    assert client.fields[b"content-encoding"] == b"gzip"


# ---- browsers -------------------------------------------------------------------------------------


async def test_a_preflight_is_answered_here(world: World) -> None:
    world.configure(connection=replace(LLM, cors_origins=(ORIGIN,)))
    client = await world.answer_to(method="OPTIONS", token=None, origin=ORIGIN, access_control_request_method="POST")
    assert client.status == 204
    assert client.fields[b"access-control-allow-origin"].decode() == ORIGIN
    assert world.transcript == ["client 204"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example"])
async def test_another_origin_gets_no_leave(world: World, origin: str) -> None:
    world.configure(connection=replace(LLM, cors_origins=(ORIGIN,)))
    preflight = await world.answer_to(method="OPTIONS", token=None, origin=origin)
    answer = await world.answer_to(chat("hi"), origin=origin)
    assert (preflight.status, answer.status) == (401, 200)
    assert not any(name.startswith(b"access-control") for name in {*preflight.fields, *answer.fields})


async def test_a_page_may_read_answers_and_refusals(world: World) -> None:
    world.configure(connection=replace(LLM, cors_origins=(ORIGIN,)))
    for token, status in (("anna", 200), ("nobody", 401)):
        client = await world.answer_to(chat("hi"), token=token, origin=ORIGIN)
        assert client.status == status
        assert client.fields[b"access-control-allow-origin"].decode() == ORIGIN


async def test_two_exchanges_at_once_do_not_meet(world: World) -> None:
    first_gate = world.recorder.gates["intent"] = Gate()
    first = world.ask(chat("one"))
    await first_gate.arrived()
    world.recorder.gates.clear()
    second = await world.answer_to(chat("two"))
    assert second.status == 200
    assert first.status is None
    first_gate.open()
    assert (await first.ended()).status == 200
