"""The journal's second thread: copies the WAL, prunes what was integrated, knocks after an outage.

Rule 1: nothing here is needed for durability: its own commits are not synced one by one.
Rule 2: a row is pruned only when a durable ``evidence.db`` has it; the last row always stays, because
    it says where the node's sequence goes on.
"""

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Final, Protocol

from lawgate.domain.errors import EvidenceError
from lawgate.store.files import StorePaths
from lawgate.store.schema import EVIDENCE, JOURNAL
from lawgate.store.sqlite import Durability, checkpoint_wal, error_name, open_database, open_reader
from lawgate.store.watermarks import integrated_seq

INTERVAL_S: Final = 0.5
PASSIVE_FROM_B: Final = 4 * 1024 * 1024
TRUNCATE_FROM_B: Final = 64 * 1024 * 1024
"""A passive copy never blocks the writer but cannot reset a WAL under steady load; beyond this it may block."""

PRUNE_ROWS: Final = 64
_PRUNE: Final = "DELETE FROM groups WHERE seq IN (SELECT seq FROM groups WHERE seq <= ? ORDER BY seq LIMIT ?)"
_log: Final = logging.getLogger("lawgate.store")


class Patient(Protocol):
    """Whoever must be asked to try again during an outage."""

    def healthy(self) -> str | None:
        """``None``, or what is wrong."""
        ...

    def probe_soon(self) -> None:
        """Try to write again."""
        ...


class Housekeeping:
    """Runs ``tidy`` twice a second until closed."""

    def __init__(self, paths: StorePaths, node: str, patient: Patient) -> None:
        self._paths = paths
        self._node = node
        self._patient = patient
        self._wal = Path(f"{paths.journal(node)}-wal")
        self._db = open_database(paths.journal(node), JOURNAL, durability=Durability.NORMAL)
        self._evidence: sqlite3.Connection | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lawgate-housekeeping", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and close its connections."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._db.close()
        if self._evidence is not None:
            self._evidence.close()

    def tidy(self) -> None:
        """One round. An error is logged and the next round tries again: the writer judges health."""
        try:
            if self._patient.healthy() is not None:
                self._patient.probe_soon()
                return
            self.prune()
            self.checkpoint()
        except sqlite3.Error as error:
            _log.warning("journal housekeeping: %s (%s)", error, error_name(error))
        except EvidenceError as error:
            _log.warning("journal housekeeping: %s", error)

    def prune(self) -> int:
        """Drop rows that the integrator has made durable elsewhere; how many went."""
        if self._evidence is None:
            self._evidence = open_reader(self._paths.index, EVIDENCE)
        last = self._db.execute("SELECT coalesce(max(seq), 0) FROM groups").fetchone()[0]
        through = min(integrated_seq(self._evidence, self._node), last - 1)
        pruned = 0
        while (went := self._db.execute(_PRUNE, (through, PRUNE_ROWS)).rowcount) > 0:
            pruned += went
        return pruned

    def checkpoint(self) -> None:
        """Copy the WAL when it has grown."""
        size_b = self._wal.stat().st_size if self._wal.exists() else 0
        if size_b >= PASSIVE_FROM_B:
            checkpoint_wal(self._db, truncate=False)
        if size_b >= TRUNCATE_FROM_B:
            checkpoint_wal(self._db, truncate=True)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.tidy()
