"""Makes a store, and opens it as one node.

Rule 1: what exists is never overwritten: keys and origin are for ever.
Rule 2: evidence and keys do not share a directory.
Rule 3: one process is one node, for as long as it lives (a lock).
"""

import asyncio
import os
from contextlib import ExitStack, closing
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import Checkpoint, encode_checkpoint, note_sign
from lawgate.evidence.merkle import EMPTY_ROOT
from lawgate.ports import KeyWrapper
from lawgate.store.api_keys import ApiKeyTable
from lawgate.store.files import (
    FileLock,
    StorePaths,
    make_private_directory,
    read_private,
    replace_file,
    require_node_name,
    sync_directory,
)
from lawgate.store.housekeeping import Housekeeping
from lawgate.store.keys import KeyDatabase
from lawgate.store.log_store import SqliteLogStore
from lawgate.store.origin import create_signing_key, require_origin, seed_from_pem
from lawgate.store.pool import BATCH, KeyPool
from lawgate.store.reader import StoreReader
from lawgate.store.recorder import StoreRecorder
from lawgate.store.recovery import StoreRecovery
from lawgate.store.schema import EVIDENCE
from lawgate.store.sqlite import Durability, get_meta, open_database, set_meta
from lawgate.store.sweep import sweep_unused
from lawgate.store.writer import JournalWriter

LOCAL_ORIGIN: Final = "lawgate.local"


def init_store(paths: StorePaths, wrapper: KeyWrapper, origin: str | None = None) -> str:
    """Make the evidence and key databases, the log's key and its first (empty) checkpoint; gives the origin.

    Raises ``EvidenceError`` if a store is there already.
    """
    origin = require_origin(origin or f"{LOCAL_ORIGIN}/{os.urandom(8).hex()}")
    _require_apart(paths)
    for path in (paths.index, paths.key_database, paths.signing_key):
        if path.exists():
            msg = f"{path} exists: this store was made already, and keys are never overwritten; use it, or other paths"
            raise EvidenceError(msg)
    for directory in (paths.keys, paths.evidence, paths.journals):
        make_private_directory(directory)
    create_signing_key(paths, origin)
    _create_private_database(paths, wrapper)
    evidence = open_database(paths.index, EVIDENCE)
    set_meta(evidence, "origin", origin)
    evidence.close()
    seed = seed_from_pem(paths.signing_key, read_private(paths.signing_key))
    note = note_sign(encode_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT)), origin, seed)
    replace_file(paths.pinned, note)
    replace_file(paths.checkpoint, note, mode=0o644)
    return origin


def open_keys(paths: StorePaths, wrapper: KeyWrapper, *, durability: Durability = Durability.FULL) -> KeyDatabase:
    """The key database of a store that was made. Raises ``EvidenceError``."""
    if not paths.key_database.exists():
        msg = f"{paths.key_database} is missing; run 'lawgate init', or restore the keys directory from its backup"
        raise EvidenceError(msg)
    return KeyDatabase(paths, wrapper, durability=durability)


def open_store(
    paths: StorePaths,
    *,
    wrapper: KeyWrapper,
    node: str,
    loop: asyncio.AbstractEventLoop,
    durability: Durability = Durability.FULL,
    keys_ahead: int = BATCH,
) -> "Store":
    """Open the store as ``node``. Raises ``EvidenceError`` with path and mend; then nothing stays open."""
    _require_made(paths)
    return Store(paths, wrapper, require_node_name(node), loop, durability, keys_ahead)


class Store:
    """A node's store: what ``wiring`` joins to the ports. ``start`` before use, ``aclose`` at the end."""

    def __init__(
        self,
        paths: StorePaths,
        wrapper: KeyWrapper,
        node: str,
        loop: asyncio.AbstractEventLoop,
        durability: Durability,
        keys_ahead: int,
    ) -> None:
        lock = FileLock.acquire(paths.node_lock(node))
        if lock is None:
            msg = f"node {node} is running already on {paths.evidence}; stop it, or give this process another node name"
            raise EvidenceError(msg)
        with ExitStack() as opening:
            opening.callback(lock.release)
            self._node = node
            self._loop = loop
            self._lock = lock
            self.keys: Final = opening.enter_context(closing(open_keys(paths, wrapper, durability=durability)))
            self.api_keys: Final = opening.enter_context(closing(ApiKeyTable(paths, durability=durability)))
            self._pool = KeyPool(self.keys, node, loop, batch=keys_ahead)
            self.recorder: Final = StoreRecorder(self._pool, self.keys.index_key, loop)
            opening.callback(self._pool.close)
            writer = JournalWriter(paths.journal(node), node, loop, self.recorder, durability)
            self._writer = opening.enter_context(closing(writer))
            self.recorder.attach(writer)
            sync_directory(paths.journals)
            self._reader = opening.enter_context(closing(StoreReader(paths, self.keys)))
            self.recovery: Final = StoreRecovery(node, self._reader, self.keys, self.recorder)
            self._housekeeping = opening.enter_context(closing(Housekeeping(paths, node, self.recorder)))
            self.log: Final = SqliteLogStore(paths, durability=durability)
            self._closers = opening.pop_all()

    async def start(self) -> None:
        """Mint the first keys and start the journal's housekeeping. Raises ``StoreUnavailableError``."""
        await self._pool.fill()
        await self._pool.work(lambda: sweep_unused(self.keys, self._reader, self._node, self._pool.run))
        self._housekeeping.start()

    async def aclose(self) -> None:
        """Commit what is queued and close; the integrator closes ``log`` itself."""
        await self.recorder.drained()
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def close(self) -> None:
        """The same without waiting for callers that still hold an unfinished ``record``."""
        self._closers.close()


def _require_apart(paths: StorePaths) -> None:
    """Keys in the evidence's backup would bring back what was erased."""
    evidence, keys = paths.evidence.absolute(), paths.keys.absolute()
    if evidence == keys or evidence in keys.parents or keys in evidence.parents:
        msg = f"{keys} and {evidence} must be apart: keys never share a volume or a backup with the evidence"
        raise EvidenceError(msg)


def _create_private_database(paths: StorePaths, wrapper: KeyWrapper) -> None:
    os.close(os.open(paths.key_database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    KeyDatabase(paths, wrapper).close()
    sync_directory(paths.keys)


def _require_made(paths: StorePaths) -> None:
    for path in (paths.index, paths.key_database):
        if not path.exists():
            msg = f"{path} is missing; run 'lawgate init', or restore it from its backup"
            raise EvidenceError(msg)
    # Formats first: a database of a newer Lawgate must not be touched. Migration happens under the integrator's lock.
    connection = open_database(paths.index, EVIDENCE)
    try:
        if not get_meta(connection, "origin"):
            msg = (
                f"{paths.index} names no origin: 'lawgate init' was interrupted; remove both directories and repeat it"
            )
            raise EvidenceError(msg)
    finally:
        connection.close()
