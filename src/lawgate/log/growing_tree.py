"""The tree as the integrator holds it between two heads: frontier, partial tiles, partial bundle.

Rule: pure bookkeeping over ``lawgate.evidence``; the store's state comes in, tiles to write go out.
"""

from collections.abc import Callable, Sequence

from lawgate.evidence.checkpoint import Checkpoint
from lawgate.evidence.merkle import Frontier, leaf_hash
from lawgate.evidence.tiles import (
    HEIGHT,
    WIDTH,
    Fetch,
    encode_bundle,
    entries_path,
    frontier_of,
    grow,
    load_edges,
    tile_path,
)

ReadLeaves = Callable[[int, int], Sequence[bytes]]
"""(start, end) -> stored leaves, ``end`` excluded."""


class GrowingTree:
    """Grows by leaves; hands out each tile once."""

    __slots__ = ("_bundle", "_edges", "_frontier")

    def __init__(self, frontier: Frontier, edges: tuple[bytes, ...], bundle: Sequence[bytes]) -> None:
        self._frontier = frontier
        self._edges = edges
        self._bundle = list(bundle)

    @classmethod
    def empty(cls) -> "GrowingTree":
        """The tree of no entries."""
        return cls(Frontier(), (), ())

    @classmethod
    def from_tiles(cls, size: int, fetch: Fetch, leaves: ReadLeaves) -> "GrowingTree":
        """The tree whose tiles are stored up to ``size``. Raises ``TileError`` if they do not fit."""
        edges = load_edges(fetch, size)
        return cls(frontier_of(size, edges), edges, leaves(size - size % WIDTH, size))

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._frontier.size

    @property
    def frontier(self) -> bytes:
        """What the store keeps with the entries."""
        return self._frontier.to_bytes()

    def head(self, origin: str) -> Checkpoint:
        """The tree head to sign."""
        return Checkpoint(origin, self._frontier.size, self._frontier.root())

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """Append leaves; gives the full tiles and entry bundles to write (path, content)."""
        hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = grow(self.size, self._edges, hashes)
        bundles = self._bundles(leaves)
        self._frontier.extend(hashes)
        self._edges = growth.edges
        return [*bundles, *[tile for tile in growth.tiles if ".p/" not in tile[0]]]

    def partial_tiles(self) -> list[tuple[str, bytes]]:
        """The partial tiles and bundle at this size: written before a head is signed, garbage after a wider one."""
        size, found = self.size, []
        for level, edge in enumerate(self._edges):
            if edge:
                index, width = divmod(size >> (HEIGHT * level), WIDTH)
                found.append((tile_path(level, index, width), edge))
        if self._bundle:
            found.append((entries_path(size // WIDTH, len(self._bundle)), encode_bundle(self._bundle)))
        return found

    def _bundles(self, leaves: Sequence[bytes]) -> list[tuple[str, bytes]]:
        row = [*self._bundle, *leaves]
        index = self.size // WIDTH
        found = []
        while len(row) >= WIDTH:
            found.append((entries_path(index), encode_bundle(row[:WIDTH])))
            row = row[WIDTH:]
            index += 1
        self._bundle = row
        return found
