import json
from dataclasses import replace

import pytest

from lawgate.evidence.canonical import CanonicalError
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import GENESIS_PREV, LEAF_SIZE_MAX, Leaf, LeafError, decode_leaf, encode_leaf
from lawgate.evidence.merkle import EMPTY_ROOT

ID = "00112233445566778899aabbccddeeff"
LEAF = Leaf("intent", ID, 1_760_000_000, "gw-1", 0, GENESIS_PREV, "c30e365", 2, b"\xab" * 32)
OUTCOME = replace(LEAF, kind="outcome", nseq=1, nprev=b"\x01" * 32, extra={"re": ID, "n": 3})


def test_a_leaf_is_written_exactly_so() -> None:
    assert encode_leaf(OUTCOME) == (
        b'{"id":"00112233445566778899aabbccddeeff","n":3,"node":"gw-1",'
        b'"nprev":"' + b"01" * 32 + b'","nseq":1,"pn":2,"pr":"' + b"ab" * 32 + b'",'
        b'"re":"00112233445566778899aabbccddeeff","ret":"c30e365","t":"outcome","ts":1760000000,"v":1}'
    )


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"re": ID},
        {"re": 'a"b\\c'},
        {"re": "a b"},
        {"re": ""},
        {"re": "x" * 65},
        {"re": 7},
        {"a": "b"},
        {"zz": 1, "re": ID},
        {"a": 'x"'},
    ],
)
def test_the_spelling_is_the_canonical_one(extra: dict[str, str | int]) -> None:
    data = encode_leaf(replace(LEAF, extra=extra))
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode("ascii")
    assert decode_leaf(data).extra == extra


@pytest.mark.parametrize("leaf", [LEAF, OUTCOME, replace(LEAF, parts_count=0, parts_root=EMPTY_ROOT)])
def test_reading_gives_back_what_was_written(leaf: Leaf) -> None:
    assert decode_leaf(encode_leaf(leaf)) == leaf


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ""},
        {"kind": "Intent"},
        {"kind": "intent\n"},
        {"kind": "x" * 33},
        {"id": ID[:-1]},
        {"id": ID.upper()},
        {"id": ID + "\n"},
        {"id": "alice@example.org"},
        {"node": ""},
        {"node": "gw 1"},
        {"node": "gw\n1"},
        {"node": "n\u00f6de"},
        {"node": "x" * 65},
        {"retention": ""},
        {"retention": "30 days"},
        {"ts": -1},
        {"ts": 2**53},
        {"ts": 1.5},
        {"ts": True},
        {"nseq": -1},
        {"nseq": 2**53},
        {"nprev": b"\x00" * 31},
        {"nprev": b""},
        {"parts_count": -1},
        {"parts_count": 65536},
        {"parts_count": 0},
        {"parts_root": EMPTY_ROOT},
        {"parts_root": b"\xab" * 33},
        {"extra": {"v": 2}},
        {"extra": {"pr": "x"}},
        {"extra": {"Re": "x"}},
        {"extra": {"": "x"}},
        {"extra": {"a" * 33: "x"}},
        {"extra": {"why": "J\u00fcrgen"}},
        {"extra": {"why": "line\nbreak"}},
        {"extra": {"n": 2**53}},
        {"extra": {"n": -(2**53)}},
        {"extra": {"n": True}},
        {"extra": {"n": None}},
        {"extra": {"n": 1.0}},
        {"extra": {"n": ["x"]}},
        {"extra": {"long": "x" * LEAF_SIZE_MAX}},
    ],
)
def test_an_impossible_leaf_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(EvidenceInputError):
        encode_leaf(replace(LEAF, **change))  # type: ignore[arg-type]


def members(**changes: object) -> bytes:
    value = json.loads(encode_leaf(OUTCOME))
    value.update(changes)
    kept = {name: member for name, member in value.items() if member != "<gone>"}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", ["v", "t", "id", "ts", "node", "nseq", "nprev", "ret", "pn", "pr"])
@pytest.mark.parametrize("value", ["<gone>", "", [], {}, True, -1, "A" * 65, 1 << 60, 2.0, None])
def test_a_member_that_is_missing_or_of_another_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(EvidenceInputError):
        decode_leaf(members(**{name: value}))


@pytest.mark.parametrize("value", [0, 2, True, "1"])
def test_another_version_is_refused(value: object) -> None:
    with pytest.raises(LeafError):
        decode_leaf(members(v=value))


@pytest.mark.parametrize("value", [True, [1], {"a": 1}])
def test_extra_members_are_flat(value: object) -> None:
    with pytest.raises(LeafError):
        decode_leaf(members(more=value))


def test_a_leaf_in_another_spelling_is_refused() -> None:
    with pytest.raises(CanonicalError):
        decode_leaf(json.dumps(json.loads(encode_leaf(LEAF))).encode())


def test_a_leaf_fits_an_entry_bundle() -> None:
    room = LEAF_SIZE_MAX - len(encode_leaf(replace(LEAF, extra={"long": ""})))
    largest = encode_leaf(replace(LEAF, extra={"long": "x" * room}))
    assert len(largest) == LEAF_SIZE_MAX
    assert decode_leaf(largest).extra == {"long": "x" * room}
    for name in ("long", "re"):
        with pytest.raises(EvidenceInputError):
            encode_leaf(replace(LEAF, extra={name: "x" * (room + 3)}))
    with pytest.raises(LeafError):
        decode_leaf(largest.replace(b'"x', b'"xx'))


def test_an_error_shows_no_name_that_was_not_checked() -> None:
    with pytest.raises(LeafError) as caught:
        decode_leaf(members(**{"zz alice@example.org": []}))
    assert "alice" not in str(caught.value)
