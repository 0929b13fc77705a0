"""The tables of each database, format by format.

Rule 1: a script that has been released is never edited; a change is a new script at the end.
Rule 2: a column that could name a person is blinded (``blind.py``) and can be deleted.
Rule 3: no statement holds a semicolon in a literal: scripts are split on it.
"""

from typing import Final

from lawgate.store.sqlite import Schema

JOURNAL: Final = Schema(
    "journal",
    (
        # One row for each commit of the node; ``body`` is a ``group.Group``. ``head`` is the leaf hash of the
        # node's last entry after this row, ``first_nseq`` the number of its first.
        """
        CREATE TABLE groups(
            seq INTEGER PRIMARY KEY,
            first_nseq INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            head BLOB NOT NULL,
            body BLOB NOT NULL
        );
        """,
    ),
)

EVIDENCE: Final = Schema(
    "evidence",
    (
        # The narrow columns stand first, so that a scan does not read the overflow pages of the parts.
        # No index on the entry's id: random keys touch a page for each insert, and nobody asks by that id.
        """
        CREATE TABLE entries(
            idx INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            node TEXT NOT NULL,
            nseq INTEGER NOT NULL,
            kind TEXT NOT NULL,
            ts INTEGER NOT NULL,
            owner INTEGER NOT NULL,
            exchange TEXT,
            principal BLOB,
            subject BLOB,
            connection TEXT,
            purpose TEXT,
            state TEXT,
            outcome TEXT,
            code TEXT,
            leaf BLOB NOT NULL,
            parts BLOB NOT NULL
        );
        CREATE INDEX entries_exchange ON entries(exchange) WHERE exchange IS NOT NULL;
        CREATE INDEX entries_principal ON entries(principal) WHERE principal IS NOT NULL;
        CREATE INDEX entries_subject ON entries(subject) WHERE subject IS NOT NULL;
        CREATE INDEX entries_ts ON entries(ts);
        CREATE INDEX entries_owner ON entries(owner);
        CREATE TABLE open_exchanges(
            exchange TEXT PRIMARY KEY,
            node TEXT NOT NULL,
            idx INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE series(
            id BLOB PRIMARY KEY,
            exchange TEXT NOT NULL,
            node TEXT NOT NULL,
            owner INTEGER NOT NULL,
            head BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX series_exchange ON series(exchange);
        CREATE INDEX series_owner ON series(owner);
        CREATE TABLE frames(
            series BLOB NOT NULL,
            number INTEGER NOT NULL,
            ciphertext BLOB NOT NULL
        );
        CREATE UNIQUE INDEX frames_series ON frames(series, number);
        CREATE TABLE journals(
            node TEXT PRIMARY KEY,
            seq INTEGER NOT NULL,
            nseq INTEGER NOT NULL,
            head BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE tree(
            one INTEGER PRIMARY KEY CHECK (one = 1),
            frontier BLOB NOT NULL
        );
        """,
    ),
)

KEYS: Final = Schema(
    "keys",
    (
        # ``batches`` rows stay for ever: they keep a key id from being given twice.
        """
        CREATE TABLE batches(
            first INTEGER PRIMARY KEY,
            last INTEGER NOT NULL,
            node TEXT NOT NULL,
            run TEXT NOT NULL,
            swept INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX batches_unswept ON batches(node) WHERE swept = 0;
        CREATE TABLE owner_keys(
            id INTEGER PRIMARY KEY,
            kek TEXT NOT NULL,
            wrapped BLOB NOT NULL
        );
        CREATE TABLE bucket_keys(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            part TEXT NOT NULL,
            days INTEGER NOT NULL,
            period TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            kek TEXT NOT NULL,
            wrapped BLOB NOT NULL,
            UNIQUE (part, days, period)
        );
        CREATE TABLE index_keys(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kek TEXT NOT NULL,
            wrapped BLOB NOT NULL
        );
        """,
    ),
)

ACCESS: Final = Schema(
    "access",
    (
        """
        CREATE TABLE api_keys(
            id TEXT PRIMARY KEY,
            secret_hash BLOB NOT NULL,
            principal TEXT NOT NULL,
            owner TEXT NOT NULL,
            purpose TEXT NOT NULL,
            groups TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            revoked_at INTEGER
        ) WITHOUT ROWID;
        """,
    ),
)
