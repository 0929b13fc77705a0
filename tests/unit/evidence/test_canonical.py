import json
from enum import StrEnum

import pytest

from lawgate.evidence.canonical import DEPTH_MAX, SIZE_MAX, CanonicalError, decode, encode


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ({}, b"{}"),
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        ({"aa": 1, "a": 1, "a_": 1, "aA": 1}, b'{"a":1,"aA":1,"a_":1,"aa":1}'),
        ({"n": 2**53 - 1, "m": -(2**53) + 1}, b'{"m":-9007199254740991,"n":9007199254740991}'),
        ({"t": True, "f": False}, b'{"f":false,"t":true}'),
        ({"s": 'quote " and \\ and / stay'}, b'{"s":"quote \\" and \\\\ and / stay"}'),
        ({"l": [1, "x", [], {"z": 0, "a": 0}]}, b'{"l":[1,"x",[],{"a":0,"z":0}]}'),
        ({"": ""}, b'{"":""}'),
    ],
)
def test_one_value_has_one_spelling(value: dict[str, object], spelling: bytes) -> None:
    assert encode(value) == spelling  # type: ignore[arg-type]
    assert decode(spelling) == value
    assert json.dumps(value, sort_keys=True, separators=(",", ":")).encode() == spelling


def test_a_string_enum_is_written_as_its_value() -> None:
    class Why(StrEnum):
        FULL = "disk_full"

    assert encode({"why": Why.FULL}) == b'{"why":"disk_full"}'


class Odd:
    pass


@pytest.mark.parametrize(
    "value",
    [
        {"a": None},
        {"a": 1.0},
        {"a": float("nan")},
        {"a": 2**53},
        {"a": -(2**53)},
        {"a": 10**400},
        {"a": "\u00e9"},
        {"a": "\n"},
        {"a": "\x7f"},
        {"a": "\ud800"},
        {"\u00e9": 1},
        {"a\x00": 1},
        {1: "a"},
        {"a": (1,)},
        {"a": b"x"},
        {"a": Odd()},
        {"a": [{"b": [None]}]},
        {"a": "x" * SIZE_MAX},
    ],
)
def test_what_canonical_json_cannot_hold_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(CanonicalError):
        encode(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"a"',
        b"1",
        b"{} ",
        b" {}",
        b"{}\n",
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":1}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\n"}',
        b'{"a":"\\ud800"}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":null}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xc3\xa9"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\x00"}',
        b'{"a":1}{"a":1}',
        b"{'a':1}",
        b'{"a":1,}',
        b"[" * 60000,
        b'{"a":' * 10000,
        nested(DEPTH_MAX + 1),
        b'{"a":' + b"[" * 30000 + b"]" * 30000 + b"}",
        b'{"a":"' + b"x" * SIZE_MAX + b'"}',
    ],
)
def test_every_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(CanonicalError):
        decode(data)


def test_depth_and_size_are_allowed_up_to_their_limits() -> None:
    assert encode(decode(nested(DEPTH_MAX))) == nested(DEPTH_MAX)
    largest = b'{"a":"' + b"x" * (SIZE_MAX - 8) + b'"}'
    assert encode(decode(largest)) == largest


def test_an_error_shows_nothing_of_the_value() -> None:
    with pytest.raises(CanonicalError) as caught:
        encode({"a": "J\u00fcrgen"})
    assert "rgen" not in str(caught.value)
