import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.message import CutText, Mark
from lawgate.exchange.record import encode_cut, opaque_body
from lawgate.operations.masked_body import (
    CLOSE,
    OPEN,
    MaskedBody,
    Span,
    UnreadableBodyError,
    laid_out,
    pieces,
    read_body,
    spoken,
)
from tests.unit.operations.world import ANSWER_CUT, KEPT, ORIGINAL, REQUEST_CUT, STREAM_CUTS


def shown(body: MaskedBody) -> str:
    return "".join(f"[{name}]" if name else piece for piece, name in laid_out(body))


def test_spans_are_named_and_neither_originals_nor_replacements_are_shown() -> None:
    body = read_body(encode_cut(REQUEST_CUT))
    assert body.view() == {
        "text": '{"messages":[{"content":"Write to [EMAIL] or call [PHONE]"}]}',
        "spans": [{"detector": "EMAIL", "operator": "replace"}, {"detector": "PHONE", "operator": "keep"}],
    }


def test_what_was_kept_is_not_in_the_part_and_not_shown() -> None:
    part = encode_cut(REQUEST_CUT)
    assert KEPT.encode() not in part
    assert KEPT in REQUEST_CUT.forwarded(), "or this test shows nothing"
    body = read_body(part)
    assert KEPT not in repr(body) + shown(body) + str(body.view())


def test_json_is_indented_for_reading_and_stays_marked() -> None:
    assert shown(read_body(encode_cut(ANSWER_CUT))) == '{\n  "answer": "I wrote to [EMAIL]"\n}'


def test_windows_join_to_what_was_said() -> None:
    part = b"".join(encode_cut(cut) + b"\n" for cut in STREAM_CUTS)
    body = read_body(part)
    assert (shown(body), body.windows) == ("I wrote to [EMAIL]", 2)
    assert ORIGINAL not in str(body.view())


def test_texts_of_a_stream_are_kept_apart() -> None:
    lines = [
        '{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}',
        '{"choices":[{"index":1,"delta":{"content":"B"}},{"index":0,"delta":{"content":"A"}}]}',
        '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}',
    ]
    text = "".join(f"data: {line}\n\n" for line in lines) + "data: [DONE]\n\ndata: {broken\n\n"
    assert spoken(text) == ["aA", "bB", "{}"]


def test_other_protocols_deltas_are_texts_too() -> None:
    anthropic = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
    responses = 'data: {"type":"response.output_text.delta","delta":"ho"}\n\n'
    assert spoken(anthropic) == ["hi"]
    assert spoken(responses) == ["ho"]


def test_bytes_that_nobody_inspected_are_counted_and_never_shown() -> None:
    body = read_body(opaque_body(b"secret picture of somebody"))
    assert body.view() == {"not_inspected_b": 27}
    assert body.text == ""


def test_of_a_metadata_stream_only_the_size_is_known() -> None:
    assert read_body(b'{"sha256":"aa","b":10}\n{"sha256":"bb","b":5}\n').view() == {"not_inspected_b": 15}


@pytest.mark.parametrize(
    "part",
    [b"not json", b"[]", b'{"text":"a","marks":[[1]]}', b'{"text":"a","marks":[["x","E","r",""]]}', b"\xff", b"{}"],
)
def test_a_part_of_another_form_is_unreadable_and_quotes_nothing(part: bytes) -> None:
    with pytest.raises(UnreadableBodyError) as caught:
        read_body(part)
    assert str(caught.value) == "a recorded body is not in a format that this Lawgate knows"


def test_private_characters_in_a_text_cannot_pass_for_a_mark() -> None:
    body = MaskedBody(f"{OPEN}EMAIL{CLOSE}")
    assert [name for _, name in laid_out(body)] == [""]


def test_deep_json_is_shown_as_it_is() -> None:
    text = "[" * 100_000
    assert shown(MaskedBody(text)) == text


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["EMAIL", "IBAN"])), max_size=6))
def test_pieces_are_the_text_and_every_span_once(text: str, places: list[tuple[int, str]]) -> None:
    spans = tuple(Span(min(at, len(text)), name, "replace") for at, name in sorted(places))
    found = list(pieces(MaskedBody(text, spans)))
    assert "".join(piece for piece, _ in found) == text
    assert [name for _, name in found if name] == [span.detector for span in spans]


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_no_replacement_is_ever_shown(text: str, replacement: str) -> None:
    marked = f"\u2983{replacement}\u2984"
    part = encode_cut(CutText(text.replace(marked, ""), (Mark(0, "EMAIL", "keep", marked),), (marked,)))
    body = read_body(part)
    assert marked not in msgspec.json.encode(body.view()).decode()
    assert marked not in shown(body)
