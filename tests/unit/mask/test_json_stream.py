import json

import pytest

from lawgate.domain.message import apply
from lawgate.mask import json_stream
from lawgate.mask.json_stream import HeldTooLongError, JsonStream, Pieces, raw_pieces, spliced
from lawgate.mask.json_walk import json_edits
from tests.masking_world import CARD, EMAIL, KEEP, PHONE, REPLACE


def forwarded(pieces: Pieces) -> str:
    return "".join(piece if isinstance(piece, str) else piece.replacement for piece in pieces)


def after(text: str, size: int) -> str:
    stream = JsonStream(REPLACE)
    out = "".join(forwarded(stream.push(text[at : at + size])) for at in range(0, len(text), size))
    out += forwarded(stream.flush())
    assert not stream.held
    return out


ARGUMENTS = [
    json.dumps({"to": EMAIL, "phone": PHONE, "n": int(CARD), "x": [1, -2.5, True, None, "user"]}),
    json.dumps({"body": json.dumps({"to": EMAIL, "list": [json.dumps(["030 901820"])]}), "data": "A" * 300}),
    json.dumps({EMAIL: {"a b": [[], {}, ""]}, "text": 'line 1\nline "2"\t\u00e9\U0001f600 ' + EMAIL}),
    '{"to":"anna\\u0040example.de","s":"\\ud83d\\ude00\\ud800 x","t":"\\/\\\\"}',
    ' [ "x" , {"phone" : [ "030 901820" ] } ]\n',
    '{"url":"data:text/plain,anna@example.de","note":"data: see ' + EMAIL + '"}',
    '"anna\\u0040example.de"',
    "[]",
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize("text", ARGUMENTS)
def test_pieces_of_any_size_give_the_masked_whole(text: str, size: int) -> None:
    whole = apply(text, json_edits(text, REPLACE).edits)
    assert json.loads(after(text, size)) == json.loads(whole)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    "text",
    [
        f"mail {EMAIL} now",
        f'{{"to": {EMAIL}}}',
        f'{{"to" "{EMAIL}"}}',
        f'{{"to":"{EMAIL}"}} and {EMAIL}',
        f'{{"to":"x\n{EMAIL}"}}',
        f'{{"to":"\\x {EMAIL}"}}',
        f'{{"n": 1 {CARD}}}',
        f'{{"n": 1-2- {EMAIL}}}',
        f'["x",] {EMAIL}',
        "[" * 100 + f'"{EMAIL}"',
        f"}} {EMAIL}",
    ],
)
def test_text_that_is_not_json_is_still_masked_and_none_is_lost(text: str, size: int) -> None:
    out = after(text, size)
    assert EMAIL not in out
    assert CARD not in out
    assert out.replace("<EMAIL>", EMAIL).replace("<PAYMENT_CARD>", CARD) == text


@pytest.mark.parametrize("text", ARGUMENTS)
def test_a_text_cut_off_anywhere_is_masked_as_far_as_it_goes(text: str) -> None:
    for end in range(len(text)):
        assert "example.de" not in after(text[:end], 3) or "data:" in text
        assert CARD not in after(text[:end], 3)


def test_ordinary_text_is_not_held_to_the_end_of_its_string() -> None:
    stream = JsonStream(REPLACE)
    out = forwarded(stream.push('{"text":"The quick brown fox jumps over the lazy dog and then'))
    assert out.startswith('{"text":"The quick brown fox jumps over the lazy')
    assert stream.held


def test_names_are_context_for_what_is_under_them() -> None:
    assert "901820" not in after('{"phone":"030 901820"}', 4)
    assert "901820" in after('{"other":"030 901820"}', 4)


def test_what_was_not_read_is_counted() -> None:
    stream = JsonStream(REPLACE)
    stream.push(json.dumps({"url": "A" * 300}))
    assert stream.not_inspected == 1


def test_what_must_be_held_whole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "HELD_LENGTH_MAX", 100)
    stream = JsonStream(REPLACE)
    stream.push('{"x":"')
    stream.push("A" * 100)
    with pytest.raises(HeldTooLongError):
        stream.push("A")


def test_keeping_changes_no_value() -> None:
    stream = JsonStream(KEEP)
    text = ARGUMENTS[0]
    assert json.loads(forwarded(stream.push(text)) + forwarded(stream.flush())) == json.loads(text)


def test_pieces_are_escaped_for_the_string_they_go_into() -> None:
    edits = REPLACE.edits(f'"{EMAIL}"')
    pieces = raw_pieces(spliced(f'"{EMAIL}"', edits))
    assert forwarded(pieces) == '\\"<EMAIL>\\"'


def test_a_long_opaque_string_in_small_pieces_takes_time_in_proportion() -> None:
    stream = JsonStream(REPLACE)
    out = stream.push('{"x":"')
    for _ in range(50_000):
        out += stream.push("AbC1")
    out += stream.push('"}')
    assert forwarded(out) == '{"x":"' + "AbC1" * 50_000 + '"}'
    assert stream.not_inspected == 1
