"""The integrator: the one thread that gives entries their index and signs the tree's head.

Rule 1: order of one round: entries and frontier durable, then tiles, then the pin, then the checkpoint.
    A crash after any of these is finished by the next start from what is durable.
Rule 2: only what was committed is signed, and a head never goes back: before the first signature the
    log must contain the pinned head, or it refuses to run. That is a rollback or a fork, and no
    matter for guessing.
Rule 3: a head is signed at least every ``interval_s`` while entries arrive, and none while none do.
Rule 4: an error stops integration, not recording: nodes go on, and ``fault`` says what is wrong.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import (
    Checkpoint,
    NoteError,
    encode_checkpoint,
    note_sign,
    open_checkpoint,
    vkey,
)
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import Frontier, root_at
from lawgate.evidence.tiles import TileError, reader_from_tiles
from lawgate.log.growing_tree import GrowingTree
from lawgate.ports import LogStore, PendingEntries

INTERVAL_S: Final = 1.0
STOP_TIMEOUT_S: Final = 30.0
REBUILD_LEAVES: Final = 4096
_log: Final = logging.getLogger("lawgate.log")


class Integrator:
    """Runs on its own thread after ``start``; ``run_once`` is one round, for commands and tests."""

    def __init__(
        self, store: LogStore, *, interval_s: float = INTERVAL_S, on_checkpoint: Callable[[bytes], None] | None = None
    ) -> None:
        self._store = store
        self._interval_s = interval_s
        self._on_checkpoint = on_checkpoint
        self._tree: GrowingTree | None = None
        self._signed: int = -1
        self._seed = b""
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="lawgate-integrator", daemon=True)
        self.fault: str | None = None

    @property
    def size(self) -> int:
        """Entries in the signed tree; -1 while another process integrates."""
        return self._signed

    def start(self) -> None:
        """Start the thread; it waits for the lock while another process integrates."""
        self._thread.start()

    def poke(self) -> None:
        """Integrate now rather than at the end of the interval; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Integrate what is durable, then stop and let another process integrate."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)
        self._store.close()

    def run_once(self) -> int:
        """Integrate everything that nodes have committed, sign a head; how many entries were added.

        Raises ``EvidenceError``: rows missing from a journal, a head behind the pin, a full disk.
        """
        tree = self._tree or self._open()
        if tree is None:
            return 0
        before, narrow = tree.size, tree.partial_tiles()
        try:
            while (pending := self._store.pending()).token:
                self._integrate(tree, pending)
            if tree.size != self._signed:
                self._publish(tree, narrow)
        except BaseException:
            self._tree = None  # what is durable decides where to go on
            raise
        return tree.size - before

    def _integrate(self, tree: GrowingTree, pending: PendingEntries) -> None:
        tiles = tree.extend(pending.leaves)
        self._store.append(pending, tree.frontier)
        # A crash here: the entries have their index, nobody has seen a head over them.
        self._store.write_tiles(tiles)

    def _publish(self, tree: GrowingTree, narrow: list[tuple[str, bytes]]) -> None:
        wide = tree.partial_tiles()
        self._store.write_tiles(wide)
        self._sign(tree)
        # "MAY delete any partial tile once the corresponding full tile is available" or a wider one (tlog-tiles)
        self._store.remove_tiles(sorted({path for path, _ in narrow} - {path for path, _ in wide}))

    def _sign(self, tree: GrowingTree) -> None:
        head = tree.head(self._store.origin)
        note = note_sign(encode_checkpoint(head), head.origin, self._seed)
        self._store.publish(note)
        self._signed = head.size
        if self._on_checkpoint is not None:
            self._on_checkpoint(note)

    # --- starting

    def _open(self) -> GrowingTree | None:
        if not self._store.try_lock():
            return None
        self._seed = self._store.signing_seed()
        self._signed = -1
        self._require_own_key()
        size = Frontier.from_bytes(self._store.frontier() or bytes(8)).size
        tree = self._load(size)
        self._require_pinned(tree)
        self._tree = tree
        return tree

    def _require_own_key(self) -> None:
        public = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
        if vkey(self._store.origin, public) != self._store.vkey():
            msg = (
                f"log.vkey does not belong to log-signing.key and the origin {self._store.origin}; "
                "restore the keys directory from its backup"
            )
            raise EvidenceError(msg)

    def _load(self, size: int) -> GrowingTree:
        """The stored tree, its tiles completed up to ``size``; made anew from the entries if they do not fit."""
        published = self._opened(self._store.checkpoint())
        if published is not None and 0 < published.size <= size:
            try:
                tree = GrowingTree.from_tiles(published.size, self._store.fetch, self._store.leaves)
                if tree.head(published.origin).root == published.root:
                    self._signed = published.size
                    return self._complete(tree, size)
            except TileError as error:
                _log.warning("tiles are made anew: %s", error)
        return self._complete(GrowingTree.empty(), size)

    def _complete(self, tree: GrowingTree, size: int) -> GrowingTree:
        while tree.size < size:
            leaves = self._store.leaves(tree.size, min(size, tree.size + REBUILD_LEAVES))
            if not leaves:
                msg = f"entry {tree.size} of {size} is missing from evidence.db; keep a copy and restore a backup"
                raise EvidenceError(msg)
            self._store.write_tiles(tree.extend(leaves))
        self._store.write_tiles(tree.partial_tiles())
        stored = self._store.frontier()
        if stored and tree.frontier != stored:
            msg = "the entries in evidence.db are not those that were integrated; keep a copy, run 'lawgate verify'"
            raise EvidenceError(msg)
        return tree

    def _require_pinned(self, tree: GrowingTree) -> None:
        """Refuse to go on from a log that lacks what we signed (rule 2)."""
        note = self._store.pinned()
        if note is None:
            if tree.size == 0:
                return
            msg = "pinned-checkpoint is missing beside the keys; restore it from the backup of the keys"
            raise EvidenceError(msg)
        pinned = self._opened(note)
        if pinned is None:
            msg = "pinned-checkpoint was not signed by this log's key; restore the keys directory from its backup"
            raise EvidenceError(msg)
        if pinned.size > tree.size:
            msg = (
                f"the log has {tree.size} entries, but {pinned.size} were signed: evidence.db was rolled back; "
                "restore the newest copy, or continue under a new origin"
            )
            raise EvidenceError(msg)
        if self._root_at(tree, pinned.size) != pinned.root:
            msg = (
                f"the first {pinned.size} entries are not those that were signed: evidence.db was rewritten; "
                "restore an unchanged copy, or continue under a new origin"
            )
            raise EvidenceError(msg)

    def _root_at(self, tree: GrowingTree, size: int) -> bytes:
        try:
            return root_at(reader_from_tiles(self._store.fetch, tree.size), size)
        except EvidenceInputError:
            return self._complete_root(size)

    def _complete_root(self, size: int) -> bytes:
        """The same from the entries, when tiles below the edge were lost."""
        tree = GrowingTree.empty()
        while tree.size < size:
            tree.extend(self._store.leaves(tree.size, min(size, tree.size + REBUILD_LEAVES)))
        return tree.head("").root

    def _opened(self, note: bytes | None) -> Checkpoint | None:
        if note is None:
            return None
        try:
            checkpoint, _ = open_checkpoint(note, self._store.vkey())
        except NoteError as error:
            _log.warning("a stored checkpoint does not open: %s", error)
            return None
        return checkpoint

    # --- the thread

    def _run(self) -> None:
        while True:
            stopping = self._stopping
            self._round()
            if stopping:
                return
            self._wake.wait(self._interval_s)
            self._wake.clear()

    def _round(self) -> None:
        try:
            self.run_once()
            self.fault = None
        except EvidenceError as error:
            self._report(str(error))
        except Exception as error:  # noqa: BLE001 - the thread must outlive a bug and say so
            _log.exception("integration failed")
            self._report(f"internal error of type {type(error).__name__}, see the log")

    def _report(self, fault: str) -> None:
        if fault != self.fault:
            _log.error("integration stopped: %s", fault)
        self.fault = fault
