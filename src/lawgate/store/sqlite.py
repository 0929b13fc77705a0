"""How every SQLite database of the store is opened.

Rule 1: WAL with ``synchronous=FULL``: a commit that returned survives a power cut.
Rule 2: each database says its format in ``PRAGMA user_version``; migrations only go forward.
Rule 3: a database of a newer format, or of another kind, is refused and left as it is.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import quote

from lawgate.domain.errors import EvidenceError, StoreUnavailableError

BUSY_TIMEOUT_S: Final = 10.0
"""Other connections hold a write lock for milliseconds; ten seconds means that something is wrong."""


class Durability(Enum):
    """How SQLite syncs. ``FULL`` everywhere; ``OFF`` exists so that a test can show that it is noticed."""

    FULL = "FULL"
    NORMAL = "NORMAL"
    OFF = "OFF"


PAGE_B: Final = 8192
"""Rows hold sealed parts of kilobytes: half the WAL frames of the default, without blowing up random pages."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A kind of database: its scripts in order, script ``n`` leading to format ``n + 1``."""

    kind: str
    scripts: tuple[str, ...]

    @property
    def format(self) -> int:
        """The format that this version of Lawgate writes."""
        return len(self.scripts)


_META: Final = "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"


def open_database(
    path: Path, schema: Schema, *, durability: Durability = Durability.FULL, secure_delete: bool = False
) -> sqlite3.Connection:
    """Open for writing, create or migrate as needed. Raises ``EvidenceError`` with path and mend."""
    _create_private(path)
    with _opening(path, "rwc") as connection:
        _set_pragmas(connection, durability, secure_delete=secure_delete)
        _migrate(connection, path, schema)
    return connection


def open_reader(path: Path, schema: Schema) -> sqlite3.Connection:
    """Open without the right to write. Raises ``EvidenceError`` if it is missing or of another format."""
    with _opening(path, "ro") as connection:
        _require_format(connection, path, schema)
    return connection


def is_blank(path: Path) -> bool:
    """Whether a database was created but not given its tables yet."""
    try:
        connection = _connect(path, "ro")
        try:
            return _format(connection) == 0
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


def unavailable(path: Path, error: sqlite3.Error) -> StoreUnavailableError:
    """One sentence for people: SQLite's messages name no data."""
    return StoreUnavailableError(f"{path}: {error} ({error_name(error)}); {_mend(error)}")


def error_name(error: sqlite3.Error) -> str:
    """SQLite's symbol for the error, such as ``SQLITE_FULL``."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


_MENDS: Final = {
    "SQLITE_FULL": "free disk space on the evidence volume",
    "SQLITE_READONLY": "remount the volume for writing, or fix the file's owner",
    "SQLITE_CANTOPEN": "check that the directory exists and that this user may write it",
    "SQLITE_BUSY": "find the process that holds the database",
    "SQLITE_CORRUPT": "stop, keep a copy, and restore from a backup",
    "SQLITE_NOTADB": "this is not a Lawgate database; check store.path",
    "SQLITE_IOERR": "check the disk and the kernel log",
}


def _mend(error: sqlite3.Error) -> str:
    name = error_name(error)
    return next((mend for prefix, mend in _MENDS.items() if name.startswith(prefix)), "see the log for details")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One durable step: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def get_meta(connection: sqlite3.Connection, key: str) -> object:
    """A value of the ``meta`` table, or ``None``."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def set_meta(connection: sqlite3.Connection, key: str, value: str | int | bytes) -> None:
    """Set a value of the ``meta`` table, inside the caller's transaction if there is one."""
    connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", (key, value))


def checkpoint_wal(connection: sqlite3.Connection, *, truncate: bool) -> bool:
    """Copy the WAL into the database; true when all of it went (and, if asked, the file is empty)."""
    mode = "TRUNCATE" if truncate else "PASSIVE"
    busy, in_wal, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return not busy and in_wal == copied


def _create_private(path: Path) -> None:
    """SQLite would follow the umask; the WAL and its index get the database's mode."""
    with suppress(OSError):  # it is there, or SQLite says why it cannot be
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def _opening(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection that stays open only if what is done first with it succeeds."""
    try:
        connection = _connect(path, mode)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S, cached_statements=256
    )


def _set_pragmas(connection: sqlite3.Connection, durability: Durability, *, secure_delete: bool) -> None:
    connection.execute(f"PRAGMA page_size={PAGE_B}")  # counts for a new database only
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={durability.value}")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA secure_delete={'ON' if secure_delete else 'OFF'}")


def _migrate(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    """A crash between two scripts leaves a whole older format, from which the next start goes on."""
    if _format(connection) == 0:
        with transaction(connection):
            if _format(connection) == 0:
                _create(connection, path, schema)
    _require_kind(connection, path, schema)
    for number in range(_require_not_newer(connection, path, schema), schema.format):
        with transaction(connection):
            if _format(connection) == number:
                _run(connection, schema.scripts[number])
                connection.execute(f"PRAGMA user_version={number + 1}")


def _create(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        msg = f"{path} is a database, but not one of Lawgate's; check store.path"
        raise EvidenceError(msg)
    _run(connection, _META)
    set_meta(connection, "kind", schema.kind)
    _run(connection, schema.scripts[0])
    connection.execute("PRAGMA user_version=1")


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in split_statements(script):
        connection.execute(statement)


def split_statements(script: str) -> Sequence[str]:
    """The statements of a script (``executescript`` would commit the surrounding transaction)."""
    return [statement for statement in (piece.strip() for piece in script.split(";")) if statement]


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _require_format(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    found = _require_not_newer(connection, path, schema)
    if found == 0:
        msg = f"{path} is not a Lawgate database; run 'lawgate init', or check store.path"
        raise EvidenceError(msg)
    _require_kind(connection, path, schema)
    if found < schema.format:
        msg = f"{path} has format {found}, this Lawgate reads {schema.format}; start 'lawgate serve' once to migrate it"
        raise EvidenceError(msg)


def _require_not_newer(connection: sqlite3.Connection, path: Path, schema: Schema) -> int:
    found = _format(connection)
    if found > schema.format:
        msg = (
            f"{path} has format {found}, newer than this Lawgate's {schema.format}; "
            "use the Lawgate that wrote it, or a later one (there is no way back)"
        )
        raise EvidenceError(msg)
    return found


def _require_kind(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    kind = get_meta(connection, "kind")
    if kind != schema.kind:
        msg = f"{path} is a {kind} database where a {schema.kind} database belongs; files were mixed up"
        raise EvidenceError(msg)
