import json

import pytest

from lawgate.domain.json_text import PIECE
from lawgate.exchange.event_plan import plan
from lawgate.exchange.event_template import Template, template
from lawgate.exchange.tracks import Track
from lawgate.wire.openai import OpenAiWire
from lawgate.wire.sse import Event, event
from lawgate.wire.tracks import TrackKind
from tests.masking_world import REPLACE, chunk, sse

WIRE = OpenAiWire()
TRACK = Track(REPLACE, TrackKind.TEXT, "content", ())


def learnt(read: Event) -> Template:
    made = plan(read.data, WIRE, "", frozenset())
    found = template(read, made, PIECE.findall(read.data), dict.fromkeys(made.slots, TRACK))
    assert found is not None
    return found


TEMPLATE = learnt(event(chunk({"content": "x"})))


@pytest.mark.parametrize("text", ["", "Hello", " é\U0001f600", "\n\t"])
def test_an_event_that_differs_in_its_text_fits(text: str) -> None:
    read = event(chunk({"content": text}))
    filled = TEMPLATE.fit(read)
    assert filled is not None
    track, path, start, end, piece = filled[0]
    assert (track, path, piece) == (TRACK, ("choices", 0, "delta", "content"), text)
    assert json.loads(f'"{read.data[start:end]}"') == text


def test_strings_that_pass_unread_may_differ() -> None:
    read = event(chunk({"content": "x"}).replace(b"chatcmpl-1", b"chatcmpl-2"))
    assert TEMPLATE.fit(read) is not None


@pytest.mark.parametrize(
    "other",
    [
        chunk({"content": 'say "x"'}),
        chunk({"content": "back\\"}),
        chunk({"content": "x"}, "stop"),
        chunk({"content": "x"}, choice=1),
        chunk({"content": "x", "role": "assistant"}),
        chunk({"content": "x"}, usage={"total_tokens": 1}),
        chunk({"content": "x"}).replace(b'"x"', b'"x\x01"'),
        chunk({"content": "x"}).replace(b'"x"', b'"\\x"'),
        chunk({"content": "x"}).replace(b'"x"', b'"x","content":"y"'),
        chunk({"content": "x"}).replace(b"gpt-4o", b"gpt-4p"),
        chunk({"content": "x"}).replace(b"}\n\n", b"} \n\n"),
        chunk({"content": "x"}).replace(b"data: ", b"event: done\ndata: "),
        chunk({"content": "x"})[:-8] + b"\n\n",
        sse({}),
        b'data: {"id":"\n\n',
    ],
)
def test_what_differs_in_anything_else_does_not_fit(other: bytes) -> None:
    assert TEMPLATE.fit(event(other)) is None


def test_without_a_track_there_is_no_template() -> None:
    read = event(chunk({}))
    assert template(read, plan(read.data, WIRE, "", frozenset()), PIECE.findall(read.data), {}) is None


@pytest.mark.parametrize("text", ["y", "", " é", 'say "x"', "back\\", "\n", 'x","content":"y', '"', "}"])
def test_what_fitted_last_changes_nothing(text: str) -> None:
    read = event(chunk({"content": "first"}))
    fresh, used = learnt(read), learnt(read)
    assert used.fit(event(chunk({"content": "last"}))) is not None
    for raw in (chunk({"content": text}), chunk({"content": "last"}).replace(b"last", text.encode())):
        for other in (raw, raw.replace(b"chatcmpl-1", b"chatcmpl-2")):
            assert used.fit(event(other)) == fresh._read(event(other).data)


def test_a_hole_is_not_found_where_its_surroundings_overlap() -> None:
    used = learnt(Event('{"content":"a"}', "", '{"content":"a"}', ""))
    assert used.fit(Event('{"content":"b"}', "", '{"content":"b"}', "")) is not None
    assert used.fit(Event('{"content":"}', "", '{"content":"}', "")) is None
