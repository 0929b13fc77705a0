"""Reading the evidence, also from another process while the node runs.

Rule 1: read-only. Nothing here can change what it reads.
Rule 2: an entry that was recorded is found, indexed or not, and once: the journals' unindexed tail is
    read first; then one statement says what of it was indexed meanwhile, and where the index ended.
Rule 3: who reads is recorded by the caller, before the parts are opened: a read is an entry.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, NamedTuple, TypeVar

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import open_checkpoint
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import inclusion_path
from lawgate.evidence.proof import Proof, encode_proof
from lawgate.evidence.tiles import reader_from_tiles
from lawgate.store.blind import blind_principal
from lawgate.store.files import StorePaths, read_if_there, read_vkey
from lawgate.store.filters import EntryFilter
from lawgate.store.group import EntryRow, PartRow, SeriesRow, decode_parts, decode_series
from lawgate.store.journals import JournalRow, Journals
from lawgate.store.keys import KeyDatabase
from lawgate.store.schema import EVIDENCE
from lawgate.store.sealing import KeyPair, open_frames, open_part
from lawgate.store.sqlite import get_meta, open_reader, unavailable
from lawgate.store.watermarks import START, read_places, read_places_and_size

PAGE: Final = 256
ATTEMPTS: Final = 5
_COLUMNS: Final = (
    "idx, node, id, nseq, kind, ts, owner, exchange, principal, subject, connection, purpose, "
    "state, outcome, code, CAST(leaf AS BLOB), CAST(parts AS BLOB)"
)
# SQLite keeps whatever type a tamperer wrote into a column; a cast keeps that from being an exception here.
_FRAMES: Final = "SELECT number, CAST(ciphertext AS BLOB) FROM frames WHERE series = ?"
_SERIES: Final = "SELECT CAST(head AS BLOB) FROM series WHERE id = ?"
_UNSIGNED: Final = "is not under a signed checkpoint yet; try again in a second"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry. ``index`` is ``None`` until the integrator has given it one."""

    index: int | None
    node: str
    row: EntryRow

    def part_rows(self) -> list[PartRow]:
        """Its parts as they are stored. Raises ``EvidenceError`` if they are damaged."""
        return decode_parts(self.row.parts, f"entry {self.row.id}")


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """A part's content, or why there is none: ``destroyed`` (a key was) or ``damaged`` (it does not open)."""

    label: str
    plaintext: bytes | None
    destroyed: bool = False
    damaged: str | None = None
    secret: bytes | None = None

    def __repr__(self) -> str:
        return f"OpenedPart({self.label!r}, destroyed={self.destroyed}, damaged={self.damaged!r})"


class Snapshot(NamedTuple):
    """The unindexed tail and the size of the index that it follows."""

    tail: list[JournalRow]
    size: int

    def entries(self) -> list[StoredEntry]:
        """The tail's entries, oldest first; a node's own order is kept."""
        found = [StoredEntry(None, row.node, entry) for row in self.tail for entry in row.group.entries]
        return sorted(found, key=lambda entry: (entry.row.ts, entry.node, entry.row.nseq))


class StoreReader:
    """The store for reading; ``keys`` only where parts are to be opened or principals to be found."""

    def __init__(self, paths: StorePaths, keys: KeyDatabase | None = None) -> None:
        self._paths = paths
        self._keys = keys
        self._db = open_reader(paths.index, EVIDENCE)
        self._journals = Journals(paths)

    def close(self) -> None:
        """Close the connections; the keys are the caller's."""
        self._journals.close()
        self._db.close()

    @property
    def origin(self) -> str:
        """The name of the log."""
        return str(get_meta(self._db, "origin"))

    # --- finding

    def entries(
        self, which: EntryFilter | None = None, *, newest_first: bool = True, limit: int | None = None
    ) -> Iterator[StoredEntry]:
        """Entries in index order (or against it); the unindexed ones are the newest."""
        which = which or EntryFilter()
        snapshot = self.snapshot()
        fits = which.predicate(self._blinded)
        tail = [entry for entry in snapshot.entries() if fits(entry.row)]
        indexed = self.indexed(*which.sql(self._blinded), newest_first=newest_first, size=snapshot.size)
        found = chain(reversed(tail), indexed) if newest_first else chain(indexed, tail)
        return islice(found, limit)

    def at(self, index: int) -> StoredEntry | None:
        """The entry with an index."""
        return next(self.indexed("idx = ?", [index], newest_first=False, size=index + 1), None)

    def exchange(self, exchange: str) -> list[StoredEntry]:
        """All entries of and about one exchange, oldest first."""
        return list(self.entries(EntryFilter(exchange=exchange), newest_first=False))

    def indexed(
        self, where: str = "1", values: list[object] | None = None, *, newest_first: bool, size: int
    ) -> Iterator[StoredEntry]:
        """Entries below ``size``, page by page: a long read transaction would keep the WAL from being copied."""
        bounds, order = ("idx < ? AND idx >= 0", "DESC") if newest_first else ("idx > ? AND idx < ?", "ASC")
        sql = f"SELECT {_COLUMNS} FROM entries WHERE {bounds} AND {where} ORDER BY idx {order} LIMIT {PAGE}"  # noqa: S608 - our own terms; values are bound
        at = size if newest_first else -1
        while page := self.fetch_all(sql, *([at] if newest_first else [at, size]), *(values or ())):
            for index, node, *row in page:
                yield StoredEntry(index, node, EntryRow(*row))
            at = page[-1][0]

    def snapshot(self) -> Snapshot:
        """What is not indexed, and where the index ends (rule 2)."""
        for attempt in range(ATTEMPTS):
            places = self._read(read_places)
            try:
                nodes = self._journals.nodes()
                rows = [row for node in nodes for row in self._journals.tail(node, places.get(node, START))]
            except EvidenceError:
                # The node prunes what was indexed while we read; if nothing was, the rows are really gone.
                if attempt == ATTEMPTS - 1 or self._read(read_places) == places:
                    raise
                continue
            places, size = self._read(read_places_and_size)
            return Snapshot([row for row in rows if row.after.seq > places.get(row.node, START).seq], size)
        raise AssertionError

    # --- opening

    def open_parts(self, entry: StoredEntry) -> dict[str, OpenedPart]:
        """Every part of an entry, by label. Needs keys."""
        return {row.label: self.open_one(entry, number, row) for number, row in enumerate(entry.part_rows())}

    def open_one(self, entry: StoredEntry, number: int, row: PartRow) -> OpenedPart:
        """One part. Needs keys."""
        keys = self.find_keys(row.owner, row.bucket)
        if keys is None:
            return OpenedPart(row.label, None, destroyed=True)
        try:
            if row.series:
                return self._open_series(row, keys)
            plaintext, secret = open_part(entry.row.id, number, row, keys)
        except EvidenceInputError as error:
            return OpenedPart(row.label, None, damaged=str(error))
        return OpenedPart(row.label, plaintext, secret=secret)

    def find_keys(self, owner: int, bucket: int) -> KeyPair | None:
        """Both keys of a part, or ``None`` when either was destroyed. Raises ``EvidenceError`` without a key store."""
        if self._keys is None:
            msg = "parts cannot be opened without the keys directory; give its path and the key-encryption key"
            raise EvidenceError(msg)
        owner_key = self._keys.owner_key(owner)
        bucket_key = None if owner_key is None else self._keys.bucket_key(bucket)
        return None if owner_key is None or bucket_key is None else KeyPair(owner_key, bucket_key)

    def series(self, series_id: str) -> tuple[SeriesRow, list[bytes]]:
        """The head of a series and its frames from 0 up to the first that is missing."""
        head: SeriesRow | None = None
        frames: dict[int, bytes] = {}
        for row in self.snapshot().tail:
            for frame in row.group.frames:
                if frame.series == series_id:
                    frames[frame.number] = frame.ciphertext
                    head = frame.opens or head
        rows = self.fetch_all(_SERIES, series_id)
        if rows:
            head = decode_series(rows[0][0], f"series {series_id}")
        if head is None:
            msg = f"the windows of series {series_id} are missing; run 'lawgate verify'"
            raise EvidenceError(msg)
        frames |= dict(self.fetch_all(_FRAMES, series_id))
        return head, without_hole(frames)

    def _open_series(self, row: PartRow, keys: KeyPair) -> OpenedPart:
        try:
            head, frames = self.series(row.series)
        except EvidenceError as error:
            return OpenedPart(row.label, None, damaged=str(error))
        if len(frames) < row.frames:
            return OpenedPart(row.label, None, damaged=f"{len(frames)} of {row.frames} windows are there")
        plaintexts, secret = open_frames(head, frames[: row.frames], keys)
        return OpenedPart(row.label, b"".join(plaintexts), secret=secret)

    # --- proving

    def checkpoint(self) -> bytes | None:
        """The published signed note."""
        return read_if_there(self._paths.checkpoint)

    def tile(self, path: str) -> bytes | None:
        """The bytes of a tile; of a partial one also when a wider one has replaced it."""
        return read_if_there(self._paths.evidence / path) or self._narrowed(path)

    def proof(self, entry: StoredEntry) -> bytes:
        """A C2SP tlog-proof of one entry under the published checkpoint. Raises ``EvidenceError``."""
        note = self.checkpoint()
        if note is None or entry.index is None:
            raise EvidenceError(f"entry {entry.row.id} {_UNSIGNED}")
        try:
            head, _ = open_checkpoint(note, read_vkey(self._paths))
            if entry.index >= head.size:
                raise EvidenceError(f"entry {entry.row.id} {_UNSIGNED}")
            path = inclusion_path(reader_from_tiles(self.tile, head.size), entry.index, head.size)
        except EvidenceInputError as error:
            msg = f"no proof can be made: {error}; run 'lawgate verify'"
            raise EvidenceError(msg) from error
        return encode_proof(Proof(entry.index, tuple(path), note))

    # --- the database

    def fetch_all(self, sql: str, *values: object) -> list[Any]:
        """All rows of a statement. Raises ``StoreUnavailableError``."""
        return self._read(lambda db: db.execute(sql, values).fetchall())

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return read(self._db)
        except sqlite3.Error as error:
            raise unavailable(self._paths.index, error) from error

    def _narrowed(self, path: str) -> bytes | None:
        stem, partial, width = path.rpartition(".p/")
        if not partial or stem.startswith("tile/entries/"):
            return None
        wider = sorted((self._paths.evidence / f"{stem}.p").glob("[0-9]*"), key=lambda found: int(found.name))
        content = read_if_there(wider[-1]) if wider else None
        return None if content is None else content[: 32 * int(width)]

    def _blinded(self, principal: str) -> bytes:
        if self._keys is None:
            msg = "entries are found by principal only with the keys directory: the index holds no names"
            raise EvidenceError(msg)
        return blind_principal(self._keys.index_key, principal)


def without_hole(frames: dict[int, bytes]) -> list[bytes]:
    """The frames from 0 up to the first that is missing."""
    found: list[bytes] = []
    while (frame := frames.get(len(found))) is not None:
        found.append(frame)
    return found
