"""How far the integrator has followed each journal: what may be pruned, and what readers must add.

Rule: the watermark is in the transaction that holds the entries, so whoever can see it can see them.
"""

import sqlite3
from typing import Final

from lawgate.evidence.leaf import FIRST_NSEQ, GENESIS_PREV
from lawgate.store.journals import Place

START: Final = Place(0, FIRST_NSEQ, GENESIS_PREV)
"""Before the first row of a journal."""

_PLACES: Final = (
    "SELECT node, CAST(seq AS INTEGER), CAST(nseq AS INTEGER), CAST(head AS BLOB), "
    "(SELECT coalesce(max(idx) + 1, 0) FROM entries) FROM journals"
)


def read_places(evidence: sqlite3.Connection) -> dict[str, Place]:
    """The place of each node's journal."""
    return read_places_and_size(evidence)[0]


def read_places_and_size(evidence: sqlite3.Connection) -> tuple[dict[str, Place], int]:
    """The places and the number of indexed entries, as of one moment."""
    rows = evidence.execute(_PLACES).fetchall()
    return {node: Place(seq, nseq, head) for node, seq, nseq, head, _ in rows}, rows[0][4] if rows else 0


def integrated_seq(evidence: sqlite3.Connection, node: str) -> int:
    """The last row of a node's journal that is durable in ``evidence.db``."""
    row = evidence.execute("SELECT seq FROM journals WHERE node = ?", (node,)).fetchone()
    return 0 if row is None else int(row[0])
