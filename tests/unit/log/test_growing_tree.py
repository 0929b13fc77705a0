import pytest

from lawgate.evidence.merkle import Frontier, leaf_hash
from lawgate.evidence.tiles import TileError, decode_bundle
from lawgate.log.growing_tree import GrowingTree

LEAVES = [b"leaf %d" % number for number in range(1000)]


def grown(steps: list[int]) -> tuple[GrowingTree, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    tree, at = GrowingTree.empty(), 0
    for step in steps:
        files.update(tree.extend(LEAVES[at : at + step]))
        at += step
    files.update(tree.partial_tiles())
    return tree, files


@pytest.mark.parametrize("steps", [[1000], [1, 999], [255, 1, 1, 743], [256, 256, 488], [7] * 142 + [6]])
def test_the_tree_does_not_depend_on_how_it_was_fed(steps: list[int]) -> None:
    tree, files = grown(steps)
    expected = Frontier()
    expected.extend(leaf_hash(leaf) for leaf in LEAVES)
    assert tree.frontier == expected.to_bytes()
    assert files == grown([1000])[1]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 999])
def test_a_tree_goes_on_from_its_tiles(size: int) -> None:
    first, files = grown([size])
    resumed = GrowingTree.from_tiles(size, files.get, lambda start, end: LEAVES[start:end])
    assert resumed.head("o") == first.head("o")
    assert resumed.partial_tiles() == first.partial_tiles()
    files.update(resumed.extend(LEAVES[size:]))
    files.update(resumed.partial_tiles())
    assert grown([1000])[1].items() <= files.items()


def test_bundles_hold_the_leaves() -> None:
    files = grown([1000])[1]
    assert decode_bundle(files["tile/entries/002"]) == LEAVES[512:768]
    assert decode_bundle(files["tile/entries/003.p/232"]) == LEAVES[768:]


def test_missing_tiles_are_noticed() -> None:
    with pytest.raises(TileError):
        GrowingTree.from_tiles(300, lambda _: None, lambda start, end: LEAVES[start:end])
