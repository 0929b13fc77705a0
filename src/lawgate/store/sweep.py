"""Destroys owner keys that an earlier run minted ahead and never used.

Rule 1: a key is used when an entry or a series names it as its owner.
Rule 2: the journal is asked before the index: what moves from one to the other meanwhile is seen.
"""

import logging
from collections.abc import Iterable
from typing import Final

from lawgate.store.journals import JournalRow
from lawgate.store.keys import KeyDatabase
from lawgate.store.reader import StoreReader

_USED: Final = (
    "SELECT owner FROM entries WHERE owner BETWEEN ? AND ? UNION SELECT owner FROM series WHERE owner BETWEEN ? AND ?"
)
_log: Final = logging.getLogger("lawgate.store")


def sweep_unused(keys: KeyDatabase, reader: StoreReader, node: str, run: str) -> int:
    """How many keys of earlier runs of ``node`` were destroyed; they are gone from the WAL too on return."""
    batches = keys.unswept(node, run)
    if not batches:
        return 0
    waiting = set(_owners(reader.snapshot().tail))
    swept = 0
    for first, last in batches:
        used = waiting | {owner for (owner,) in reader.fetch_all(_USED, first, last, first, last)}
        swept += keys.sweep(first, last, used)
    if swept and not keys.truncate_wal():
        _log.warning("the key database's WAL was busy: %d unused keys leave it with the next truncation", swept)
    return swept


def _owners(rows: Iterable[JournalRow]) -> Iterable[int]:
    for row in rows:
        for entry in row.group.entries:
            yield entry.owner
        for frame in row.group.frames:
            if frame.opens is not None:
                yield frame.opens.owner
