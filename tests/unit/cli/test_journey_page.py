import re

import pytest

from lawgate.cli.journey_page import BODY_SHOWN_MAX, print_journey
from lawgate.operations.journey import EntryView, Journey, PartView, show_exchange
from lawgate.operations.masked_body import MaskedBody
from lawgate.operations.visit import Visit
from tests.unit.operations.world import NOW, ROOT, World, answered, begun, exchange_id, refused, streamed


def page(world: World, number: int, capsys: pytest.CaptureFixture[str], width: int | None = 80) -> str:
    async def look(visit: Visit) -> Journey:
        return await show_exchange(visit, ROOT, exchange_id(number))

    journey = world.visit(look)
    capsys.readouterr()
    print_journey(journey, NOW + 60, width)
    return capsys.readouterr().out


def test_it_answers_in_the_order_in_which_an_auditor_asks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.record(answered(1))
    text = page(world, 1, capsys)
    titles = re.findall(r"^[A-Z][A-Z ]+[A-Z]", text, re.MULTILINE)
    assert titles == [
        "EXCHANGE", "WHO ASKED", "WHY", "TO WHOM", "DECISION", "MASKING", "REQUEST", "ANSWER", "ENTRIES",
    ]  # fmt: skip
    for said in (
        "Anna (anna)",
        "answer-customers: Draft answers to customers",
        "6-1-b  https://w3id.org/dpv/legal/eu/gdpr#A6-1-b",
        "LLM GmbH, processor, DE, DPA-2026-014",
        "1 EMAIL (replace), 1 PHONE (keep), profile careful",
        "1 EMAIL (redact)",
        '"content": "Write to [EMAIL] or call [PHONE]"',
        "2026-09-21 14:13:20 UTC (1 min ago), took 2000 ms",
    ):
        assert said in text, said
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_stream_is_shown_as_what_was_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.record(streamed(1))
    text = page(world, 1, capsys)
    assert "I wrote to [EMAIL]" in text
    assert "stream of 3 events" in text


def test_a_refusal_has_no_bodies(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.record(refused(1))
    text = page(world, 1, capsys)
    assert "refused, purpose_none" in text
    assert "\nREQUEST" not in text


def test_what_is_under_way_has_no_outcome(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.record(begun(1))
    assert "none yet (intent_recorded)" in page(world, 1, capsys)


def entry(meta: dict[str, object], **bodies: MaskedBody) -> EntryView:
    parts = (PartView("meta", "open"), PartView("answer", "destroyed"))
    return EntryView(None, "intent", NOW, "node-1", 0, "00", parts, meta, bodies)


def test_a_long_body_is_cut_with_a_word_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    body = MaskedBody("x" * (BODY_SHOWN_MAX + 7))
    print_journey(Journey(exchange_id(1), "s", None, None, (entry({}, request=body),), ()), NOW, 80)
    assert "7 more characters; --json has all" in capsys.readouterr().out


def test_bytes_that_nobody_inspected_are_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    body = MaskedBody("", opaque_b=42)
    print_journey(Journey(exchange_id(1), "s", None, None, (entry({}, answer=body),), ()), NOW, 80)
    assert "42 bytes that nobody inspected" in capsys.readouterr().out


def test_records_of_any_shape_are_shown_without_speaking_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;title\x07\u202e"
    meta: dict[str, object] = {
        "caller": {"issuer": evil, "subject": evil, "groups": None, "verified": False, "client": evil},
        "grounds": {"purpose": evil, "title": evil, "law": evil, "recipient": {"name": evil}, "connection": evil},
        "verdict": {"outcome": "permit", "rule": evil, "risk": 3, "factors": [["bulk", 3, evil]], "violations": [evil]},
        "path": evil,
        "model": evil,
        "detail": evil,
        "spans": {},
        "not_inspected": 2,
        "subject_asserted": evil,
    }
    journey = Journey(exchange_id(1), "s", "refused", "c", (entry(meta, request=MaskedBody(evil)),), ())
    print_journey(journey, NOW, 80)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "answer (destroyed)" in out
    assert "nothing found, no profile" in out
