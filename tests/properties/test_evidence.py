"""Properties of the evidence formats: against the definitions, against corruption, against noise."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawgate.evidence import canonical, envelope
from lawgate.evidence.checkpoint import open_note, parse_checkpoint, parse_vkey
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import Leaf, decode_leaf, encode_leaf
from lawgate.evidence.merkle import (
    Frontier,
    ProofError,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    path_of,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from lawgate.evidence.parts import PartError, open_sealed, open_series, seal, seal_frame, unwrap_with, wrap_with
from lawgate.evidence.proof import parse_proof
from lawgate.evidence.tiles import decode_bundle, encode_bundle, frontier_of, grow, load_edges, reader_from_tiles
from lawgate.evidence.verify import verify_chain

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]

sizes = st.integers(1, len(LEAVES))


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 section 2.1.1 writes it down."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(tree_hash(leaves[:middle]), tree_hash(leaves[middle:]))


def flip(data: bytes, bit: int) -> bytes:
    at = bit % (len(data) * 8)
    return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]


# --- the tree


@given(st.lists(st.integers(1, 300), max_size=6))
@settings(max_examples=40, deadline=None)
def test_every_way_of_growing_gives_the_defined_root(steps: list[int]) -> None:
    frontier, size = Frontier(), 0
    files: dict[str, bytes] = {}
    edges: tuple[bytes, ...] = ()
    for step in steps:
        added = LEAVES[size : size + step]
        frontier.extend(added)
        frontier = Frontier.from_bytes(frontier.to_bytes())
        growth = grow(size, edges, added)
        files.update(growth.tiles)
        size, edges = growth.size, growth.edges
    expected = tree_hash(LEAVES[:size])
    assert frontier.root() == root_of(LEAVES[:size]) == expected
    assert frontier_of(size, edges).peaks == frontier.peaks
    assert load_edges(files.get, size) == edges[: len(load_edges(files.get, size))]
    assert root_at(reader_from_tiles(files.get, size), size) == expected


@given(sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_inclusion_proofs_hold_and_break_with_any_bit(size: int, data: Any) -> None:
    index = data.draw(st.integers(0, size - 1))
    read = reader_from_tiles(dict(grow(0, (), LEAVES[:size]).tiles).get, size)
    path, root = inclusion_path(read, index, size), root_of(LEAVES[:size])
    assert path == path_of(LEAVES[:size], index)
    verify_inclusion(index, size, LEAVES[index], path, root)
    bit = data.draw(st.integers(0, 10**6))
    for at in range(len(path)):
        with pytest.raises(ProofError):
            verify_inclusion(index, size, LEAVES[index], [*path[:at], flip(path[at], bit), *path[at + 1 :]], root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, flip(LEAVES[index], bit), path, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, LEAVES[index], path, flip(root, bit))
    other = data.draw(st.integers(0, size))
    if other != index:
        with pytest.raises(ProofError):
            verify_inclusion(other, size, LEAVES[index], path, root)


@given(sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_consistency_proofs_hold_and_break_with_any_bit(new: int, data: Any) -> None:
    old = data.draw(st.integers(1, new))
    read = reader_from_tiles(dict(grow(0, (), LEAVES[:new]).tiles).get, new)
    path, old_root, new_root = consistency_path(read, old, new), root_of(LEAVES[:old]), root_of(LEAVES[:new])
    verify_consistency(old, new, old_root, new_root, path)
    bit = data.draw(st.integers(0, 10**6))
    for at in range(len(path)):
        with pytest.raises(ProofError):
            verify_consistency(old, new, old_root, new_root, [*path[:at], flip(path[at], bit), *path[at + 1 :]])
    with pytest.raises(ProofError):
        verify_consistency(old, new, flip(old_root, bit), new_root, path)
    with pytest.raises(ProofError):
        verify_consistency(old, new, old_root, flip(new_root, bit), path)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_give_back_their_entries(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


# --- canonical JSON and leaves

plain = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
values = st.recursive(
    plain | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(plain, values, max_size=6)
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(objects)
def test_canonical_json_is_what_the_standard_library_writes(value: dict[str, Any]) -> None:
    data = canonical.encode(value)
    assert data == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert canonical.decode(data) == value


def accepts(read: Callable[[bytes], Any], data: bytes) -> bool:
    """Whether ``read`` takes the data; anything but a value or our own error fails the test."""
    try:
        read(data)
    except EvidenceInputError:
        return False
    return True


@given(st.binary(max_size=200) | json_like.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=400)
def test_noise_is_a_value_in_one_spelling_or_an_error(data: bytes) -> None:
    if accepts(canonical.decode, data):
        assert canonical.encode(canonical.decode(data)) == data


@given(objects, st.integers(0, 10**6))
def test_a_flipped_bit_never_gives_the_same_value(value: dict[str, Any], bit: int) -> None:
    changed = flip(canonical.encode(value), bit)
    if accepts(canonical.decode, changed):
        assert repr(canonical.decode(changed)) != repr(value)  # True == 1, but they are written differently


hexes = st.binary(min_size=16, max_size=16).map(bytes.hex)
leaves = st.builds(
    Leaf,
    kind=st.from_regex(r"[a-z][a-z0-9_.-]{0,31}", fullmatch=True),
    id=hexes,
    ts=st.integers(0, 2**53 - 1),
    node=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True),
    nseq=st.integers(0, 2**53 - 1),
    nprev=st.binary(min_size=32, max_size=32),
    retention=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True),
    parts_count=st.integers(1, 65535),
    parts_root=st.binary(min_size=32, max_size=32),
    extra=st.dictionaries(
        st.from_regex(r"x[a-z0-9_]{0,31}", fullmatch=True), plain | st.integers(-(2**53) + 1, 2**53 - 1), max_size=4
    ),
)


@given(leaves)
def test_leaves_survive_being_written(leaf: Leaf) -> None:
    data = encode_leaf(leaf)
    assert decode_leaf(data) == leaf
    assert canonical.encode(canonical.decode(data)) == data


@given(leaves, st.integers(0, 10**6))
def test_a_damaged_leaf_is_another_leaf_or_none(leaf: Leaf, bit: int) -> None:
    data = flip(encode_leaf(leaf), bit)
    if accepts(decode_leaf, data):
        assert decode_leaf(data) != leaf
        assert encode_leaf(decode_leaf(data)) == data


# --- sealed parts

KEY, NONCE = bytes(range(32)), bytes(12)


@given(st.binary(max_size=2000), st.integers(0, 10**6))
def test_a_sealed_part_opens_and_breaks_with_any_bit(plaintext: bytes, bit: int) -> None:
    sealed = seal(entry="e", number=0, label="l", plaintext=plaintext, secret=KEY, nonce=NONCE).ciphertext
    assert open_sealed(entry="e", number=0, ciphertext=sealed, secret=KEY) == plaintext
    with pytest.raises(PartError):
        open_sealed(entry="e", number=0, ciphertext=flip(sealed, bit), secret=KEY)


@given(st.integers(0, 10**6))
def test_a_wrap_breaks_with_any_bit(bit: int) -> None:
    wrapped = wrap_with(KEY, secret=KEY, context=b"c", nonce=NONCE)
    with pytest.raises(PartError):
        unwrap_with(KEY, wrapped=flip(wrapped, bit), context=b"c")


@given(plaintexts=st.lists(st.binary(max_size=60), max_size=6), final=st.booleans())
def test_a_series_gives_back_its_plaintexts(*, plaintexts: list[bytes], final: bool) -> None:
    frames = [
        seal_frame(
            series="s", number=number, final=final and number == len(plaintexts) - 1, plaintext=text, secret=KEY,
            nonce=number.to_bytes(12, "big"),
        )
        for number, text in enumerate(plaintexts)
    ]  # fmt: skip
    opened = open_series(series="s", frames=frames, secret=KEY)
    assert (opened.plaintext, opened.complete) == (b"".join(plaintexts), final and bool(plaintexts))


# --- noise

READERS: list[Callable[[bytes], Any]] = [
    decode_leaf,
    decode_bundle,
    envelope.unpack,
    Frontier.from_bytes,
    parse_checkpoint,
    parse_proof,
    lambda data: open_note(data, [VKEY]),
    lambda data: parse_vkey(data.decode("utf-8", "replace")),
    lambda data: parse_vkey("PeterNeumann+c74f20a3+" + data.decode("latin-1")),
    lambda data: open_sealed(entry="e", number=0, ciphertext=data, secret=KEY),
    lambda data: unwrap_with(KEY, wrapped=data, context=b""),
    lambda data: envelope.unpack(len(data).to_bytes(4, "big") + data + bytes(-(len(data) + 4) % 256)),
    lambda data: envelope.unpack(
        (len(data) + 4).to_bytes(4, "big") + b"\x28\xb5\x2f\xfd" + data + bytes(-len(data) % 256)
    ),
]
text_like = st.text("abc019 \n+=/-\u2014\u00e9", max_size=120).map(str.encode)


@given(st.binary(max_size=300) | text_like)
@settings(max_examples=300)
def test_readers_give_a_value_or_their_own_error(data: bytes) -> None:
    for read in READERS:
        accepts(read, data)


@given(st.lists(st.binary(max_size=60) | leaves.map(encode_leaf), max_size=6))
def test_verification_reports_on_anything(entries: list[bytes]) -> None:
    report = verify_chain(entries)
    assert (report.entries, report.root) == (len(entries), tree_hash([leaf_hash(entry) for entry in entries]))
