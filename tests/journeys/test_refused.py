"""Requests that do not pass: the caller learns why, the record says so, and the upstream is not asked."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from lawgate.decide.rule import Condition, Rule
from lawgate.domain.decision import Outcome
from lawgate.domain.errors import Code, refuse
from lawgate.domain.processing import Protocol, Recipient, RecipientRole
from tests.masking_world import break_detection
from tests.simulator import ANNA, EMAIL, LLM, SUPPORT, World

HELLO = {"messages": [{"content": "hello"}]}
RECORDED = ["refusal durable"]
"""How every refusal of an identified caller begins."""


def json_of(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


# ---- before anyone is identified ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"token": None}, "credential_missing"),
        ({"token": "stranger"}, "credential_invalid"),
        ({"token": None, "authorization": "Basic YTpi"}, "credential_invalid"),
        ({"x_api_key": "another"}, "credential_invalid"),
    ],
)
async def test_strangers_are_counted_and_leave_no_entry(world: World, headers: dict[str, str], code: str) -> None:
    client = await world.answer_to(HELLO, **headers)
    assert (client.status, client.code) == (401, code)
    assert world.transcript == ["client 401"]
    assert world.counted == 1
    assert world.metrics.exchanges == {("-", "refused", code): 1}


async def test_a_flood_of_strangers_is_one_entry(world: World) -> None:
    for _ in range(50):
        await world.answer_to(HELLO, token=None)
    assert world.counted == 50
    assert world.recorder.drafts == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (refuse(Code.IDENTITY_UNAVAILABLE, "Try again."), 503, "identity_unavailable"),
        (RuntimeError(f"a bug that quotes {EMAIL}"), 500, "internal"),
    ],
)
async def test_what_goes_wrong_in_identification_refuses(
    world: World, fault: Exception, status: int, code: str
) -> None:
    world.identifier.known["anna"] = fault
    client = await world.answer_to(HELLO)
    assert (client.status, client.code) == (status, code)
    assert EMAIL.encode() not in client.body
    assert world.counted == 1


# ---- afterwards -----------------------------------------------------------------------------------


async def refused(world: World, body: object = HELLO, **options: str) -> tuple[int | None, str]:
    """The answer to a request that must be recorded as refused, and nothing else."""
    client = await world.answer_to(body, **options)
    assert world.of(client) == [*RECORDED, f"client {client.status}"]
    meta = world.meta("refusal")
    assert (meta["exchange"], meta["outcome"], meta["code"]) == (client.exchange, "refused", client.code)
    assert {part.label for part in world.recorder.drafts[-1].parts} == {"meta"}, "a refusal keeps no body"
    return client.status, client.code


async def test_a_connection_that_is_not_there(world: World) -> None:
    assert await refused(world, path="/other/v1/chat/completions") == (404, "connection_unknown")


@pytest.mark.parametrize(
    ("groups", "code"), [(None, "groups_unknown"), ((), "purpose_none"), (("sales",), "purpose_none")]
)
async def test_a_caller_whom_no_purpose_allows(world: World, groups: tuple[str, ...] | None, code: str) -> None:
    world.identifier.known["anna"] = replace(ANNA, groups=groups)
    assert await refused(world) == (403, code)


async def test_of_several_purposes_one_must_be_named(world: World) -> None:
    world.configure(purposes=[SUPPORT, replace(SUPPORT, name="train-staff")])
    assert await refused(world) == (403, "purpose_required")
    assert await refused(world, lawgate_purpose="spy") == (403, "purpose_not_allowed")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "body_unreadable"),
        (b'{"a": "\xff"}', {}, 400, "body_unreadable"),
        (json_of(65), {}, 400, "body_unreadable"),
        (b"<a/>", {"content_type": "text/xml"}, 415, "content_type_unsupported"),
        (b"\x1f\x8b", {"content_encoding": "gzip"}, 415, "content_type_unsupported"),
        (b"{}", {"content_type": "application/json; charset=utf-16"}, 415, "content_type_unsupported"),
        (b"{}", {"content_type": ""}, 415, "content_type_unsupported"),
        (b"data: x\n\n", {"content_type": "text/event-stream"}, 415, "content_type_unsupported"),
        (HELLO, {"lawgate_subject": "s" * 257}, 400, "bad_request"),
        (HELLO, {"method": "OPTIONS"}, 400, "bad_request"),
    ],
)
async def test_what_cannot_be_read_does_not_pass(
    world: World, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    if headers.get("method") == "OPTIONS":
        client = await world.answer_to(body, **headers)
        assert (client.status, client.code) == (status, code)
    else:
        assert await refused(world, body, **headers) == (status, code)
    assert world.upstream.asked == []


@pytest.mark.parametrize(
    "path",
    [
        f"/llm/v1/users/{EMAIL}",
        f"/llm/v1/chat?user={quote(EMAIL, safe='')}",
        "/llm/v1/chat?card=4111+1111+1111+1111",
        f"/llm/v1/chat?{quote(EMAIL)}=1",
    ],
)
async def test_personal_data_in_the_url_is_no_secret_and_refuses(world: World, path: str) -> None:
    assert await refused(world, path=path) == (403, "content_blocked")
    assert EMAIL not in json.dumps(world.meta("refusal"))


@pytest.mark.parametrize("path", ["/llm/v1/a%2fb", "/llm/v1//chat", "/llm/v1/a..b", "/llm/v1/a%2Eb"])
async def test_a_path_that_two_servers_read_differently(world: World, path: str) -> None:
    assert await refused(world, path=path) == (400, "bad_request")


async def test_a_detector_that_raises_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_detection(monkeypatch, EMAIL)
    assert await refused(world, {"content": f"mail {EMAIL}"}) == (503, "detection_failed")


async def test_a_detector_that_raises_over_the_url_refuses_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_detection(monkeypatch, "boom")
    client = await world.answer_to(HELLO, path="/llm/v1/boom")
    assert client.status in {500, 503}
    assert world.of(client) == [*RECORDED, f"client {client.status}"]


async def test_a_rule_refuses_with_its_own_words(world: World) -> None:
    rule = Rule("no mail", Condition(detectors=("EMAIL",)), Outcome.REFUSE, "Send no addresses.")
    world.configure(rules=[rule])
    assert await refused(world, {"content": EMAIL}) == (403, "policy_refused")
    assert world.meta("refusal")["verdict"]["rule"] == "no mail"
    assert world.meta("refusal")["spans"] == {"EMAIL": 1}
    assert (await world.answer_to(HELLO)).status == 200


async def test_a_hold_refuses_until_approvals_exist(world: World) -> None:
    world.configure(rules=[Rule("ask", Condition(), Outcome.HOLD)])
    assert await refused(world) == (403, "approval_unavailable")


async def test_a_transfer_without_a_safeguard(world: World) -> None:
    abroad = replace(LLM, recipient=Recipient("LLM Inc", RecipientRole.PROCESSOR, "US"))
    world.configure(connection=abroad)
    assert await refused(world) == (403, "transfer_not_allowed")


async def test_a_body_that_was_refused_while_it_came(world: World) -> None:
    client = world.ask(awaited_b=10, content_type="application/json")
    await turns()
    assert client.request.intake is not None
    client.request.intake.fail(refuse(Code.REQUEST_TIMEOUT, "Too slow."))
    await client.ended()
    assert (client.status, client.code) == (408, "request_timeout")
    assert world.of(client) == [*RECORDED, "client 408"]


async def test_a_generic_connection_refuses_with_a_problem(world: World) -> None:
    world.configure(connection=replace(LLM, protocol=Protocol.GENERIC))
    client = await world.answer_to(b"{")
    assert client.fields[b"content-type"] == b"application/problem+json"
    assert (client.json["status"], client.json["code"]) == (400, "body_unreadable")


async def turns(number: int = 10) -> None:
    """Let everything that can go on do so."""
    import asyncio

    for _ in range(number):
        await asyncio.sleep(0)
