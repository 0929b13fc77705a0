import pytest

from lawgate.evidence.merkle import consistency_path, inclusion_path, leaf_hash, root_at, root_of, verify_inclusion
from lawgate.evidence.tiles import (
    TILE_SIZE,
    TileError,
    check_edges,
    decode_bundle,
    encode_bundle,
    entries_path,
    frontier_of,
    grow,
    load_edges,
    reader_from_tiles,
    tile_path,
)


def hashes(start: int, end: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(start, end)]


def stored(size: int, step: int) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    at = 0
    edges: tuple[bytes, ...] = ()
    while at < size:
        growth = grow(at, edges, hashes(at, min(at + step, size)))
        for path, content in growth.tiles:
            assert files.get(path, content) == content, "a tile never changes"
            files[path] = content
        at, edges = growth.size, growth.edges
    return files


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 256, "tile/0/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (3, 1234067, 256, "tile/3/x001/x234/067"),
        (0, 1234067, 17, "tile/0/x001/x234/067.p/17"),
        (63, 5, 1, "tile/63/005.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert entries_path(index, width) == path.replace(f"tile/{level}/", "tile/entries/")


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (0, 2**63, 1)]
)
def test_impossible_paths_are_refused(level: int, index: int, width: int) -> None:
    with pytest.raises(TileError):
        tile_path(level, index, width)


def test_the_tiles_of_70000_entries_are_those_of_the_specification() -> None:
    growth = grow(0, (), [bytes(32)] * 70_000)
    paths = [path for path, _ in growth.tiles]
    assert paths[:2] == ["tile/0/000", "tile/0/001"]
    assert paths[273:] == ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [len(edge) // 32 for edge in growth.edges] == [112, 17, 1]


def test_a_tree_of_256_has_one_full_tile_and_one_hash_above() -> None:
    growth = grow(0, (), hashes(0, 256))
    assert [(path, len(content)) for path, content in growth.tiles] == [
        ("tile/0/000", TILE_SIZE),
        ("tile/1/000.p/1", 32),
    ]
    assert growth.edges == (b"", root_of(hashes(0, 256)))


def test_growing_writes_only_what_changes() -> None:
    first = grow(0, (), hashes(0, 300))
    second = grow(first.size, first.edges, hashes(300, 302))
    assert [path for path, _ in second.tiles] == ["tile/0/001.p/46"]
    assert grow(second.size, second.edges, []).tiles == ()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 1300])
def test_steps_do_not_matter(size: int) -> None:
    once = grow(0, (), hashes(0, size))
    at = 0
    edges: tuple[bytes, ...] = ()
    for step in (1, 7, 255, 256, 1):
        growth = grow(at, edges, hashes(at, min(at + step, size)))
        at, edges = growth.size, growth.edges
    rest = grow(at, edges, hashes(at, size))
    assert (rest.size, rest.edges) == (once.size, once.edges)
    assert frontier_of(rest.size, rest.edges).root() == root_of(hashes(0, size))


def test_edges_that_belong_to_another_size_are_refused() -> None:
    growth = grow(0, (), hashes(0, 300))
    for size, edges in ((301, growth.edges), (300, growth.edges[:1]), (300, ()), (-1, ()), (2**63, ())):
        with pytest.raises(TileError):
            check_edges(size, edges)
        with pytest.raises(TileError):
            grow(size, edges, [])
    with pytest.raises(TileError):
        grow(0, (), [b"no hash"])


def test_a_stored_tree_is_loaded_and_proved() -> None:
    files = stored(1300, 77)
    edges = load_edges(files.get, 1300)
    assert edges == grow(0, (), hashes(0, 1300)).edges
    leaves = hashes(0, 1300)
    for size in (1300, 1001, 512, 256, 77):  # sizes that were stored, or whose tiles are full by now
        read = reader_from_tiles(files.get, size)
        root = root_at(read, size)
        assert root == root_of(leaves[:size])
        for index in (0, 76, size - 1):
            verify_inclusion(index, size, leaves[index], inclusion_path(read, index, size), root)


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    files = {path: content for path, content in stored(600, 50).items() if ".p/" not in path}
    read = reader_from_tiles(files.get, 500)
    assert read(0, 499) == hashes(499, 500)[0]
    with pytest.raises(TileError):
        load_edges(files.get, 600)


def test_few_tiles_are_fetched_for_one_proof() -> None:
    files = stored(1300, 1300)
    fetched = []

    def fetch(path: str) -> bytes | None:
        fetched.append(path)
        return files.get(path)

    inclusion_path(reader_from_tiles(fetch, 1300), 600, 1300)
    consistency_path(reader_from_tiles(fetch, 1300), 1299, 1300)
    assert len(fetched) <= 8


@pytest.mark.parametrize("content", [None, b"", bytes(31), bytes(32 * 255), bytes(32 * 257)])
def test_a_tile_that_is_missing_or_of_another_width_is_refused(content: bytes | None) -> None:
    read = reader_from_tiles(lambda _path: content, 256)
    with pytest.raises(TileError):
        read(0, 3)


@pytest.mark.parametrize(("level", "index"), [(0, 300), (8, 1), (9, 0), (-1, 0), (0, -1), (400, 0)])
def test_subtrees_that_are_not_complete_are_refused(level: int, index: int) -> None:
    files = stored(300, 300)
    with pytest.raises(TileError):
        reader_from_tiles(files.get, 300)(level, index)


def test_bundles_give_back_their_entries() -> None:
    for entries in ([b""], [b"a", b"", b"c" * 65535], [b"%d" % number for number in range(256)]):
        assert decode_bundle(encode_bundle(entries)) == entries
    assert encode_bundle([b"ab", b"c"]) == b"\x00\x02ab\x00\x01c"


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65536]])
def test_bundles_have_bounds(entries: list[bytes]) -> None:
    with pytest.raises(TileError):
        encode_bundle(entries)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01ab", b"\x00\x00" * 257])
def test_damaged_bundles_are_refused(data: bytes) -> None:
    with pytest.raises(TileError):
        decode_bundle(data)
