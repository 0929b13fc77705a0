import struct
from hashlib import sha256

import pytest

from lawgate.evidence.merkle import (
    EMPTY_ROOT,
    SIZE_LIMIT,
    Frontier,
    HashReader,
    ProofError,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    path_of,
    root_at,
    root_from_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# Entries and roots of the Certificate Transparency reference tests, sizes 0 to 8.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def reader(leaves: list[bytes]) -> HashReader:
    def read(level: int, index: int) -> bytes:
        row = leaves[index << level : (index + 1) << level]
        assert len(row) == 1 << level
        return root_of(row)

    return read


def test_the_published_roots_come_out() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT == ROOTS[0]
    for size, entry in enumerate(ENTRIES, 1):
        frontier.append(leaf_hash(entry))
        assert frontier.root() == ROOTS[size] == root_of([leaf_hash(item) for item in ENTRIES[:size]])


def test_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = hashes(2)
    assert leaf_hash(left + right) != node_hash(left, right) == sha256(b"\x01" + left + right).digest()


def test_a_frontier_survives_being_stored() -> None:
    frontier = Frontier()
    for leaf in hashes(77):
        frontier = Frontier.from_bytes(frontier.to_bytes())
        frontier.append(leaf)
    assert frontier.size == 77
    assert len(frontier.peaks) == 4
    assert frontier.root() == root_of(hashes(77))


def test_a_copy_goes_its_own_way() -> None:
    frontier = Frontier()
    frontier.extend(hashes(5))
    before, other = frontier.root(), frontier.copy()
    other.append(bytes(32))
    assert frontier.root() == before != other.root()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(8) + bytes(32),
        struct.pack(">Q", 1),
        struct.pack(">Q", 3) + bytes(32),
        struct.pack(">Q", 1) + bytes(31),
        struct.pack(">Q", SIZE_LIMIT) + bytes(32),
        struct.pack(">Q", 2**64 - 1) + bytes(64 * 32),
    ],
)
def test_a_damaged_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        Frontier.from_bytes(data)


def test_a_frontier_takes_only_hashes_and_ends_before_the_limit() -> None:
    with pytest.raises(ProofError):
        Frontier().append(b"an entry instead of its hash")
    with pytest.raises(ProofError):
        Frontier(-1)
    full = Frontier(SIZE_LIMIT - 1, [bytes(32)] * 63)
    with pytest.raises(ProofError):
        full.append(bytes(32))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 64, 65])
def test_every_entry_and_every_growth_can_be_proved(size: int) -> None:
    leaves = hashes(size)
    root = root_at(reader(leaves), size)
    for index in range(size):
        path = inclusion_path(reader(leaves), index, size)
        assert path == path_of(leaves, index)
        verify_inclusion(index, size, leaves[index], path, root)
        assert root_from_inclusion(index, size, leaves[index], path) == root
    for old in range(1, size + 1):
        verify_consistency(old, size, root_of(leaves[:old]), root, consistency_path(reader(leaves), old, size))


def test_the_published_proofs_come_out() -> None:
    # RFC 9162 section 2.1.5, the tree of seven entries: names of nodes as in its drawing.
    leaves = hashes(7)
    a, b, c, d, e, f, j = leaves
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, m = node_hash(g, h), node_hash(i, j)
    read = reader(leaves)
    assert inclusion_path(read, 0, 7) == [b, h, m]
    assert inclusion_path(read, 3, 7) == [c, g, m]
    assert inclusion_path(read, 4, 7) == [f, j, k]
    assert inclusion_path(read, 6, 7) == [i, k]
    assert consistency_path(read, 3, 7) == [c, d, g, m]
    assert consistency_path(read, 4, 7) == [m]
    assert consistency_path(read, 6, 7) == [i, j, k]
    assert consistency_path(read, 7, 7) == []


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (4, 3), (0, SIZE_LIMIT)])
def test_an_entry_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_path(reader([]), index, size)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, bytes(32), [], bytes(32))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 4), (-1, 4), (5, 4), (1, SIZE_LIMIT)])
def test_some_growths_prove_nothing_and_are_refused(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_path(reader([]), old, new)
    with pytest.raises(ProofError):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


def test_paths_of_another_length_are_refused() -> None:
    leaves = hashes(6)
    root, path = root_of(leaves), inclusion_path(reader(leaves), 2, 6)
    for wrong in (path[:-1], [*path, bytes(32)], [], [*path[:-1], b"short"], path * 30):
        with pytest.raises(ProofError):
            verify_inclusion(2, 6, leaves[2], wrong, root)
    growth = consistency_path(reader(leaves), 3, 6)
    for wrong in (growth[:-1], [*growth, bytes(32)], [], [*growth[:-1], b"short"], growth * 30):
        with pytest.raises(ProofError):
            verify_consistency(3, 6, root_of(leaves[:3]), root, wrong)


def test_equal_sizes_need_equal_roots_and_no_path() -> None:
    verify_consistency(3, 3, ROOTS[3], ROOTS[3], [])
    for old_root, path in ((ROOTS[2], []), (ROOTS[3], [bytes(32)])):
        with pytest.raises(ProofError):
            verify_consistency(3, 3, old_root, ROOTS[3], path)


def test_a_fork_and_a_rollback_do_not_verify() -> None:
    leaves = hashes(9)
    forked = [*leaves[:4], bytes(32), *leaves[5:], leaf_hash(b"more")]
    with pytest.raises(ProofError):
        verify_consistency(9, 10, root_of(leaves), root_of(forked), consistency_path(reader(forked), 9, 10))
    with pytest.raises(ProofError):
        verify_consistency(9, 7, root_of(leaves), root_of(leaves[:7]), [])


def test_the_largest_tree_is_proved_in_bounded_steps() -> None:
    size = SIZE_LIMIT - 1
    calls = []

    def read(level: int, index: int) -> bytes:
        calls.append(level)
        return sha256(struct.pack(">QQ", level, index)).digest()

    assert len(inclusion_path(read, size - 1, size)) == 62
    assert len(consistency_path(read, size - 1, size)) <= 64
    assert len(calls) < 64 * 64


def test_a_root_of_an_impossible_size_is_refused() -> None:
    with pytest.raises(ProofError):
        root_at(reader([]), -1)
    assert root_at(reader([]), 0) == EMPTY_ROOT
