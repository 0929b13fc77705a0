"""The quick way through a body finds what the complete one finds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain import json_text
from lawgate.domain.json_text import NUMBER, STRING, JsonDepthError
from lawgate.domain.json_words import COUNTS, MEMBER_NAMES, VALUES
from lawgate.domain.processing import MaskProfile
from lawgate.mask import json_places
from lawgate.mask.detectors import BY_NAME
from lawgate.mask.engine import ANCHORS, compile_detection
from lawgate.mask.json_places import COUNT_LENGTH_MAX, Place, places
from lawgate.mask.json_walk import number_edits, string_edits
from lawgate.mask.masker import Masker

MASKER = Masker(compile_detection(), MaskProfile("replace", "replace"), b"k" * 32)
SKIP = frozenset({"id", "created"})

TEXTS = st.text(st.sampled_from('ab{}[]":,\\@.0123456789 \n-:é\x7f'), max_size=12) | st.sampled_from(
    (
        *(
            "anna@example.de",
            "+49 30 901820",
            "4111 1111 1111 1111",
            "2001:db8::1",
            "de89370400440532013000",
            "data:,x",
        ),
        *("ünï@exämple.de", "4111", "user", "content", "a\\", '"', '\\"', "[" * 70, "[" * 70 + "]" * 70, '{"id":4}'),
        *(json.dumps({"id": "anna@example.de", "phone": 4930901820}), "x" * 300, " ".join("x" * 100)),
    )
)
NAMES = TEXTS | st.sampled_from(("id", "created", "phone", "mobile", "content", "n", "seed", "user"))
NUMBERS = st.integers() | st.sampled_from((4111111111111111, 30901820, 1, 4.111e15, -0.0123, 1e300, 1731234567))
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def complete(raw: str, around: str = "") -> list[Place]:
    """Every leaf in which something changes, or that has to be counted as unread."""
    found: list[Place] = []
    for start, end, name, kind, depth in json_text.leaves(raw, around):
        text = raw[start:end]
        if text in VALUES or (depth == 1 and name in SKIP):
            continue
        if kind == NUMBER and len(text) <= COUNT_LENGTH_MAX and name in COUNTS:
            continue
        if matters((start, text, name, kind)):
            found.append((start, text, name, kind))
    return found


def matters(place: Place) -> bool:
    _, text, name, kind = place
    if kind == NUMBER:
        return bool(number_edits(text, name, MASKER))
    edits, not_inspected = string_edits(text, name if kind == STRING else None, MASKER)
    return bool(edits or not_inspected)


@given(DOCUMENTS, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n ")]), st.booleans(), NAMES)
def test_what_is_left_out_holds_nothing(
    document: Any,
    separators: tuple[str, str],
    ensure_ascii: bool,  # noqa: FBT001 - drawn
    around: str,
) -> None:
    raw = json.dumps(document, separators=separators, ensure_ascii=ensure_ascii)
    quick = places(raw, around, SKIP)
    assert [place for place in quick if matters(place)] == complete(raw, around)
    assert {*quick} <= {(start, raw[start:end], name, kind) for start, end, name, kind, _ in leaves(raw, around)}


def leaves(raw: str, around: str) -> list[json_text.Leaf]:
    return json_text.leaves(raw, around)


@given(st.text(st.sampled_from("aAbZ:@019 .-/()+\n|f"), max_size=40) | TEXTS)
def test_without_an_anchor_nothing_is_found(text: str) -> None:
    if ANCHORS.search(text) is None:
        assert MASKER.detection.find(text) == []
        assert MASKER.detection.find(text, key="phone", before="phone: ") == []


@pytest.mark.parametrize("detector", ["EMAIL", "PAYMENT_CARD", "IBAN", "IPV6", "IPV4", "US_SSN", "PHONE"])
def test_examples_have_anchors(detector: str) -> None:

    for example in BY_NAME[detector].examples:
        assert ANCHORS.search(example)
        assert [text for _, text, *_ in places(json.dumps({"content": example}), "", SKIP)]


@pytest.mark.parametrize("word", sorted(MEMBER_NAMES | VALUES))
def test_the_words_of_protocols_hold_nothing(word: str) -> None:
    assert string_edits(word, "phone", MASKER) == ([], 0)


def test_words_of_protocols_and_small_numbers_are_left_out() -> None:
    raw = '{"model":"gpt-4o","messages":[{"role":"user","content":"Good day."}],"seed":12,"created":1731234567}'
    assert places(raw, "", SKIP) == []


def test_names_come_from_the_innermost_member() -> None:
    raw = '{"phone":["030 901820",{"a":30901820.0},["030 901821"], 30901822],"x\\"y":"a@b.de","c@d.de":null}'
    assert [(text, name) for _, text, name, _ in places(raw, "", SKIP)] == [
        ("030 901820", "phone"),
        ("30901820.0", "a"),
        ("030 901821", "phone"),
        ("30901822", "phone"),
        ('x\\"y', 'x"y'),
        ("a@b.de", 'x"y'),
        ("c@d.de", "c@d.de"),
    ]


def test_only_members_at_the_top_are_skipped() -> None:
    raw = '{"id":"a@b.de","a":{"id":"b@b.de","created":[49309018201]},"created":17312345678,"id":["c@b.de"]}'
    assert [text for _, text, *_ in places(raw, "", SKIP)] == ["b@b.de", "49309018201", "c@b.de"]


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_depth_is_counted_and_not_brackets(opening: str) -> None:
    levels = 64 // (opening.count("[") + opening.count("{"))
    closing = "".join({"[": "]", "{": "}"}[mark] for mark in reversed(opening) if mark in "[{")
    deep = opening * levels + '"a@b.de"' + closing * levels
    assert len(places(deep, "", SKIP)) == 1
    assert len(places("[" + ",".join(['{"a":["a@b.de"]}'] * 200) + "]", "", SKIP)) == 200
    with pytest.raises(JsonDepthError):
        places(f"[{deep}]", "", SKIP)
    with pytest.raises(JsonDepthError):
        places(f'[[],{{"b":{deep}}}]', "", SKIP)


def test_no_number_of_anybody_is_remembered() -> None:
    places('{"a":4930901820,"b":123,"c":["x",12,"y"]}', "", SKIP)
    assert not {part for part in json_places._passed if sum(map(str.isdigit, part)) > 2} - VALUES


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_places, "_passed", {""})
    monkeypatch.setattr(json_places, "_KNOWN_MAX", 3)
    for spaces in range(9):
        assert places(f'[{" " * spaces}"x"]', "", SKIP) == []
    assert len(json_places._passed) == 3
