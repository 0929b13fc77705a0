"""Which exchanges there were: one row for each, from the columns that hold nothing personal.

Rule 1: an exchange is listed when one of its entries fits the query; its row says how it stands now.
Rule 2: the list is an entry too, recorded before anyone sees it, with the query and how much it found.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

import msgspec

from lawgate.operations.actor import Actor
from lawgate.operations.drafts import access_draft
from lawgate.operations.visit import Visit
from lawgate.store.filters import EntryFilter
from lawgate.store.reader import StoredEntry, StoreReader

ROWS_MAX: Final = 100_000
"""Rows that one list holds in memory, about 30 MB; older ones are asked for with ``until``."""
_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Query:
    """What to list. Times are in seconds since the epoch, ``until`` excluded; ``principal`` is ``issuer|subject``."""

    since: int | None = None
    until: int | None = None
    purpose: str | None = None
    connection: str | None = None
    principal: str | None = None
    outcome: str | None = None
    limit: int = ROWS_MAX


class ExchangeRow(msgspec.Struct, frozen=True, gc=False):
    """One exchange. ``ts`` is when its first entry was recorded, ``ended`` its last (with an outcome)."""

    exchange_id: str
    state: str
    outcome: str | None
    code: str | None
    ts: int
    ended: int | None
    purpose: str | None
    connection: str | None
    node: str


async def list_exchanges(visit: Visit, actor: Actor, query: Query) -> list[ExchangeRow]:
    """The newest exchanges first; the list is recorded when this returns. Raises ``EvidenceError``."""
    rows = list(islice(exchanges(visit.reader, query), min(query.limit, ROWS_MAX)))
    asked = {name: value for name, value in asdict(query).items() if value is not None}
    await visit.record(access_draft(actor, "list", int(time.time()), details={"query": asked, "rows": len(rows)}))
    return rows


def exchanges(reader: StoreReader, query: Query) -> Iterator[ExchangeRow]:
    """Rows of the exchanges that fit, newest first."""
    which = EntryFilter(
        since=query.since,
        until=query.until,
        principal=query.principal,
        connection=query.connection,
        purpose=query.purpose,
        outcome=query.outcome,
    )
    found = _once(reader.entries(which))
    while batch := list(islice(found, _BATCH)):
        entries = _by_exchange(reader, batch)
        for exchange in batch:
            steps = [entry for entry in entries[exchange] if is_step(entry)]
            if steps:
                yield _row(exchange, steps)


def is_step(entry: StoredEntry) -> bool:
    """Whether an entry is a step of its exchange's journey and not about it (a reading, for instance)."""
    return entry.row.exchange is not None and entry.row.state is not None


def _once(entries: Iterable[StoredEntry]) -> Iterator[str]:
    """The exchanges of entries, each once, in the order of its newest entry."""
    seen: set[str] = set()
    for entry in entries:
        exchange = entry.row.exchange
        if exchange is not None and exchange not in seen and is_step(entry):
            seen.add(exchange)
            yield exchange


def _by_exchange(reader: StoreReader, wanted: Sequence[str]) -> dict[str, list[StoredEntry]]:
    """All entries of some exchanges, oldest first, with one look at the journals."""
    found: dict[str, list[StoredEntry]] = {exchange: [] for exchange in wanted}
    snapshot = reader.snapshot()
    names = msgspec.json.encode(wanted).decode()
    where = "exchange IN (SELECT value FROM json_each(?))"
    for entry in reader.indexed(where, [names], newest_first=False, size=snapshot.size):
        found[entry.row.exchange or ""].append(entry)
    for entry in snapshot.entries():
        if entry.row.exchange in found:
            found[entry.row.exchange].append(entry)
    return found


def _row(exchange: str, steps: Sequence[StoredEntry]) -> ExchangeRow:
    first, last = steps[0].row, steps[-1].row
    ended = last.ts if last.outcome is not None else None
    return ExchangeRow(
        exchange,
        last.state or "",
        last.outcome,
        last.code,
        first.ts,
        ended,
        last.purpose,
        last.connection,
        steps[-1].node,
    )


def row_view(row: ExchangeRow) -> dict[str, Any]:
    """The row as programs get it."""
    return msgspec.structs.asdict(row)
