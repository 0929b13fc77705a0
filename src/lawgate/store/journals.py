"""Reading the journals of all nodes, the running ones too, without being able to change them.

Rule 1: a journal is read only; its node alone writes it.
Rule 2: rows are followed by ``seq`` without a hole. A hole means that evidence was removed: an error.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from lawgate.domain.errors import EvidenceError
from lawgate.store.files import StorePaths
from lawgate.store.group import Group, decode_group
from lawgate.store.schema import JOURNAL
from lawgate.store.sqlite import is_blank, open_reader, unavailable

READ_B_MAX: Final = 16 * 1024 * 1024
_FOLLOW: Final = "SELECT seq, first_nseq, entries, head, length(body) FROM groups WHERE seq > ? ORDER BY seq LIMIT 4096"
_BODIES: Final = "SELECT body FROM groups WHERE seq BETWEEN ? AND ? ORDER BY seq"


class Place(NamedTuple):
    """How far a journal was followed: row, number of the next entry, leaf hash of the last one."""

    seq: int
    nseq: int
    head: bytes


class JournalRow(NamedTuple):
    """One commit of a node, with the place after it."""

    node: str
    after: Place
    group: Group


class Journals:
    """Read-only connections to every journal of a store; for one thread."""

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        self._open: dict[str, sqlite3.Connection] = {}

    def close(self) -> None:
        """Close the connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def nodes(self) -> list[str]:
        """Names of the nodes that have a journal, in order."""
        return sorted(path.stem for path in self._paths.journals.glob("*.db"))

    def rows(self, node: str, place: Place, size_b_max: int = READ_B_MAX) -> list[JournalRow]:
        """The rows after ``place``, as many as fit in ``size_b_max`` (one at least).

        Raises ``EvidenceError`` if rows are missing or damaged.
        """
        try:
            connection = self._connection(node)
            if connection is None:
                return []
            heads = connection.execute(_FOLLOW, (place.seq,)).fetchall()
            chosen = _within(heads, size_b_max)
            if not chosen:
                return []
            bodies = connection.execute(_BODIES, (chosen[0][0], chosen[-1][0])).fetchall()
        except sqlite3.Error as error:
            raise unavailable(self._paths.journal(node), error) from error
        return list(self._checked(node, place, chosen, [body for (body,) in bodies]))

    def tail(self, node: str, place: Place) -> Iterator[JournalRow]:
        """All rows after ``place``."""
        while rows := self.rows(node, place):
            yield from rows
            place = rows[-1].after

    def _checked(
        self, node: str, place: Place, heads: list[tuple[int, int, int, bytes, int]], bodies: list[bytes]
    ) -> Iterator[JournalRow]:
        for (seq, first_nseq, entries, head, _), body in zip(heads, bodies, strict=True):
            where = f"{self._paths.journal(node)} row {seq}"
            if seq != place.seq + 1 or first_nseq != place.nseq:
                msg = f"{where} does not follow row {place.seq}: rows were removed; keep a copy and restore the journal"
                raise EvidenceError(msg)
            group = decode_group(body, where)
            if len(group.entries) != entries:
                msg = f"{where} holds {len(group.entries)} entries and says {entries}; keep a copy, restore a backup"
                raise EvidenceError(msg)
            place = Place(seq, first_nseq + entries, head)
            yield JournalRow(node, place, group)

    def _connection(self, node: str) -> sqlite3.Connection | None:
        connection = self._open.get(node)
        if connection is None:
            path = self._paths.journal(node)
            if is_blank(path):  # its node is creating it this moment
                return None
            connection = self._open[node] = open_reader(path, JOURNAL)
        return connection


def _within(heads: list[tuple[int, int, int, bytes, int]], size_b_max: int) -> list[tuple[int, int, int, bytes, int]]:
    total = 0
    for count, head in enumerate(heads):
        total += head[4]
        if total > size_b_max and count:
            return heads[:count]
    return heads
