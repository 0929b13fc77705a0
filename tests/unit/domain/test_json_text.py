import json
import re
from itertools import pairwise

import pytest

from lawgate.domain import json_text
from lawgate.domain.json_text import (
    NAME,
    NUMBER,
    STRING,
    JsonDepthError,
    containers,
    decoded,
    escaped,
    leaves,
    paths,
    raw_offsets,
)


def shown(raw: str) -> list[tuple[str, str, int]]:
    return [(raw[start:end], name, kind) for start, end, name, kind, _ in leaves(raw)]


def test_every_leaf_has_the_name_of_the_member_around_it() -> None:
    raw = '{"a":"x","list":["y",{"b":1.5},"z",-2e3],"end":{"c":""}, "t":true}'
    assert shown(raw) == [
        ("a", "a", NAME),
        ("x", "a", STRING),
        ("list", "list", NAME),
        ("y", "list", STRING),
        ("b", "b", NAME),
        ("1.5", "b", NUMBER),
        ("z", "list", STRING),
        ("-2e3", "list", NUMBER),
        ("end", "end", NAME),
        ("c", "c", NAME),
        ("", "c", STRING),
        ("t", "t", NAME),
    ]


def test_names_of_protocols_are_no_leaves_and_others_are() -> None:
    assert shown('{"role":"x","anna@example.de":null}') == [
        ("x", "role", STRING),
        ("anna@example.de", "anna@example.de", NAME),
    ]


def test_repeated_members_are_all_seen() -> None:
    assert [text for text, _, kind in shown('{"content":"a","content":"b","content":3}')] == ["a", "b", "3"]


def test_names_are_decoded() -> None:
    assert shown(r'{"\u0063ontent":"x"}') == [("x", "content", STRING)]


@pytest.mark.parametrize("text", ['"', "\\", '\\"', '\\\\"', '"\\', "a\\", ":", "{", '":"', '","x":"', '"},{"'])
def test_structure_inside_strings_is_text(text: str) -> None:
    raw = json.dumps({"content": text, text: [text, 1]})
    values = [decoded(leaf) for leaf, _, kind in shown(raw) if kind == STRING]
    assert values == [text, text]
    assert [leaf for leaf, _, kind in shown(raw) if kind == NUMBER] == ["1"]


@pytest.mark.parametrize("raw", ['"x"', ' "x" ', "12", " -1.5e3 ", "true", "null", "[]", "{}", '[""]', "[[],{}]"])
def test_any_value_may_stand_alone(raw: str) -> None:
    assert [raw[start:end] for start, end, *_ in leaves(raw)] == re.findall(r'(?<=")[^"]*(?=")|-?[0-9][0-9.e]*', raw)[
        :1
    ]


def test_the_name_of_a_string_that_holds_the_text_is_that_of_its_first_leaves() -> None:
    assert leaves('["030 901820"]', "phone")[0][2] == "phone"


def test_embeddings_are_structure_but_a_number_among_them_is_not() -> None:
    vector = ",".join(["-0.0123", "0.5", "1.2e-05"] * 6)
    raw = f'{{"embedding":[{vector},4111111111111111,{vector},0.25]}}'
    assert [text for text, _, _ in shown(raw)] == ["4111111111111111", "0.25"]


def test_fractions_with_a_positive_exponent_are_numbers() -> None:
    raw = "[" + ",".join(["0.4111111111111111e16"] * 9) + "]"
    assert len(leaves(raw)) == 9


def test_a_short_row_of_fractions_is_read() -> None:
    assert [text for text, _, _ in shown('{"index":[0.5,-0.12]}')] == ["0.5", "-0.12"]


def test_depth_is_bounded_and_the_bound_itself_is_allowed() -> None:
    deep = json_text.DEPTH_MAX
    assert leaves("[" * deep + "1" + "]" * deep)[0][4] == deep
    with pytest.raises(JsonDepthError):
        leaves("[" * (deep + 1) + "]" * (deep + 1))
    with pytest.raises(JsonDepthError):
        paths('{"a":' * (deep + 1) + "1" + "}" * (deep + 1))


def test_paths_have_names_and_positions() -> None:
    raw = '{"choices":[null,{"delta":{"content":"x","tools":[[1],["y"]]}}],"choices":"z"}'
    assert [(path, raw[leaf[0] : leaf[1]]) for path, leaf in paths(raw) if leaf[3] != NAME] == [
        (("choices", 1, "delta", "content"), "x"),
        (("choices", 1, "delta", "tools", 0, 0), "1"),
        (("choices", 1, "delta", "tools", 1, 0), "y"),
        (("choices",), "z"),
    ]


def test_what_is_learnt_holds_no_numbers_and_is_bounded() -> None:
    leaves('{"content":4111111111111111,"a b":["x",4111111111111112]}')
    assert not any(character.isdigit() for known in json_text._known for character in known)
    assert not any("a b" in known for known in json_text._known)


def test_containers_are_the_outermost_under_a_name() -> None:
    raw = '{"logprobs":{"content":[{"logprobs":[1]}]},"x":[{"logprobs":null},{"log\\u0070robs":[]}],"logprobs":"{"}'
    found = containers(raw, frozenset({"logprobs"}))
    assert [raw[start:end] for start, end in found] == ['{"content":[{"logprobs":[1]}]}', "[]"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\u0040b", "a@b"),
        (r"\ud83d\ude00!", "\U0001f600!"),
        (r"\ud83d", "\ud83d"),
        (r"\ude00\ud83d", "\ude00\ud83d"),
        (r"\"\\\/\b\f\n\r\t", '"\\/\b\f\n\r\t'),
        ("plain", "plain"),
    ],
)
def test_strings_are_decoded_with_offsets(raw: str, text: str) -> None:
    assert decoded(raw) == text
    begins = raw_offsets(raw, list(range(len(text) + 1)))
    assert begins[0] == 0
    assert begins[-1] == len(raw)
    assert [decoded(raw[begin:end]) for begin, end in pairwise(begins)] == list(text)


def test_only_what_must_be_is_escaped() -> None:
    assert escaped("é / \u2028 <EMAIL>") == "é / \u2028 <EMAIL>"
    assert escaped('"\\\n\x01\ud800') == '\\"\\\\\\n\\u0001\\ud800'


def test_long_strings_of_escaped_quotes_are_split_in_one_pass() -> None:
    text = '\\"' * 200_000
    assert leaves(f'{{"content":"{text}"}}') == [(12, 12 + len(text), "content", STRING, 1)]
