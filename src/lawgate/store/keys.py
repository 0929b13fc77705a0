"""The key database: random keys wrapped by a key-encryption key that is held outside it.

Rule 1: a key is on stable storage before anything is sealed under it.
Rule 2: a destroyed key leaves no copy: ``secure_delete=ON``, and the WAL is truncated after a deletion
    (without that, 47 copies of one deleted key were found in a WAL).
Rule 3: key ids are never given twice; they say nothing about whose key it is.
Rule 4: what wraps a key authenticates which key it is, so rows cannot be swapped.
"""

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from lawgate.domain.errors import EvidenceError
from lawgate.ports import KeyWrapper
from lawgate.store.buckets import Bucket
from lawgate.store.files import StorePaths, require_private
from lawgate.store.insert import Insert
from lawgate.store.schema import KEYS
from lawgate.store.sqlite import Durability, checkpoint_wal, open_database, transaction, unavailable

KEY_B: Final = 32
BATCH_MAX: Final = 8192
_INSERT_OWNERS: Final = Insert("INSERT INTO owner_keys(id, kek, wrapped)", 3)


class HeldKey(NamedTuple):
    """A key in memory with the id of its row."""

    id: int
    key: bytes

    def __repr__(self) -> str:
        return f"HeldKey({self.id})"


class KeyDatabase:
    """``keys.db``. Safe to use from several threads; each call is one durable step."""

    def __init__(self, paths: StorePaths, wrapper: KeyWrapper, *, durability: Durability = Durability.FULL) -> None:
        self._path = paths.key_database
        self._wrapper = wrapper
        self._lock = threading.Lock()
        self._db = open_database(self._path, KEYS, durability=durability, secure_delete=True)
        try:
            require_private(self._path)
            self.index_key: Final = self._load_index_key()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the database; the keys already handed out stay usable."""
        with self._lock:
            self._db.close()

    def mint(self, node: str, run: str, count: int) -> list[HeldKey]:
        """Make ``count`` owner keys durable, ready to be given out without another write."""
        secret = os.urandom(KEY_B * count)
        with self._lock, self._errors(), transaction(self._db):
            first = self._db.execute("SELECT coalesce(max(last), 0) + 1 FROM batches").fetchone()[0]
            self._db.execute(
                "INSERT INTO batches(first, last, node, run) VALUES (?,?,?,?)", (first, first + count - 1, node, run)
            )
            keys = [HeldKey(first + n, secret[n * KEY_B : (n + 1) * KEY_B]) for n in range(count)]
            self._insert_owners(keys)
        # A crash here leaves keys that no entry uses; the next start of this node sweeps them.
        return keys

    def bucket(self, bucket: Bucket) -> HeldKey:
        """The key of a bucket, created (durably) on first use by whichever process comes first."""
        with self._lock, self._errors():
            row = self._select_bucket(bucket)
            if row is None:
                row = self._create_bucket(bucket)
        return HeldKey(row[0], self._unwrap(row[1], row[2], b"bucket", row[0]))

    def owner_key(self, key_id: int) -> bytes | None:
        """The key, or ``None`` if it was destroyed."""
        return self._key("owner_keys", b"owner", key_id)

    def bucket_key(self, key_id: int) -> bytes | None:
        """The key, or ``None`` if it was destroyed."""
        return self._key("bucket_keys", b"bucket", key_id)

    def unswept(self, node: str, run: str) -> list[tuple[int, int]]:
        """Key ids (first, last) of the batches that earlier runs of this node minted."""
        with self._lock, self._errors():
            sql = "SELECT first, last FROM batches WHERE node = ? AND swept = 0 AND run <> ? ORDER BY first"
            return self._db.execute(sql, (node, run)).fetchall()

    def sweep(self, first: int, last: int, used: Collection[int]) -> int:
        """Destroy the keys of one batch that nothing was sealed under; how many went."""
        with self._lock, self._errors(), transaction(self._db):
            rows = self._db.execute("SELECT id FROM owner_keys WHERE id BETWEEN ? AND ?", (first, last))
            unused = [(key_id,) for (key_id,) in rows if key_id not in used]
            self._db.executemany("DELETE FROM owner_keys WHERE id = ?", unused)
            self._db.execute("UPDATE batches SET swept = 1 WHERE first = ?", (first,))
        return len(unused)

    def destroy_owners(self, key_ids: Iterable[int]) -> None:
        """Destroy owner keys; call ``truncate_wal`` before saying that they are gone."""
        with self._lock, self._errors(), transaction(self._db):
            self._db.executemany("DELETE FROM owner_keys WHERE id = ?", [(key_id,) for key_id in key_ids])

    def truncate_wal(self) -> bool:
        """Drop the old pages that the WAL still holds; false while a reader keeps it busy."""
        with self._lock, self._errors():
            return checkpoint_wal(self._db, truncate=True)

    def _insert_owners(self, keys: Sequence[HeldKey]) -> None:
        kek, wrap = self._wrapper.kek_id, self._wrapper.wrap
        values: list[int | str | bytes] = []
        for key in keys:
            values += (key.id, kek, wrap(key.key, _context(b"owner", key.id)))
        _INSERT_OWNERS.run(self._db, values)

    def _select_bucket(self, bucket: Bucket) -> tuple[int, str, bytes] | None:
        sql = "SELECT id, kek, wrapped FROM bucket_keys WHERE part = ? AND days = ? AND period = ?"
        row: tuple[int, str, bytes] | None = self._db.execute(sql, (bucket.part, bucket.days, bucket.period)).fetchone()
        return row

    def _create_bucket(self, bucket: Bucket) -> tuple[int, str, bytes]:
        with transaction(self._db):
            row = self._select_bucket(bucket)  # another process may have been first
            if row is not None:
                return row
            sql = "INSERT INTO bucket_keys(part, days, period, expires_at, kek, wrapped) VALUES (?,?,?,?,'',x'')"
            key_id = self._db.execute(sql, (bucket.part, bucket.days, bucket.period, bucket.expires_at)).lastrowid or 0
            wrapped = self._wrap_new("bucket_keys", b"bucket", key_id)[1]
            return key_id, self._wrapper.kek_id, wrapped

    def _wrap_new(self, table: str, kind: bytes, key_id: int) -> tuple[bytes, bytes]:
        """A fresh key for a row that was just inserted: (key, wrapped)."""
        key = os.urandom(KEY_B)
        wrapped = self._wrapper.wrap(key, _context(kind, key_id))
        sql = f"UPDATE {table} SET kek = ?, wrapped = ? WHERE id = ?"  # noqa: S608 - our own table names
        self._db.execute(sql, (self._wrapper.kek_id, wrapped, key_id))
        return key, wrapped

    def _key(self, table: str, kind: bytes, key_id: int) -> bytes | None:
        sql = f"SELECT kek, wrapped FROM {table} WHERE id = ?"  # noqa: S608 - our own table names
        with self._lock, self._errors():
            row = self._db.execute(sql, (key_id,)).fetchone()
        return None if row is None else self._unwrap(row[0], row[1], kind, key_id)

    def _load_index_key(self) -> bytes:
        """The key that blinds the search columns; opening it also proves that the KEK is the right one."""
        with self._errors():
            row = self._db.execute("SELECT id, kek, wrapped FROM index_keys ORDER BY id DESC").fetchone()
            if row is not None:
                return self._unwrap(row[1], row[2], b"index", row[0])
            with transaction(self._db):
                key_id = self._db.execute("INSERT INTO index_keys(kek, wrapped) VALUES ('', x'')").lastrowid or 0
                return self._wrap_new("index_keys", b"index", key_id)[0]

    def _unwrap(self, kek: str, wrapped: bytes, kind: bytes, key_id: int) -> bytes:
        if kek != self._wrapper.kek_id:
            msg = (
                f"{self._path} was wrapped by {kek}, but the key-encryption key at hand is {self._wrapper.kek_id}; "
                "put the right one back (store.kek_file)"
            )
            raise EvidenceError(msg)
        return self._wrapper.unwrap(wrapped, _context(kind, key_id))

    def _errors(self) -> "_Unavailable":
        return _Unavailable(self)

    def _named(self, error: sqlite3.Error) -> EvidenceError:
        return unavailable(self._path, error)


class _Unavailable:
    """Turns SQLite's errors into ours, with the path."""

    __slots__ = ("_owner",)

    def __init__(self, owner: KeyDatabase) -> None:
        self._owner = owner

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise self._owner._named(error) from error  # noqa: SLF001 - same module


def _context(kind: bytes, key_id: int) -> bytes:
    return b"lawgate/key/v1\0" + kind + b"\0" + str(key_id).encode("ascii")
