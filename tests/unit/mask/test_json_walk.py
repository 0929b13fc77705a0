import json
from typing import Any

import pytest

from lawgate.domain.json_text import DEPTH_MAX, JsonDepthError
from lawgate.domain.message import apply, cut
from lawgate.mask.json_walk import NESTING_MAX, OPAQUE_LENGTH_MIN, json_edits
from lawgate.mask.masker import Masker
from tests.masking_world import CARD, EMAIL, IBAN, KEEP, PHONE, REPLACE


def after(raw: str, masker: Masker = REPLACE, **options: frozenset[str]) -> str:
    found = json_edits(raw, masker, **options)
    assert cut(raw, found.edits).received() == raw
    assert cut(raw, found.edits).forwarded() == apply(raw, found.edits)
    json.loads(apply(raw, found.edits))
    return apply(raw, found.edits)


def test_nothing_but_the_span_changes() -> None:
    raw = f'{{ "n" : 1.50e+1,\n "b":"\\u00e9 {EMAIL}\\t", "a":[ ],"b":"x" }}'
    assert after(raw) == '{ "n" : 1.50e+1,\n "b":"\\u00e9 <EMAIL>\\t", "a":[ ],"b":"x" }'


def test_both_of_repeated_members_are_masked() -> None:
    assert after(f'{{"content":"{EMAIL}","content":"{EMAIL}"}}') == '{"content":"<EMAIL>","content":"<EMAIL>"}'


@pytest.mark.parametrize("raw", [r"anna\u0040example.de", r"ann\u0061@example.de", r"anna@example.\u0064\u0065"])
def test_escapes_hide_nothing(raw: str) -> None:
    assert after(f'{{"content":"mail {raw}"}}') == '{"content":"mail <EMAIL>"}'


def test_escapes_around_a_span_stay() -> None:
    assert after(rf'["\ud83d\ude00\n{EMAIL}\n\ud800"]') == r'["\ud83d\ude00\n<EMAIL>\n\ud800"]'


def test_a_span_over_escapes_is_cut_out_whole() -> None:
    raw = r'["\u0061nna\u0040example\u002ede!"]'
    found = json_edits(raw, REPLACE)
    assert [edit.original for edit in found.edits] == [r"\u0061nna\u0040example\u002ede"]
    assert after(raw) == '["<EMAIL>!"]'


def test_keeping_leaves_even_the_escapes() -> None:
    raw = r'["a\u0040example.de \u00e9"]'
    found = json_edits(raw, KEEP)
    assert [edit.replacement for edit in found.edits] == [r"a\u0040example.de"]
    assert after(raw, KEEP) == raw


@pytest.mark.parametrize("name", [EMAIL, f"to {EMAIL}", EMAIL.replace("@", "\\u0040")])
def test_member_names_are_searched(name: str) -> None:
    assert "<EMAIL>" in after(f'{{"{name}":1,"x":{{"{name}":[true]}}}}')
    assert "example.de" not in after(f'{{"{name}":1,"x":{{"{name}":[true]}}}}')


@pytest.mark.parametrize(
    "document",
    [
        {"messages": [{"role": "system", "content": EMAIL}, {"role": "user", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": EMAIL}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": json.dumps({"to": EMAIL})}}]}]},
        {"messages": [{"role": "tool", "content": json.dumps([json.dumps({"to": [EMAIL]})])}]},
        {"tools": [{"function": {"description": f"ask {EMAIL}", "parameters": {"enum": [EMAIL]}}}]},
        {"user": EMAIL},
        {"model": EMAIL},
        {"metadata": {"ticket": EMAIL}},
        {"input": ["x", EMAIL]},
        {"input": EMAIL},
        {"stop": [EMAIL]},
        {"nobody has heard of this": {"deep": [[[{"x": EMAIL}]]]}},
    ],
)
def test_personal_data_anywhere_in_a_request_is_masked(document: Any) -> None:
    forwarded = after(json.dumps(document))
    assert "example.de" not in forwarded
    assert "<EMAIL>" in forwarded


def test_json_in_a_string_in_a_string_stays_json_at_every_level() -> None:
    inner = json.dumps({"to": EMAIL, "text": 'say "hi"\n\u00e9', "n": int(CARD)})
    raw = json.dumps({"arguments": json.dumps({"body": inner})})
    outer = json.loads(after(raw))
    nested = json.loads(json.loads(outer["arguments"])["body"])
    assert nested["to"] == "<EMAIL>"
    assert nested["text"] == 'say "hi"\n\u00e9'
    assert str(nested["n"]) != CARD


def test_an_escape_inside_nested_json_hides_nothing() -> None:
    raw = json.dumps({"arguments": r'{"to":"anna\u0040example.de"}'})
    assert json.loads(json.loads(after(raw))["arguments"]) == {"to": "<EMAIL>"}


def test_a_string_literal_inside_a_string_hides_nothing() -> None:
    raw = json.dumps({"content": r'"anna\u0040example.de"'})
    assert json.loads(after(raw)) == {"content": '"<EMAIL>"'}


def test_text_that_only_looks_like_json_is_read_as_text() -> None:
    raw = json.dumps({"content": f"[1] see {EMAIL}", "x": "{not json " + EMAIL})
    assert json.loads(after(raw)) == {"content": "[1] see <EMAIL>", "x": "{not json <EMAIL>"}


def nest(value: str, levels: int) -> str:
    for _ in range(levels):
        value = json.dumps([value])
    return value


def test_nesting_beyond_the_bound_is_read_as_text_and_counted() -> None:
    within = json_edits(nest(EMAIL, NESTING_MAX + 1), REPLACE)
    assert (len(within.edits), within.not_inspected) == (1, 0)
    beyond = json_edits(nest(EMAIL, NESTING_MAX + 2), REPLACE)
    assert beyond.not_inspected == 1
    assert len(beyond.edits) == 1


def test_json_nested_too_deep_inside_a_string_is_read_as_text_and_counted() -> None:
    raw = json.dumps(["[" * (DEPTH_MAX + 1) + f'"{EMAIL}"' + "]" * (DEPTH_MAX + 1)])
    found = json_edits(raw, REPLACE)
    assert (len(found.edits), found.not_inspected) == (1, 1)


def test_a_body_nested_too_deep_is_refused() -> None:
    with pytest.raises(JsonDepthError):
        json_edits("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1), REPLACE)


@pytest.mark.parametrize(
    "number", [CARD, f"{CARD}.0", f"-{CARD}", f"{CARD}e0", "4.111111111111111e15", "411111111111111.1e1"]
)
def test_a_card_is_found_in_every_spelling_of_its_number(number: str) -> None:
    forwarded = after(f'{{"x":{number}}}')
    assert "1111" not in forwarded
    assert isinstance(json.loads(forwarded)["x"], int)


@pytest.mark.parametrize("number", ["0.5", "1e300", "-2.25", "1e-300", "123", "1700000000", "4111111111111112"])
def test_other_numbers_stay(number: str) -> None:
    assert after(f'{{"created":{number},"x":[{number}]}}') == f'{{"created":{number},"x":[{number}]}}'


def test_a_number_too_long_for_a_count_is_searched_under_any_name() -> None:
    assert CARD not in after(f'{{"max_tokens":{CARD},"created":{CARD},"temperature":{CARD}}}')


def test_the_name_is_context_for_what_is_under_it() -> None:
    assert after('{"phone":"030 901820"}') != '{"phone":"030 901820"}'
    assert after('{"phones":"x","phone":["x",{"note":"y"},"030 901820"]}').count("<PHONE") == 1


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        ("A" * OPAQUE_LENGTH_MIN, 1),
        ("A" * (OPAQUE_LENGTH_MIN - 1), 0),
        ("ab-_" * 100 + "==", 1),
        ("data:image/png;base64,iVBORw0KGgo=", 1),
        ("data:text/plain,anna%40example.de", 1),
        ("data: see below, " + "x" * 300, 0),
        ("A" * 300 + " ", 0),
        ("http://" + "a" * 300, 0),
    ],
)
def test_opaque_strings_are_counted_and_passed(value: str, counted: int) -> None:
    raw = json.dumps({"url": value})
    found = json_edits(raw, REPLACE)
    assert (found.not_inspected, apply(raw, found.edits)) == (counted, raw)


def test_text_beside_base64_is_searched() -> None:
    raw = json.dumps({"url": "A" * 300 + " " + EMAIL})
    assert "<EMAIL>" in after(raw)


def test_plain_members_at_the_top_may_be_left_alone_and_nothing_deeper() -> None:
    raw = f'{{"id":"{EMAIL}","x":{{"id":"{EMAIL}"}},"id":["{EMAIL}"]}}'
    assert after(raw, skip=frozenset({"id"})) == f'{{"id":"{EMAIL}","x":{{"id":"<EMAIL>"}},"id":["<EMAIL>"]}}'


def test_withheld_members_become_null() -> None:
    raw = f'{{"choices":[{{"logprobs":{{"content":[{{"token":"{EMAIL}"}}]}},"message":{{"content":"{IBAN}"}}}}]}}'
    names = frozenset({"logprobs"})
    assert json.loads(after(raw, withhold=names)) == {"choices": [{"logprobs": None, "message": {"content": "<IBAN>"}}]}
    assert after('{"logprobs":null,"x":{"logprobs":true}}', withhold=names) == '{"logprobs":null,"x":{"logprobs":true}}'
    assert after('{"log\\u0070robs": [1]}', withhold=names) == '{"log\\u0070robs": null}'


def test_a_phone_number_is_found_across_an_escape_of_its_space() -> None:
    assert PHONE.replace(" ", "\\u0020") not in after('{"x":"' + PHONE.replace(" ", "\\u0020") + '"}')
