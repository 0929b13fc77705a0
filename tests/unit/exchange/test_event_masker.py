import json

import pytest

from lawgate.domain.errors import RefusedError
from lawgate.exchange import event_masker, tracks
from lawgate.exchange.event_masker import EventMasker, MaskedEvent
from lawgate.mask.json_stream import Pieces
from lawgate.wire.generic import GenericWire
from lawgate.wire.openai import OpenAiWire
from lawgate.wire.sse import StreamUnreadableError, event
from tests.masking_world import EMAIL, REPLACE, chunk, sse


def masker(*, generic: bool = False) -> EventMasker:
    wire = GenericWire() if generic else OpenAiWire()
    return EventMasker(wire, REPLACE, wire.withhold, lines=False)


def text(pieces: Pieces) -> str:
    return "".join(piece if isinstance(piece, str) else piece.replacement for piece in pieces)


def read(events: EventMasker, block: bytes) -> str:
    return "".join(text(each.flat()) for each in events.read(event(block)))


@pytest.mark.parametrize(
    "block", [chunk({"content": "x, "}), chunk({}, "stop"), b": c\n\n", b"data: \n\n", b"retry: 9\n\n"]
)
def test_an_event_in_which_nothing_changes_keeps_its_bytes(block: bytes) -> None:
    assert read(masker(generic=block.startswith(b"data: \n")), block).encode() == block


def test_the_quick_way_and_the_full_way_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["Hello, ", "mail an", "na@exam", 'ple.de "now"\n', "tab\there, ", "back\\", " 4111 1111", " 1111 1111 "]
    blocks = [chunk({"content": word}) for word in words * 3]
    quick = masker()
    with_templates = [read(quick, block) for block in blocks]
    assert quick._templates
    monkeypatch.setattr(event_masker, "LEARNED_MAX", 0)
    full = masker()
    assert [read(full, block) for block in blocks] == with_templates
    assert not full._templates


def test_a_changed_member_is_read_after_a_template_was_learnt() -> None:
    events = masker()
    for _ in range(3):
        read(events, chunk({"content": "x, "}))
    assert EMAIL not in read(events, chunk({"content": "x, "}, model=EMAIL))
    assert EMAIL not in read(events, chunk({"content": "x, "}, model=EMAIL))
    assert EMAIL not in read(events, chunk({"content": "x, ", EMAIL: 1}))


def test_a_repeated_track_is_joined_in_the_order_of_the_text() -> None:
    block = b'data: {"choices":[{"index":0,"delta":{"content":"anna@","content":"example.de, "}}]}\n\n'
    assert read(masker(), block) == 'data: {"choices":[{"index":0,"delta":{"content":"","content":"<EMAIL>, "}}]}\n\n'


def test_a_value_is_read_again_when_its_context_changed() -> None:
    events = masker(generic=True)
    read(events, sse({"other": "030 901820"}))
    assert "901820" not in read(events, sse({"phone": "030 901820"}))


def test_a_split_is_looked_for_between_short_values_only_and_not_among_times() -> None:
    events = masker(generic=True)
    read(events, sse({"foo": "anna@exam", "created_at": "4111 1111 1111"}))
    with pytest.raises(RefusedError):
        events.read(event(sse({"foo": "ple.de", "created_at": " 1111"})))
    events = masker(generic=True)
    read(events, sse({"created_at": "4111 1111 1111"}))
    read(events, sse({"created_at": " 1111"}))


def test_plans_and_templates_and_tracks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_masker, "TRACKS_MAX", 20)
    events = masker(generic=True)
    for number in range(20):
        read(events, sse({"index": number, "text": "x"}))
    with pytest.raises(StreamUnreadableError):
        read(events, sse({"index": 20, "text": "x"}))
    events = masker(generic=True)
    for number in range(200):
        read(events, sse({"data": [1] * number}))
    assert len(events._plans) <= event_masker.PLANS_MAX
    assert len(events._templates) <= event_masker.TEMPLATES_MAX
    assert tracks.TRACKS_MAX > 0


def test_no_plan_keeps_a_name_of_the_callers() -> None:
    events = masker()
    read(events, sse({EMAIL: "x", "content": "y, "}))
    assert not any(EMAIL in part for skeleton, _ in events._plans for part in skeleton)


def test_a_masked_event_is_flat_in_order() -> None:
    made = MaskedEvent(["a", ["b", "c"], "d"])
    assert made.flat() == ["a", "b", "c", "d"]


def test_draining_gives_everything_that_is_held() -> None:
    events = masker()
    read(events, chunk({"content": "anna@"}))
    copies = events.drain(None)
    data = text(copies[0].flat()).removeprefix("data: ")
    assert json.loads(data)["choices"][0]["delta"] == {"content": "anna@"}
    assert events.drain(None) == []


def test_a_number_where_a_string_was_is_another_form() -> None:
    events = masker(generic=True)
    read(events, sse({"x": "a", "text": "b, "}))
    assert (
        json.loads(read(events, sse({"x": 4111111111111111, "text": "b, "})).removeprefix("data: "))["x"]
        != 4111111111111111
    )
    json.loads(read(events, sse({"x": "a", "text": 4111111111111111})).removeprefix("data: "))
