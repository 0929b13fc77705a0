"""The embedded evidence store: SQLite journals, one integrated log, keys apart from both.

What each file is trusted for: a node's journal, until its rows are integrated; ``evidence.db``, for
every entry and the order of the tree; tiles, for nothing (they are made from the entries and proved
against signed heads); ``pinned-checkpoint``, to know a rollback; ``keys.db`` with the key-encryption key,
to open parts and to make them unreadable for ever.
"""

from lawgate.store.api_keys import ApiKeyTable
from lawgate.store.files import StorePaths
from lawgate.store.filters import EntryFilter
from lawgate.store.opening import Store, init_store, open_keys, open_store
from lawgate.store.reader import OpenedPart, StoredEntry, StoreReader
from lawgate.store.recorder import StoreRecorder
from lawgate.store.sqlite import Durability
from lawgate.store.verification import verify_store

__all__ = [
    "ApiKeyTable",
    "Durability",
    "EntryFilter",
    "OpenedPart",
    "Store",
    "StorePaths",
    "StoreReader",
    "StoreRecorder",
    "StoredEntry",
    "init_store",
    "open_keys",
    "open_store",
    "verify_store",
]
