import json
from typing import Any

import pytest

from lawgate.domain.errors import Code, RefusedError
from lawgate.domain.message import Direction
from lawgate.domain.processing import MaskProfile
from lawgate.exchange.content import Inspection, inspect, withheld_members
from lawgate.wire.content_type import ContentKind
from lawgate.wire.generic import GenericWire
from lawgate.wire.openai import OpenAiWire
from tests.masking_world import CARD, EMAIL, IBAN, KEEP, REPLACE, break_detection


def read(body: bytes, kind: ContentKind = ContentKind.JSON, **options: Any) -> Inspection:
    found = inspect(body, kind, options.pop("masker", REPLACE), **options)
    assert found.cut.received().encode() == body
    assert found.cut.forwarded().encode() == found.forward
    return found


def refused(
    body: bytes, kind: ContentKind = ContentKind.JSON, direction: Direction = Direction.REQUEST
) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        inspect(body, kind, REPLACE, direction)
    return caught.value


def test_a_body_without_personal_data_is_forwarded_as_it_came() -> None:
    body = b'{ "model":"m", "n":1.0,"messages":[{"role":"user","content":"hi \\u00e9"}] }\n'
    found = read(body)
    assert found.forward is body
    assert found.counts == {}
    assert found.document["model"] == "m"


def test_a_body_is_masked_and_counted_and_can_be_rebuilt() -> None:
    found = read(json.dumps({"input": [EMAIL, EMAIL, IBAN], "n": int(CARD)}).encode())
    assert found.counts == {"EMAIL": 2, "IBAN": 1, "PAYMENT_CARD": 1}
    assert EMAIL not in found.cut.text
    assert CARD.encode() not in found.forward


def test_keeping_finds_everything_and_changes_nothing() -> None:
    body = json.dumps({"input": f"é {EMAIL}"}).encode()
    found = read(body, masker=KEEP)
    assert found.forward is body
    assert found.counts == {"EMAIL": 1}
    assert EMAIL not in found.cut.text


def test_the_text_around_spans_holds_no_span() -> None:
    found = read(json.dumps({EMAIL: [EMAIL, {"arguments": json.dumps({"to": EMAIL})}]}).encode())
    assert found.counts == {"EMAIL": 3}
    assert "example" not in found.cut.text


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b"{} {}",
        b'{"a":1}\x00',
        b"\xef\xbb\xbf{}",
        '{"a":"x"}'.encode("utf-16"),
        '{"a":"x"}'.encode("utf-16-le"),
        '{"a":"é"}'.encode("latin-1"),
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\xaf"}',
        b"[" * 65 + b"]" * 65,
        b"[" * 1_000_000,
        b"hello",
        b" ",
        b'{"a":"\n"}',
    ],
)
@pytest.mark.parametrize("direction", list(Direction))
def test_what_is_not_json_is_refused(body: bytes, direction: Direction) -> None:
    refusal = refused(body, direction=direction).refusal
    assert (
        refusal.code is {Direction.REQUEST: Code.BODY_UNREADABLE, Direction.ANSWER: Code.ANSWER_UNREADABLE}[direction]
    )


def test_no_refusal_repeats_the_body() -> None:
    for body in (f'{{"a":"{EMAIL}"', f'"{EMAIL}" x', f'{{"{EMAIL}"}}'):
        refusal = refused(body.encode()).refusal
        assert EMAIL not in f"{refusal}"


def test_lone_surrogates_pass_and_stay() -> None:
    body = rb'{"a":"\ud800 anna@example.de \udc00"}'
    assert read(body).forward == rb'{"a":"\ud800 <EMAIL> \udc00"}'


def test_a_detector_that_raises_refuses_and_says_nothing_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    break_detection(monkeypatch, "boom")
    refusal = refused(b'{"a":"boom 1 anna@example.de"}').refusal
    assert (refusal.code, refusal.detail) == (Code.DETECTION_FAILED, "RuntimeError")
    assert "boom" not in refusal.message


def test_plain_text_is_read_whole() -> None:
    found = read(f"Hello\n{EMAIL}\n".encode(), ContentKind.TEXT)
    assert found.forward == b"Hello\n<EMAIL>\n"
    assert found.document is None


def test_each_line_of_json_lines_is_read() -> None:
    body = f'{{"a":"{EMAIL}"}}\r\n\n["\\u0040","{EMAIL}"]'.encode()
    assert read(body, ContentKind.NDJSON).forward == b'{"a":"<EMAIL>"}\r\n\n["\\u0040","<EMAIL>"]'
    assert refused(b'{}\n{"a":\n1}', ContentKind.NDJSON).refusal.code is Code.BODY_UNREADABLE


@pytest.mark.parametrize("kind", [ContentKind.UNKNOWN, ContentKind.EMPTY, ContentKind.SSE])
def test_what_cannot_be_read_whole_is_refused(kind: ContentKind) -> None:
    assert refused(b"x", kind).refusal.code is Code.CONTENT_TYPE_UNSUPPORTED


@pytest.mark.parametrize("kind", list(ContentKind))
def test_a_body_without_bytes_is_of_any_kind(kind: ContentKind) -> None:
    assert read(b"", kind).forward == b""


def test_strings_that_were_not_read_are_counted() -> None:
    body = json.dumps({"image_url": {"url": "data:image/png;base64,AAAA"}, "audio": "A" * 300}).encode()
    found = read(body)
    assert (found.not_inspected, found.forward) == (2, body)


def test_an_answers_log_probabilities_are_withheld_when_anything_is_masked() -> None:
    wire = OpenAiWire()
    body = json.dumps({"id": CARD, "choices": [{"logprobs": {"content": [{"token": EMAIL}]}}]}).encode()
    withhold = withheld_members(wire, MaskProfile("p", "redact"))
    found = read(body, direction=Direction.ANSWER, skip=wire.skip, withhold=withhold)
    assert json.loads(found.forward) == {"id": CARD, "choices": [{"logprobs": None}]}
    assert found.counts == {"WITHHELD": 1}
    assert "token" not in found.cut.text


def test_nothing_is_withheld_when_everything_is_kept() -> None:
    assert withheld_members(OpenAiWire(), None) == frozenset()
    assert withheld_members(OpenAiWire(), MaskProfile("p", "keep")) == frozenset()
    assert "logprobs" in withheld_members(GenericWire(), MaskProfile("p", "hmac"))


def test_an_embedding_passes_with_all_its_digits() -> None:
    vector = [(-1) ** index * 0.0123456789012345 / (index + 1) for index in range(1536)]
    body = json.dumps({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}]}).encode()
    assert read(body, direction=Direction.ANSWER).forward is body
