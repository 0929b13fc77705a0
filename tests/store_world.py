"""A store in a temporary directory, and drafts to record in it.

Rule: the store is the real one, durable and all; only its directory is temporary.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lawgate.domain.ids import ExchangeId
from lawgate.kms.key_file import KeyFile
from lawgate.log.integrator import Integrator
from lawgate.ports import EntryDraft, IndexRow, PartDraft, RecordedEntry, RetentionClass, WindowJournal
from lawgate.store.files import StorePaths
from lawgate.store.keys import KeyDatabase
from lawgate.store.log_store import SqliteLogStore
from lawgate.store.opening import Store, init_store, open_keys, open_store
from lawgate.store.reader import StoreReader

ORIGIN = "northwind.example/lawgate/1"
NOW = 1_763_900_000
RETENTION = RetentionClass(30, 365)
SECRET_WORDS = b"alice.planted@northwind.example"
WAIT_S = 20.0


@dataclass(frozen=True)
class World:
    """Paths and the key-encryption key of one store."""

    paths: StorePaths
    kek: KeyFile

    @asynccontextmanager
    async def node(self, name: str = "gw-1", keys_ahead: int = 8) -> AsyncIterator[Store]:
        loop = asyncio.get_running_loop()
        store = open_store(self.paths, wrapper=self.kek, node=name, loop=loop, keys_ahead=keys_ahead)
        try:
            await store.start()
            yield store
        finally:
            await store.aclose()

    @contextmanager
    def reader(self, *, with_keys: bool = True) -> Iterator[StoreReader]:
        keys = open_keys(self.paths, self.kek) if with_keys else None
        reader = StoreReader(self.paths, keys)
        try:
            yield reader
        finally:
            reader.close()
            if keys is not None:
                keys.close()

    @contextmanager
    def keys(self) -> Iterator[KeyDatabase]:
        keys = open_keys(self.paths, self.kek)
        try:
            yield keys
        finally:
            keys.close()

    def integrate(self) -> int:
        """One round of a fresh integrator: whatever is journalled gets its index and is signed."""
        integrator = Integrator(SqliteLogStore(self.paths))
        try:
            return integrator.run_once()
        finally:
            integrator.stop()

    def tamper(self, path: Path, *statements: str) -> None:
        """Change a closed database behind the store's back."""
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()


def make_world(folder: Path, origin: str = ORIGIN) -> World:
    paths = StorePaths(folder / "evidence", folder / "keys")
    kek = KeyFile("kek-test", bytes(range(32)))
    init_store(paths, kek, origin)
    return World(paths, kek)


def exchange_id(number: int) -> ExchangeId:
    return ExchangeId(f"{number:032x}")


def index(number: int, state: str, outcome: str | None = None) -> IndexRow:
    return IndexRow(
        exchange_id(number), "https://idp.example|alice", "email=bob@x.example", "gpt", "support", state, outcome
    )


def intent(number: int, ts: int = NOW) -> EntryDraft:
    parts = (PartDraft("meta", b'{"who":"%b"}' % SECRET_WORDS), PartDraft("request", SECRET_WORDS * 3, content=True))
    return EntryDraft("intent", ts, RETENTION, parts, index(number, "intent_recorded"))


def outcome(
    number: int, recorded: RecordedEntry | str, windows: WindowJournal | None = None, ts: int = NOW + 1
) -> EntryDraft:
    intent_id = recorded if isinstance(recorded, str) else recorded.id
    parts = (PartDraft("meta", b'{"outcome":"complete"}'),)
    row = index(number, "outcome_recorded", "complete")
    return EntryDraft("outcome", ts, RETENTION, parts, row, {"re": intent_id}, windows)


async def record_exchanges(store: Store, numbers: Sequence[int]) -> None:
    """Whole exchanges, all at once."""

    async def one(number: int) -> None:
        recorded = await store.recorder.record(intent(number))
        await store.recorder.record(outcome(number, recorded))

    await asyncio.wait_for(asyncio.gather(*[one(number) for number in numbers]), WAIT_S)
