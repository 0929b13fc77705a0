"""The tree and its entries as C2SP tlog-tiles: files that never change once written.

Rule 1: a tile holds up to 256 hashes; level 0 holds leaf hashes, each level above the roots of the
full tiles below. A full tile has no ``.p/<width>`` in its path.
Rule 2: tiles are not believed. What is read from them is proved against a checkpoint's root.
Rule 3: growing writes new paths only; a partial tile may be deleted once a wider one is signed.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import HASH_SIZE, SIZE_LIMIT, Frontier, HashReader, root_of

WIDTH: Final = 256
HEIGHT: Final = 8
TILE_SIZE: Final = WIDTH * HASH_SIZE
ENTRY_SIZE_MAX: Final = 0xFFFF
LEVELS: Final = 8
"""Tile levels that a tree of fewer than 2**63 entries can have."""

Fetch: TypeAlias = Callable[[str], bytes | None]
"""Gives the bytes stored at a tile path, or ``None``."""

_LENGTH: Final = struct.Struct(">H")


class TileError(EvidenceInputError):
    """A tile or an entry bundle is missing, or has another length than the tree's size says."""


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """``tile/0/x001/x234/067``, with ``.p/<width>`` for a partial tile."""
    if not 0 <= level < 64:  # noqa: PLR2004 - C2SP tlog-tiles: "an integer between 0 and 63"
        message = f"tiles have levels 0 to 63, not {level}"
        raise TileError(message)
    return f"tile/{level}/{_index_path(index, width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """``tile/entries/x001/x234/067``, with ``.p/<width>`` for a partial bundle."""
    return f"tile/entries/{_index_path(index, width)}"


def _index_path(index: int, width: int) -> str:
    if not 0 <= index < SIZE_LIMIT or not 1 <= width <= WIDTH:
        message = f"no tile has index {index} and width {width}"
        raise TileError(message)
    elements = [f"{index % 1000:03d}"]
    rest = index // 1000
    while rest:
        elements.append(f"x{rest % 1000:03d}")
        rest //= 1000
    path = "/".join(reversed(elements))
    return path if width == WIDTH else f"{path}.p/{width}"


# --- growing


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending did: the new size, the partial tile of each level, and the tiles to write.

    ``edges[level]`` is the content of the rightmost tile of that level, empty when all its tiles are
    full; hand it to the next ``grow``. ``tiles`` are (path, content), lower levels first.
    """

    size: int
    edges: tuple[bytes, ...]
    tiles: tuple[tuple[str, bytes], ...]


def grow(size: int, edges: Sequence[bytes], leaf_hashes: Iterable[bytes]) -> Growth:
    """Append leaf hashes to a tree of ``size`` whose partial tiles are ``edges``; pure, raises ``TileError``."""
    check_edges(size, edges)
    added = list(leaf_hashes)
    if any(len(item) != HASH_SIZE for item in added):
        message = f"a leaf hash has {HASH_SIZE} bytes"
        raise TileError(message)
    new_size = size + len(added)
    if new_size >= SIZE_LIMIT:
        message = "the tree is full"
        raise TileError(message)
    tiles: list[tuple[str, bytes]] = []
    new_edges = list(edges)
    level = 0
    while added:
        if level == len(new_edges):
            new_edges.append(b"")
        row = new_edges[level] + b"".join(added)
        index = (size >> (HEIGHT * level)) // WIDTH
        added, new_edges[level] = _cut(level, index, row, tiles)
        level += 1
    return Growth(new_size, tuple(new_edges), tuple(tiles))


def _cut(level: int, index: int, row: bytes, tiles: list[tuple[str, bytes]]) -> tuple[list[bytes], bytes]:
    """Cut one level's new hashes into tiles; gives the roots for the level above and the partial tile."""
    roots = []
    whole = len(row) - len(row) % TILE_SIZE
    for start in range(0, whole, TILE_SIZE):
        tile = row[start : start + TILE_SIZE]
        tiles.append((tile_path(level, index), tile))
        roots.append(root_of(_hashes(tile)))
        index += 1
    edge = row[whole:]
    if edge:
        tiles.append((tile_path(level, index, len(edge) // HASH_SIZE), edge))
    return roots, edge


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]


def check_edges(size: int, edges: Sequence[bytes]) -> None:
    """Raise ``TileError`` unless the partial tiles have the widths that ``size`` says."""
    if not 0 <= size < SIZE_LIMIT:
        message = f"a tree cannot have {size} entries"
        raise TileError(message)
    widths = [(size >> (HEIGHT * level)) % WIDTH for level in range(LEVELS)]
    found = [len(edge) for edge in edges] + [0] * (LEVELS - len(edges))
    if found != [width * HASH_SIZE for width in widths]:
        message = f"the partial tiles do not belong to a tree of {size} entries; load them again"
        raise TileError(message)


def load_edges(fetch: Fetch, size: int) -> tuple[bytes, ...]:
    """The partial tiles of a stored tree, for the first ``grow`` after a start; raises ``TileError``."""
    edges = []
    level = 0
    while size >> (HEIGHT * level):
        count = size >> (HEIGHT * level)
        edges.append(_load(fetch, level, count // WIDTH, count % WIDTH) if count % WIDTH else b"")
        level += 1
    return tuple(edges)


def frontier_of(size: int, edges: Sequence[bytes]) -> Frontier:
    """The frontier of a tree, from its partial tiles; raises ``TileError``."""
    check_edges(size, edges)
    peaks = []
    for edge in reversed(edges):
        hashes, start = _hashes(edge), 0
        while start < len(hashes):
            count = 1 << ((len(hashes) - start).bit_length() - 1)
            peaks.append(root_of(hashes[start : start + count]))
            start += count
    return Frontier(size, peaks)


# --- reading


def reader_from_tiles(fetch: Fetch, size: int) -> HashReader:
    """Read complete-subtree hashes of a tree of ``size`` out of its tiles; raises ``TileError``.

    Keeps the last tile of each level, so that one proof fetches few tiles more than once.
    """
    kept: dict[int, tuple[int, bytes]] = {}

    def tile(level: int, index: int) -> bytes:
        held = kept.get(level)
        if held is not None and held[0] == index:
            return held[1]
        width = min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)
        content = _load(fetch, level, index, width)
        kept[level] = (index, content)
        return content

    def read(level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > size:
            message = f"a tree of {size} entries has no complete subtree {index} of level {level}"
            raise TileError(message)
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        at = first % WIDTH * HASH_SIZE
        return root_of(_hashes(tile(tile_level, first // WIDTH)[at : at + (HASH_SIZE << height)]))

    return read


def _load(fetch: Fetch, level: int, index: int, width: int) -> bytes:
    content = fetch(tile_path(level, index, width))
    if content is None and width < WIDTH:
        # "MAY delete any partial tile once the corresponding full tile is available" (C2SP tlog-tiles)
        whole = fetch(tile_path(level, index))
        content = None if whole is None or len(whole) != TILE_SIZE else whole[: width * HASH_SIZE]
    if content is None or len(content) != width * HASH_SIZE:
        message = f"{tile_path(level, index, width)} is missing or has another width"
        raise TileError(message)
    return content


# --- entry bundles


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Up to 256 entries, each after its length in 16 bits, big-endian; raises ``TileError``."""
    if not 1 <= len(entries) <= WIDTH:
        message = f"a bundle holds 1 to {WIDTH} entries, not {len(entries)}"
        raise TileError(message)
    if any(len(entry) > ENTRY_SIZE_MAX for entry in entries):
        message = f"an entry has at most {ENTRY_SIZE_MAX} bytes"
        raise TileError(message)
    return b"".join([_LENGTH.pack(len(entry)) + entry for entry in entries])


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; raises ``TileError``."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if len(entries) == WIDTH or at + _LENGTH.size > len(data):
            message = "a bundle has too many entries or ends within a length"
            raise TileError(message)
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            message = "a bundle ends within an entry"
            raise TileError(message)
        entries.append(data[at : at + length])
        at += length
    if not entries:
        message = "a bundle holds at least one entry"
        raise TileError(message)
    return entries
