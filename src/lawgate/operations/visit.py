"""A command's own access to the evidence store: it is a node, so that what it does becomes an entry.

Rule 1: one name for all commands, because journals persist; commands take turns, and wait a little for theirs.
    The name says nothing about who gives the command: leaves are public (law 4).
Rule 2: only the user that owns the store may come. A file that another user leaves behind is one that the
    gateway cannot read, and that would stop the whole log.
Rule 3: what was recorded is signed before the command ends, by the gateway's integrator or by this process.
"""

import asyncio
import os
import pwd
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.kms.key_file import load_key_file
from lawgate.log.integrator import Integrator
from lawgate.operations.place import Place
from lawgate.ports import EntryDraft, KeyWrapper, RecordedEntry
from lawgate.store.files import FileLock, StorePaths
from lawgate.store.opening import Store, open_store
from lawgate.store.reader import StoredEntry, StoreReader

NODE: Final = "lawgate-cli"
WAIT_S: Final = 10.0
"""For other commands to finish; each takes its turn for a fraction of a second."""
SIGN_WAIT_S: Final = 5.0
"""For a running gateway to sign; it does so every second."""
_TURN_S: Final = 0.05
_KEYS_AHEAD: Final = 4


class Visit:
    """An open store: ``record`` first, then show."""

    def __init__(self, paths: StorePaths, store: Store, reader: StoreReader) -> None:
        self.paths: Final = paths
        self.store: Final = store
        self.reader: Final = reader
        self.fault: str | None = None
        """Why what was recorded could not be signed yet, once the visit is over."""

    async def record(self, draft: EntryDraft) -> RecordedEntry:
        """Append one entry; durable on return. Raises ``StoreUnavailableError``: then nothing may be shown."""
        return await self.store.recorder.record(draft)

    def integrate(self) -> str | None:
        """Index and sign what is recorded, unless a gateway does; why it could not be done, or ``None``.

        The entries are durable either way, so a fault here is told and stops nothing.
        """
        integrator = Integrator(self.store.log)
        try:
            integrator.run_once()
        except EvidenceError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a database that somebody changed may hold anything at all
            return f"the log cannot be integrated ({type(error).__name__}); run 'lawgate verify'"
        finally:
            integrator.stop()
        return None

    async def signed(self, exchange: str) -> list[StoredEntry]:
        """The entries of and about an exchange, waiting a little until all are under a checkpoint."""
        deadline = time.monotonic() + SIGN_WAIT_S
        while True:
            fault = self.integrate()
            entries = self.reader.exchange(exchange)
            if all(entry.index is not None for entry in entries) or time.monotonic() >= deadline:
                return entries
            if fault is not None:
                raise EvidenceError(fault)
            await asyncio.sleep(_TURN_S)


@asynccontextmanager
async def visiting(place: Place, *, wait_s: float = WAIT_S) -> AsyncIterator[Visit]:
    """Open the store as a command. Raises ``EvidenceError`` with the mend."""
    require_owner(place.paths.evidence, os.geteuid())
    store = await _opened(place.paths, load_key_file(place.kek_file), wait_s)
    try:
        await store.start()
        with closing(StoreReader(place.paths, store.keys)) as reader:
            visit = Visit(place.paths, store, reader)
            yield visit
            visit.fault = visit.integrate()
    finally:
        await store.aclose()


def require_owner(evidence: Path, uid: int) -> None:
    """Refuse a user who does not own the store (rule 2). Raises ``EvidenceError``."""
    try:
        owner = evidence.stat().st_uid
    except OSError as error:
        msg = f"{evidence}: cannot be read ({error.strerror}); run 'lawgate init', or name another file with --config"
        raise EvidenceError(msg) from None
    if owner != uid:
        name = _user(owner)
        msg = f"{evidence} belongs to {name}; run this command as {name} (sudo -u {name} lawgate ...)"
        raise EvidenceError(msg)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


async def _opened(paths: StorePaths, wrapper: KeyWrapper, wait_s: float) -> Store:
    """Open the store when it is our turn."""
    deadline = time.monotonic() + wait_s
    loop = asyncio.get_running_loop()
    while True:
        if not _is_taken(paths):
            try:
                return open_store(paths, wrapper=wrapper, node=NODE, loop=loop, keys_ahead=_KEYS_AHEAD)
            except EvidenceError:
                if not _is_taken(paths):  # else another command was quicker
                    raise
        if time.monotonic() >= deadline:
            msg = f"another lawgate command has been at work on {paths.evidence} for {wait_s:g} s; try again later"
            raise EvidenceError(msg)
        await asyncio.sleep(_TURN_S)


def _is_taken(paths: StorePaths) -> bool:
    if not paths.journals.is_dir():  # a store that was not made is for ``open_store`` to complain about
        return False
    lock = FileLock.acquire(paths.node_lock(NODE))
    if lock is None:
        return True
    lock.release()
    return False
