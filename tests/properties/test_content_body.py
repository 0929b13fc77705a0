"""Whole bodies: masking the raw text equals masking the decoded values, and changes nothing else."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from lawgate.domain.errors import RefusedError
from lawgate.domain.json_text import NUMBER, STRING, decoded, leaves, paths
from lawgate.domain.json_words import MEMBER_NAMES, VALUES
from lawgate.domain.message import Direction
from lawgate.exchange.content import inspect
from lawgate.mask.json_document import JsonUnreadableError, parse
from lawgate.wire.content_type import ContentKind
from tests.masking_world import CARD, EMAIL, KEEP, PEOPLE, REPLACE, masked

WORDS = st.sampled_from(
    [
        *PEOPLE,
        "user",
        "",
        "a b",
        '"',
        "\\",
        '\\"',
        "\n",
        "\t",
        "{",
        "[",
        "]",
        ":",
        ",",
        "é",
        "\u202f",
        "\U0001f600",
        "\ud800",
        "030",
        " ",
    ]
)
TEXTS = st.lists(WORDS, max_size=4).map("".join)
NAMES = st.one_of(st.sampled_from(["content", "phone", "arguments", "input", "max_tokens", EMAIL]), TEXTS)
PLAIN = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(), st.sampled_from([int(CARD), 0.5, -1e-7, 2.5e10]))


def collection(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    carried = inner.map(json.dumps)
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3), carried)


VALUES_OF_JSON = st.recursive(PLAIN, collection, max_leaves=12)
RAW = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    VALUES_OF_JSON,
    st.just(True),
    st.sampled_from([None, 0, 1]),
)


def carried(text: str, *, literal: bool = False) -> Any:
    """The JSON that a string holds, the string itself if it holds none."""
    first = text.lstrip(" \t\r\n")[:1]
    if first in {"{", "["} or (first == '"' and (literal or "\\" in text)):
        try:
            return parse(text)
        except JsonUnreadableError:
            return text
    return text


def expected(value: Any, key: str = "") -> Any:
    """``value`` masked by decoding, the slow and obvious way; strings that hold JSON come out decoded."""
    if isinstance(value, dict):
        return {
            name if name in MEMBER_NAMES else masked_text(name): expected(member, name)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [expected(member, key) for member in value]
    if isinstance(value, str):
        inner = carried(value)
        return masked_text(value, key) if inner is value else expected(inner, key)
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        edits = REPLACE.number_edits(str(abs(int(value))), key=key)
        return int(edits[0].replacement) if edits else value
    return value


def masked_text(text: str, key: str | None = None) -> str:
    return text if text in VALUES else masked(text, key)


def unwrapped(value: Any) -> Any:
    """Strings that hold JSON, decoded at every level; a literal may have lost its escapes by masking."""
    if isinstance(value, dict):
        return {name: unwrapped(member) for name, member in value.items()}
    if isinstance(value, list):
        return [unwrapped(member) for member in value]
    inner = carried(value, literal=True) if isinstance(value, str) else value
    return value if inner is value else unwrapped(inner)


def names(value: Any) -> list[str]:
    """The names of all members, those of JSON in strings too."""
    if isinstance(value, dict):
        return [*value, *(name for member in value.values() for name in names(member))]
    if isinstance(value, list):
        return [name for member in value for name in names(member)]
    inner = carried(value) if isinstance(value, str) else value
    return [] if inner is value else names(inner)


@given(RAW)
def test_both_readers_of_leaves_agree(raw: str) -> None:
    assert leaves(raw) == [leaf for _, leaf in paths(raw)]


@given(RAW)
def test_every_string_and_number_is_a_leaf(raw: str) -> None:
    def found(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for member in value.values() for leaf in found(member)]
        if isinstance(value, list):
            return [leaf for member in value for leaf in found(member)]
        return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else []

    shown = [
        decoded(raw[start:end]) if kind == STRING else json.loads(raw[start:end])
        for start, end, _, kind, _ in leaves(raw)
        if kind in {STRING, NUMBER}
    ]
    assert shown == found(json.loads(raw))


@given(RAW)
def test_masking_raw_text_equals_masking_values(raw: str) -> None:
    found = inspect(raw.encode(), ContentKind.JSON, REPLACE)
    assert unwrapped(json.loads(found.forward)) == unwrapped(expected(json.loads(raw)))


@given(RAW)
def test_a_body_can_be_rebuilt_and_its_cut_text_holds_no_span(raw: str) -> None:
    body = raw.encode()
    found = inspect(body, ContentKind.JSON, REPLACE, Direction.ANSWER)
    assert found.cut.received().encode() == body
    assert found.cut.forwarded().encode() == found.forward
    assert found.counts or found.forward is body
    assert sum(found.counts.values()) == len(found.cut.marks)
    assert inspect(body, ContentKind.JSON, KEEP).forward is body


@given(RAW)
def test_masking_what_was_masked_changes_nothing(raw: str) -> None:
    forward = inspect(raw.encode(), ContentKind.JSON, REPLACE).forward
    assume(names(json.loads(raw)) == names(json.loads(forward)))  # a masked name is new context: "<PHONE>"
    assert inspect(forward, ContentKind.JSON, REPLACE).forward == forward


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for kind in ContentKind:
        with suppress(RefusedError):
            assert inspect(body, kind, REPLACE).cut.received().encode() == body
