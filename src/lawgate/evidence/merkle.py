"""The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: growing, proving, verifying.

Rule 1: iterative and bounded; no input makes it recurse, and every loop is as long as a size has bits.
Rule 2: sizes are below 2**63; hashes are 32 bytes; anything else is a ``ProofError``.
Rule 3: a proof of consistency from the empty tree says nothing and is refused.

``HashReader`` asks for the hash of a complete subtree: ``(level, index)`` covers the entries
``index * 2**level`` up to, not including, ``(index + 1) * 2**level``.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias

from lawgate.evidence.errors import EvidenceInputError

HASH_SIZE = 32
SIZE_LIMIT = 2**63
EMPTY_ROOT = sha256(b"").digest()
"""The root of no entries (RFC 9162 section 2.1.1)."""

_SIZE = struct.Struct(">Q")

HashReader: TypeAlias = Callable[[int, int], bytes]


class ProofError(EvidenceInputError):
    """A proof, or the tree it was to be made from, does not hold."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry's bytes (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """All of a tree that appending needs: its size and the roots of its complete subtrees.

    ``peaks`` are ordered from the oldest and largest subtree to the newest and smallest; there is
    one for each bit that is set in ``size``.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if not 0 <= size < SIZE_LIMIT:
            message = f"a tree cannot have {size} entries"
            raise ProofError(message)
        if len(peaks) != size.bit_count() or any(len(peak) != HASH_SIZE for peak in peaks):
            message = f"a tree of {size} entries has {size.bit_count()} peaks of {HASH_SIZE} bytes"
            raise ProofError(message)
        self._size = size
        self._peaks = list(peaks)

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add one entry by its leaf hash; two hashes on average, 63 at most."""
        if len(leaf) != HASH_SIZE:
            message = f"a leaf hash has {HASH_SIZE} bytes, not {len(leaf)}"
            raise ProofError(message)
        if self._size + 1 >= SIZE_LIMIT:
            message = "the tree is full"
            raise ProofError(message)
        carried, peaks, hashed = self._size, self._peaks, leaf
        while carried & 1:
            hashed = sha256(b"\x01" + peaks.pop() + hashed).digest()
            carried >>= 1
        peaks.append(hashed)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root hash at this size."""
        if not self._peaks:
            return EMPTY_ROOT
        return _fold(self._peaks)

    def copy(self) -> "Frontier":
        """An independent frontier of the same tree."""
        return Frontier(self._size, self._peaks)

    def to_bytes(self) -> bytes:
        """Size as a big-endian 64-bit integer, then the peaks."""
        return _SIZE.pack(self._size) + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Read ``to_bytes``; raises ``ProofError``."""
        start = _SIZE.size
        if len(data) < start or (len(data) - start) % HASH_SIZE:
            message = f"a frontier cannot have {len(data)} bytes"
            raise ProofError(message)
        (size,) = _SIZE.unpack_from(data)
        return cls(size, [data[at : at + HASH_SIZE] for at in range(start, len(data), HASH_SIZE)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join complete subtrees, largest first, into one root (RFC 9162 section 2.1.1)."""
    hashed = peaks[-1]
    for peak in reversed(peaks[:-1]):
        hashed = sha256(b"\x01" + peak + hashed).digest()
    return hashed


def _range_root(reader: HashReader, start: int, end: int) -> bytes:
    """Root of the entries from ``start`` to ``end``; ``start`` is a multiple of the largest power of two within."""
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(reader(level, start >> level))
        start += 1 << level
    return _fold(peaks)


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``, which is at least 2 (RFC 9162 section 2.1.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over a few leaf hashes held in memory (RFC 9162 section 2.1.1).

    Pairing neighbours and carrying an odd last one upwards gives the same tree as the definition.
    """
    row = list(hashes)
    while len(row) > 1:
        row = _row_above(row)
    return row[0] if row else EMPTY_ROOT


def path_of(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Sibling hashes from the leaf up that prove ``hashes[index]`` under ``root_of(hashes)``."""
    if not 0 <= index < len(hashes):
        message = f"a tree of {len(hashes)} entries has no entry {index}"
        raise ProofError(message)
    row, node, path = list(hashes), index, []
    while len(row) > 1:
        if node ^ 1 < len(row):
            path.append(row[node ^ 1])
        row, node = _row_above(row), node >> 1
    return path


def _row_above(row: list[bytes]) -> list[bytes]:
    above = [sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
    if len(row) & 1:
        above.append(row[-1])
    return above


def root_at(reader: HashReader, size: int) -> bytes:
    """The root hash of the first ``size`` entries."""
    if not 0 <= size < SIZE_LIMIT:
        message = f"a tree cannot have {size} entries"
        raise ProofError(message)
    return _range_root(reader, 0, size) if size else EMPTY_ROOT


def inclusion_path(reader: HashReader, index: int, size: int) -> list[bytes]:
    """Sibling hashes from the leaf up that prove entry ``index`` in a tree of ``size`` (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size < SIZE_LIMIT:
        message = f"a tree of {size} entries has no entry {index}"
        raise ProofError(message)
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(reader, middle, end))
            end = middle
        else:
            path.append(_range_root(reader, start, middle))
            start = middle
    path.reverse()
    return path


def consistency_path(reader: HashReader, old: int, new: int) -> list[bytes]:
    """Hashes that prove that the tree of ``new`` entries extends that of ``old`` (RFC 9162 section 2.1.4.1)."""
    if not 0 < old <= new < SIZE_LIMIT:
        message = f"no consistency proof leads from size {old} to size {new}"
        raise ProofError(message)
    start, end, path = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(reader, middle, end))
            end = middle
        else:
            path.append(_range_root(reader, start, middle))
            start = middle
    if start:  # else the old root itself is the first hash, and the verifier has it
        path.append(_range_root(reader, start, end))
    path.reverse()
    return path


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that ``path`` leads to from a leaf hash (RFC 9162 section 2.1.3.2); raises ``ProofError``."""
    # 1. "If leaf_index is greater than or equal to tree_size, then fail the proof verification."
    if not 0 <= index < size < SIZE_LIMIT:
        message = f"a tree of {size} entries has no entry {index}"
        raise ProofError(message)
    _check_hashes(leaf, *path)
    # 2, 3. Set fn to leaf_index, sn to tree_size - 1, r to hash.
    node, last, hashed = index, size - 1, leaf
    # 4. For each value p in the inclusion path:
    for sibling in path:
        if last == 0:  # 4a
            message = "the inclusion path is too long"
            raise ProofError(message)
        if node & 1 or node == last:  # 4b
            hashed = node_hash(sibling, hashed)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, sibling)
        node >>= 1  # 4c
        last >>= 1
    # 5. "Compare sn to 0."
    if last:
        message = "the inclusion path is too short"
        raise ProofError(message)
    return hashed


def verify_inclusion(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Raise ``ProofError`` unless ``path`` proves that leaf hash at ``index`` under ``root``."""
    if root_from_inclusion(index, size, leaf_hash, path) != root:
        message = f"the inclusion path of entry {index} leads to another root"
        raise ProofError(message)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raise ``ProofError`` unless ``path`` proves that ``new`` extends ``old`` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new < SIZE_LIMIT:
        message = f"no consistency proof leads from size {old} to size {new}"
        raise ProofError(message)
    if old == new:
        if path or old_root != new_root:
            message = f"two trees of {old} entries differ, or their proof is not empty"
            raise ProofError(message)
        return
    if not path:  # 1. "If consistency_path is an empty array, stop and fail"
        message = "the consistency path is empty"
        raise ProofError(message)
    _check_hashes(old_root, new_root, *path)
    # 2. "If first is an exact power of 2, then prepend first_hash to the consistency_path array."
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    old_found, new_found = _roots_from_consistency(old, new, hashes)
    # 7. Both roots must come out.
    if old_found != old_root or new_found != new_root:
        message = f"the tree of {new} entries does not extend the tree of {old}"
        raise ProofError(message)


def _roots_from_consistency(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Steps 3 to 6 of RFC 9162 section 2.1.4.2."""
    node, last = old - 1, new - 1  # 3
    while node & 1:  # 4
        node >>= 1
        last >>= 1
    old_found = new_found = hashes[0]  # 5
    for sibling in hashes[1:]:  # 6
        if last == 0:  # 6a
            message = "the consistency path is too long"
            raise ProofError(message)
        if node & 1 or node == last:  # 6b
            old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            new_found = node_hash(new_found, sibling)
        node >>= 1  # 6c
        last >>= 1
    if last:  # 7
        message = "the consistency path is too short"
        raise ProofError(message)
    return old_found, new_found


def _check_hashes(*hashes: bytes) -> None:
    if any(len(item) != HASH_SIZE for item in hashes):
        message = f"a hash has {HASH_SIZE} bytes"
        raise ProofError(message)
