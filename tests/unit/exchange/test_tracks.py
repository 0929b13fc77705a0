import json
from typing import Any

import pytest

from lawgate.exchange.tracks import Copies, Track, in_data_lines
from lawgate.wire.generic import GenericWire
from lawgate.wire.openai import OpenAiWire
from lawgate.wire.sse import event
from lawgate.wire.tracks import TrackKind
from tests.masking_world import CARD, EMAIL, REPLACE, arguments, chunk, sse


def track(block: bytes, path: tuple[str | int, ...] | None, kind: TrackKind = TrackKind.TEXT) -> Track:
    made = Track(REPLACE, kind, "content", ())
    made.event, made.path = event(block), path
    return made


def copy(block: bytes, path: tuple[str | int, ...], *, generic: bool = False) -> Any:
    pieces = Copies(GenericWire() if generic else OpenAiWire(), REPLACE, lines=False).copy(
        track(block, path), ['say "x"']
    )
    text = "".join(piece if isinstance(piece, str) else piece.replacement for piece in pieces)
    assert text.endswith("\n\n")
    return json.loads(text.partition("data: ")[2])


def test_a_copy_carries_the_text_and_its_place_only() -> None:
    found = copy(chunk({"role": "assistant", "content": "y"}, usage={"n": 1}), ("choices", 0, "delta", "content"))
    assert found["choices"] == [{"index": 0, "logprobs": None, "finish_reason": None, "delta": {"content": 'say "x"'}}]
    assert set(found) == {"id", "object", "created", "model", "choices"}


def test_a_copy_of_a_tool_call_repeats_neither_id_nor_name() -> None:
    delta = arguments("{", id="call_1", type="function")
    delta["tool_calls"][0]["function"]["name"] = "f"
    found = copy(chunk(delta), ("choices", 0, "delta", "tool_calls", 0, "function", "arguments"))
    call = {"index": 0, "type": "function", "function": {"arguments": 'say "x"'}}
    assert found["choices"][0]["delta"] == {"tool_calls": [call]}


def test_a_copy_of_an_unknown_event_keeps_its_plain_members_masked() -> None:
    document = {"a": EMAIL, "n": int(CARD), "t": True, EMAIL: 1, "message": {"role": "r", "content": "y", "x": [EMAIL]}}
    found = copy(sse(document), ("message", "content"), generic=True)
    assert found["a"] == "<EMAIL>"
    assert str(found["n"]) != CARD
    assert set(found) == {"a", "n", "t", "message"}
    assert found["message"] == {"role": "r", "content": 'say "x"'}


def test_a_copy_is_made_even_where_a_repeated_member_hides_the_place() -> None:
    block = b'data: {"message":{"content":"x"},"message":1}\n\n'
    assert copy(block, ("message", "content"), generic=True) == {"message": {"content": 'say "x"'}}


def test_a_copy_keeps_the_name_of_its_event_unless_it_is_personal() -> None:
    copies = Copies(GenericWire(), REPLACE, lines=False)
    assert copies.copy(track(sse({"text": "x"}, "delta"), ("text",)), ["y"])[0] == 'event: delta\ndata: {"text":"'
    assert copies.copy(track(sse({"text": "x"}, EMAIL), ("text",)), ["y"])[0] == 'data: {"text":"'
    assert copies.copy(track(b"event: e\ndata: x\n\n", None), ["a\nb"]) == ["event: e\ndata: ", "a\ndata: b", "\n\n"]


def test_a_copy_of_a_line_is_a_line() -> None:
    pieces = Copies(GenericWire(), REPLACE, lines=True).copy(track(sse({"text": "x"}), ("text",)), ["y"])
    assert "".join(str(piece) for piece in pieces) == '{"text":"y"}\n'


@pytest.mark.parametrize("kind", list(TrackKind))
def test_a_track_begins_anew_after_it_was_flushed(kind: TrackKind) -> None:
    made = Track(REPLACE, kind, "content", ())
    made.stream.push('{"a":"x')
    assert made.flush() != []
    assert not made.stream.held
    assert made.flush() == []


def test_line_feeds_in_pieces_become_lines_of_data() -> None:
    edit = REPLACE.edits(EMAIL)[0]._replace(original="a\nb")
    assert in_data_lines(["x\ny", edit]) == ["x\ndata: y", edit._replace(original="a\ndata: b")]
