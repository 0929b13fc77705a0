"""The integrated log on SQLite: implements ``ports.LogStore`` for the one integrator.

Rule 1: only the holder of ``integrator.lock`` writes ``evidence.db``, tiles and checkpoints.
Rule 2: entries, how far each journal was followed, and the tree's frontier are one transaction: a
    crash never integrates an entry twice or loses one.
Rule 3: tiles can be made again from the entries, so only full ones are synced.
Rule 4: a checkpoint is pinned beside the keys before anyone can see it.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lawgate.domain.errors import EvidenceError
from lawgate.ports import PendingEntries
from lawgate.store.files import FileLock, StorePaths, read_if_there, read_private, read_vkey, replace_file
from lawgate.store.group import EntryRow, encode
from lawgate.store.insert import Insert
from lawgate.store.journals import READ_B_MAX, JournalRow, Journals, Place
from lawgate.store.origin import seed_from_pem
from lawgate.store.schema import EVIDENCE
from lawgate.store.sqlite import Durability, get_meta, open_database, transaction, unavailable
from lawgate.store.watermarks import START, read_places

_ENTRY_COLUMNS: Final = (
    "idx, node, id, nseq, kind, ts, owner, exchange, principal, subject, connection, purpose, "
    "state, outcome, code, leaf, parts"
)
_INSERT_ENTRIES: Final = Insert(f"INSERT INTO entries({_ENTRY_COLUMNS})", 17)
_INSERT_FRAMES: Final = Insert("INSERT INTO frames(series, number, ciphertext)", 3)
_INSERT_SERIES: Final = Insert("INSERT INTO series(id, exchange, node, owner, head)", 5)
_SET_OPEN: Final = "INSERT OR REPLACE INTO open_exchanges(exchange, node, idx) VALUES (?,?,?)"
_SET_CLOSED: Final = "DELETE FROM open_exchanges WHERE exchange IN (SELECT value FROM json_each(?))"
_SET_PLACE: Final = "INSERT OR REPLACE INTO journals(node, seq, nseq, head) VALUES (?,?,?,?)"
_json: Final = msgspec.json.Encoder().encode
_values_of: Final = msgspec.structs.astuple


class SqliteLogStore:
    """``evidence.db`` with its tiles and checkpoint files; for the integrator's thread."""

    def __init__(self, paths: StorePaths, *, durability: Durability = Durability.FULL) -> None:
        self._paths = paths
        self._durability = durability
        self._lock: FileLock | None = None
        self._db: sqlite3.Connection | None = None
        self._journals = Journals(paths)
        self._size = 0

    @property
    def origin(self) -> str:
        """The name of the log."""
        return str(get_meta(self._database(), "origin"))

    def try_lock(self) -> bool:
        """Become the integrator; false while another process is."""
        if self._lock is None:
            self._lock = FileLock.acquire(self._paths.integrator_lock)
            if self._lock is None:
                return False
            try:
                self._db = open_database(self._paths.index, EVIDENCE, durability=self._durability)
                self._size = self._db.execute("SELECT coalesce(max(idx) + 1, 0) FROM entries").fetchone()[0]
            except BaseException:
                self.close()
                raise
        return True

    def close(self) -> None:
        """Let another process integrate."""
        self._journals.close()
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def signing_seed(self) -> bytes:
        """The seed of ``log-signing.key``. Raises ``EvidenceError`` if others can read the file."""
        return seed_from_pem(self._paths.signing_key, read_private(self._paths.signing_key))

    def vkey(self) -> str:
        """The content of ``log.vkey``."""
        return read_vkey(self._paths)

    def frontier(self) -> bytes:
        """What the last ``append`` was given; empty before the first."""
        row = self._database().execute("SELECT frontier FROM tree").fetchone()
        return b"" if row is None else row[0]

    def pending(self) -> PendingEntries:
        """The next rows of all journals, node by node, up to 16 MiB."""
        places = self._errors(read_places)
        rows: list[JournalRow] = []
        budget_b = READ_B_MAX
        for node in self._journals.nodes():
            found = self._journals.rows(node, places.get(node, START), budget_b)
            rows += found
            budget_b -= sum([len(entry.parts) + len(entry.leaf) for row in found for entry in row.group.entries])
            if budget_b <= 0:
                break
        return PendingEntries([entry.leaf for row in rows for entry in row.group.entries], rows)

    def append(self, entries: PendingEntries, frontier: bytes) -> None:
        """Write the rows of ``pending`` under the next indexes, in one durable step."""
        rows: Any = entries.token
        batch = _Batch(self._size)
        for row in rows:
            batch.add(row)
        try:
            with transaction(db := self._database()):
                batch.write(db)
                db.execute("INSERT OR REPLACE INTO tree(one, frontier) VALUES (1, ?)", (frontier,))
        except sqlite3.Error as error:
            raise unavailable(self._paths.index, error) from error
        # A crash here leaves entries without tiles: the next start makes the tiles from the entries.
        self._size = batch.size

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Stored leaves by index, ``end`` excluded."""
        sql = "SELECT leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
        return [
            leaf if isinstance(leaf, bytes) else str(leaf).encode()
            for (leaf,) in self._errors(lambda db: db.execute(sql, (start, end)).fetchall())
        ]

    def fetch(self, path: str) -> bytes | None:
        """The bytes of a tile, or ``None``."""
        return read_if_there(self._paths.evidence / path)

    def write_tiles(self, tiles: Sequence[tuple[str, bytes]]) -> None:
        """Write tiles; full ones are durable on return."""
        try:
            for path, content in tiles:
                replace_file(self._paths.evidence / path, content, durable=".p/" not in path)
        except OSError as error:
            msg = f"{self._paths.evidence}: tiles cannot be written ({error.strerror}); free space or fix the rights"
            raise EvidenceError(msg) from error

    def remove_tiles(self, paths: Sequence[str]) -> None:
        """Remove partial tiles that wider ones replaced."""
        for path in paths:
            (self._paths.evidence / path).unlink(missing_ok=True)

    def checkpoint(self) -> bytes | None:
        """The published signed note."""
        return read_if_there(self._paths.checkpoint)

    def pinned(self) -> bytes | None:
        """The last signed note, from beside the keys."""
        return read_if_there(self._paths.pinned)

    def publish(self, note: bytes) -> None:
        """Pin the note, then publish it; durable on return."""
        try:
            replace_file(self._paths.pinned, note)
            # A crash here leaves a pinned head that nobody saw; the entries it covers are durable.
            replace_file(self._paths.checkpoint, note, mode=0o644)
        except OSError as error:
            msg = f"{self._paths.checkpoint}: cannot be written ({error.strerror}); free space or fix the rights"
            raise EvidenceError(msg) from error

    def _database(self) -> sqlite3.Connection:
        if self._db is None:
            msg = "the log is written by another process; only the holder of integrator.lock may"
            raise EvidenceError(msg)
        return self._db

    def _errors(self, read: Any) -> Any:
        try:
            return read(self._database())
        except sqlite3.Error as error:
            raise unavailable(self._paths.index, error) from error


class _Batch:
    """Rows of several tables, gathered so that each table gets few statements."""

    __slots__ = ("_closed", "_entries", "_frames", "_opened", "_places", "_series", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: list[Any] = []
        self._frames: list[Any] = []
        self._series: list[Any] = []
        self._opened: dict[str, tuple[str, str, int]] = {}
        self._closed: list[str] = []
        self._places: dict[str, Place] = {}

    def add(self, row: JournalRow) -> None:
        node, values = row.node, self._entries
        for entry in row.group.entries:
            values += (self.size, node)
            values += _values_of(entry)
            if entry.exchange is not None:
                self._follow(entry, entry.exchange, node)
            self.size += 1
        for frame in row.group.frames:
            self._frames += (frame.series, frame.number, frame.ciphertext)
            head = frame.opens
            if head is not None:
                self._series += (head.id, head.exchange, node, head.owner, encode(head))
        self._places[node] = row.after

    def _follow(self, entry: EntryRow, exchange: str, node: str) -> None:
        """An entry with an outcome ends its exchange; one with a state only keeps it open; others say nothing."""
        if entry.outcome is not None:
            if self._opened.pop(exchange, None) is None:
                self._closed.append(exchange)
        elif entry.state is not None:
            self._opened[exchange] = (exchange, node, self.size)

    def write(self, db: sqlite3.Connection) -> None:
        _INSERT_ENTRIES.run(db, self._entries)
        _INSERT_SERIES.run(db, self._series)
        _INSERT_FRAMES.run(db, self._frames)
        if self._closed:
            db.execute(_SET_CLOSED, (_json(self._closed),))
        db.executemany(_SET_OPEN, self._opened.values())
        db.executemany(_SET_PLACE, [(node, *place) for node, place in self._places.items()])
