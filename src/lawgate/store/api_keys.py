"""API keys for tools that can hold only a static credential: hashes, never secrets.

Rule 1: a secret is stored as its SHA-256 (it is random, so it needs no slow hash).
Rule 2: a look-up reads the database, so a revocation by another process counts at once.
Rule 3: a key is never deleted: the list says what existed, until when, and for whom.
"""

import json
import sqlite3
import threading
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.ports import ApiKeyRow
from lawgate.store.files import StorePaths
from lawgate.store.schema import ACCESS
from lawgate.store.sqlite import Durability, open_database, transaction, unavailable

SECRET_HASH_B: Final = 32
_INSERT: Final = (
    "INSERT INTO api_keys(id, secret_hash, principal, owner, purpose, groups, created_at, expires_at) "
    "VALUES (?,?,?,?,?,?,?,?)"
)
_SELECT: Final = (
    "SELECT id, secret_hash, principal, owner, purpose, groups, created_at, expires_at, revoked_at FROM api_keys "
)
_LOOKUP: Final = _SELECT + "WHERE id = ?"
_LIST: Final = _SELECT + "ORDER BY created_at, id"
_REVOKE: Final = "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"


class ApiKeyTable:
    """``access.db``. Safe to use from several threads and processes."""

    def __init__(self, paths: StorePaths, *, durability: Durability = Durability.FULL) -> None:
        self._path = paths.access
        self._lock = threading.Lock()
        self._db = open_database(self._path, ACCESS, durability=durability)

    def close(self) -> None:
        """Close the database, never under another thread's look-up: SQLite would crash the process."""
        with self._lock:
            self._db.close()

    def create(self, row: ApiKeyRow) -> None:
        """Store a new key; durable on return. Raises ``EvidenceError`` if its id is taken."""
        if len(row.secret_hash) != SECRET_HASH_B or row.expires_at <= row.created_at:
            msg = f"API key {row.id} needs a SHA-256 of its secret and an expiry after its creation"
            raise EvidenceError(msg)
        groups = json.dumps(row.groups)
        values = (row.id, row.secret_hash, row.principal, row.owner, row.purpose, groups, row.created_at)
        try:
            with self._lock, transaction(self._db):
                self._db.execute(_INSERT, (*values, row.expires_at))
        except sqlite3.IntegrityError:
            msg = f"an API key with the id {row.id} exists; create one with another id"
            raise EvidenceError(msg) from None
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error

    def lookup(self, key_id: str) -> ApiKeyRow | None:
        """The key as it stands now, expired and revoked ones included; the caller judges."""
        try:
            with self._lock:
                found = self._db.execute(_LOOKUP, (key_id,)).fetchone()
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error
        return None if found is None else _row(found)

    def rows(self) -> list[ApiKeyRow]:
        """Every key, oldest first."""
        try:
            with self._lock:
                found = self._db.execute(_LIST).fetchall()
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error
        return [_row(values) for values in found]

    def revoke(self, key_id: str, at: int) -> bool:
        """Revoke a key; durable on return. False if there is none or it was revoked before."""
        try:
            with self._lock, transaction(self._db):
                return self._db.execute(_REVOKE, (at, key_id)).rowcount == 1
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error


def _row(values: tuple[str, bytes, str, str, str, str, int, int, int | None]) -> ApiKeyRow:
    key_id, secret_hash, principal, owner, purpose, groups, created_at, expires_at, revoked_at = values
    return ApiKeyRow(
        key_id, secret_hash, principal, owner, purpose, tuple(json.loads(groups)), created_at, expires_at, revoked_at
    )
