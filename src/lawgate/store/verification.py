"""Verifies a whole store: the log's own checks, and what only the store can check.

Rule 1: read-only; it needs no running node, and with a running one it checks what is there.
Rule 2: every check runs to the end; a damaged row is a failed check, never an exception.
Rule 3: without keys nothing is opened and nothing is claimed about content; a destroyed key is not a
    failure: that is how the log forgets.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import Checkpoint
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import Leaf, decode_leaf
from lawgate.evidence.merkle import leaf_hash
from lawgate.evidence.parts import commitment
from lawgate.evidence.tiles import WIDTH, decode_bundle, entries_path
from lawgate.evidence.verify import Check, Report, verify_chain, verify_note, verify_parts, verify_tiles
from lawgate.store.files import StorePaths, read_if_there, read_vkey
from lawgate.store.keys import KeyDatabase
from lawgate.store.reader import StoredEntry, StoreReader

TILE_ATTEMPTS: Final = 3


def verify_store(paths: StorePaths, keys: KeyDatabase | None = None, notes: Sequence[bytes] = ()) -> Report:
    """Check everything; ``notes`` are signed checkpoints kept elsewhere. Raises ``EvidenceError`` only if
    the store cannot be read at all.
    """
    reader = StoreReader(paths, keys)
    try:
        return _Verification(paths, reader, notes).report(opening=keys is not None)
    finally:
        reader.close()


class _Tally:
    """Counts one check; keeps the first problem."""

    def __init__(self, name: str, passed: str) -> None:
        self.name = name
        self.passed = passed
        self.checked = 0
        self.failed = 0
        self.first_bad: int | None = None
        self.problem = ""

    def record(self, index: int | None, problem: str | None) -> None:
        self.checked += 1
        if problem is not None:
            if not self.failed:
                self.first_bad, self.problem = index, problem if index is None else f"entry {index}: {problem}"
            self.failed += 1

    def check(self) -> Check:
        return Check(self.name, not self.failed, self.checked, self.failed, self.first_bad, self.problem or self.passed)


class _Verification:
    """One run over a store."""

    def __init__(self, paths: StorePaths, reader: StoreReader, notes: Sequence[bytes]) -> None:
        self._paths = paths
        self._reader = reader
        self._notes = notes
        self._vkey = read_vkey(paths)
        self._hashes: list[bytes] = []
        self._destroyed = 0
        self._indexes = _Tally("indexes", "indexes run from 0 without a hole")
        self._columns = _Tally("columns", "the search columns say what the leaves say")

    def report(self, *, opening: bool) -> Report:
        signatures, heads = self._heads()
        snapshot = self._reader.snapshot()
        tail = snapshot.entries()
        report = verify_chain(chain(self._walk(snapshot.size), [entry.row.leaf for entry in tail]), heads)
        checks = [*signatures, self._indexes.check(), self._columns.check()]
        checks.append(verify_parts(self._commitments(snapshot.size)))
        checks.append(self._tiles())
        checks.append(self._bundles())
        if opening:
            checks.append(self._content(snapshot.size, tail))
        return report.with_checks(*checks)

    # --- heads

    def _heads(self) -> tuple[list[Check], list[Checkpoint]]:
        checks: list[Check] = []
        heads: list[Checkpoint] = []
        published, pinned = self._reader.checkpoint(), read_if_there(self._paths.pinned)
        named = [("checkpoint", published), ("pinned checkpoint", pinned)]
        for name, note in [*named, *[("given checkpoint", note) for note in self._notes]]:
            check, head = _check_note(name, note, self._vkey, self._reader.origin)
            checks.append(check)
            if head is not None and head not in heads:
                heads.append(head)
        return checks, heads

    # --- entries

    def _walk(self, size: int) -> Iterator[bytes]:
        expected = 0
        for entry in self._reader.indexed(newest_first=False, size=size):
            hole = None if entry.index == expected else f"follows entry {expected - 1}: entries are missing"
            self._indexes.record(entry.index, hole)
            expected = (entry.index or 0) + 1
            self._columns.record(entry.index, _column_problem(entry))
            self._hashes.append(leaf_hash(entry.row.leaf))
            yield entry.row.leaf

    def _commitments(self, size: int) -> Iterator[tuple[bytes, Sequence[bytes]]]:
        for entry in self._reader.indexed(newest_first=False, size=size):
            try:
                commitments = [part.commitment for part in entry.part_rows()]
            except EvidenceError:
                commitments = [b""]  # no leaf commits to this, so the check fails as it should
            yield entry.row.leaf, commitments

    # --- tiles

    def _tiles(self) -> Check:
        """Tiles follow the published head; a running integrator may move it meanwhile."""
        note = self._reader.checkpoint()
        check = self._tiles_under(note)
        for _ in range(TILE_ATTEMPTS):
            later = self._reader.checkpoint()
            if check.ok or later == note:
                break
            note, check = later, self._tiles_under(later)
        return check

    def _tiles_under(self, note: bytes | None) -> Check:
        return verify_tiles(self._hashes[: self._signed(note)], self._reader.tile)

    def _bundles(self) -> Check:
        tally = _Tally("bundles", "every full entry bundle holds the entries")
        size = self._signed(self._reader.checkpoint())
        for index in range(min(size, len(self._hashes)) // WIDTH):
            path, start = entries_path(index), index * WIDTH
            tally.record(start, self._bundle_problem(path, self._hashes[start : start + WIDTH]))
        return tally.check()

    def _bundle_problem(self, path: str, hashes: Sequence[bytes]) -> str | None:
        try:
            entries = decode_bundle(self._reader.tile(path) or b"")
        except EvidenceInputError:
            return f"{path} is missing or damaged"
        return None if [leaf_hash(entry) for entry in entries] == hashes else f"{path} was changed"

    def _signed(self, note: bytes | None) -> int:
        _, head = verify_note(note or b"", self._vkey)
        return 0 if head is None else head.size

    # --- content

    def _content(self, size: int, tail: Iterable[StoredEntry]) -> Check:
        tally = _Tally("content", "")
        for entry in chain(self._reader.indexed(newest_first=False, size=size), tail):
            tally.record(entry.index, self._content_problem(entry))
        opened = "every part opens and is what its leaf commits to"
        tally.passed = f"{opened}; {self._destroyed} parts are destroyed" if self._destroyed else opened
        return tally.check()

    def _content_problem(self, entry: StoredEntry) -> str | None:
        try:
            rows = entry.part_rows()
            for number, row in enumerate(rows):
                part = self._reader.open_one(entry, number, row)
                if part.destroyed:
                    self._destroyed += 1
                elif part.plaintext is None or part.secret is None:
                    return f"part {row.label} does not open: {part.damaged}"
                elif commitment(part.secret, row.label, sha256(part.plaintext).digest()) != row.commitment:
                    return f"part {row.label} is not what its leaf commits to"
        except (EvidenceError, EvidenceInputError) as error:
            return str(error)
        return None


def _check_note(name: str, note: bytes | None, vkey: str, origin: str) -> tuple[Check, Checkpoint | None]:
    tally = _Tally("signature", f"the log signed the {name}")
    if note is None:
        tally.record(None, f"the {name} is missing")
        return tally.check(), None
    check, head = verify_note(note, vkey)
    problem = None if check.ok else f"{name}: {check.detail}"
    if head is not None and head.origin != origin:
        problem, head = f"{name}: it is of another log than {origin}", None
    tally.record(None, problem)
    return tally.check(), head


def _column_problem(entry: StoredEntry) -> str | None:
    row = entry.row
    try:
        leaf: Leaf = decode_leaf(row.leaf)
    except EvidenceInputError:
        return None  # the leaf's own check says so
    said = (row.kind, row.id, row.ts, entry.node, row.nseq)
    return None if said == (leaf.kind, leaf.id, leaf.ts, leaf.node, leaf.nseq) else "a search column was changed"
