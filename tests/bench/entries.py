"""How many entries a second become durable, by how many wait at once.

Rule 1: the store as a gateway opens it, on its event loop and with its writer thread, without HTTP and
        without masking; intents and outcomes of the usual size.
Rule 2: an entry counts when ``record`` has returned: then it is on stable storage.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import uvloop

from lawgate.domain.ids import ExchangeId
from lawgate.ports import EntryDraft, IndexRow, PartDraft, RetentionClass
from lawgate.store.opening import Store
from lawgate.store.pool import BATCH
from tests.bench.bodies import request_body, whole_answer
from tests.bench.machine import pinned
from tests.store_world import make_world

RETENTION: Final = RetentionClass(30, 365)
META: Final = b'{"who":"%b"}' % (b"x" * 780)
"""What a record says beside the bodies, about 0.8 kB."""
LIMIT_S: Final = 30.0


@dataclass(frozen=True)
class EntryRate:
    """``p50_ms`` is what one ``record`` took."""

    at_once: int
    entries_s: float
    p50_ms: float


def durable_entries(folder: Path, core: int | None, at_once: tuple[int, ...], duration_s: float) -> list[EntryRate]:
    """Each of ``at_once`` for so long, on one store."""
    with pinned(core):
        return uvloop.run(_all(folder, at_once, duration_s))


async def _all(folder: Path, at_once: tuple[int, ...], duration_s: float) -> list[EntryRate]:
    numbers = count(1)
    async with make_world(folder).node(keys_ahead=BATCH) as store:
        await _run(store, numbers, max(at_once), duration_s / 5)
        return [await _run(store, numbers, waiting, duration_s) for waiting in at_once]


async def _run(store: Store, numbers: "count[int]", at_once: int, duration_s: float) -> EntryRate:
    start = time.perf_counter()
    took: list[float] = []
    work = [_exchanges(store, numbers, start + duration_s, took) for _ in range(at_once)]
    await asyncio.wait_for(asyncio.gather(*work), duration_s + LIMIT_S)
    return EntryRate(at_once, len(took) / (time.perf_counter() - start), statistics.median(took) * 1e3)


async def _exchanges(store: Store, numbers: "count[int]", deadline: float, took: list[float]) -> None:
    recorder = store.recorder
    while (before := time.perf_counter()) < deadline:
        number = next(numbers)
        intent = await recorder.record(_intent(number))
        between = time.perf_counter()
        await recorder.record(_outcome(number, intent.id))
        took += (between - before, time.perf_counter() - between)


def _intent(number: int) -> EntryDraft:
    parts = (PartDraft("meta", META), PartDraft("request", request_body(), content=True))
    return EntryDraft("intent", int(time.time()), RETENTION, parts, _index(number, "intent_recorded", None))


def _outcome(number: int, intent: str) -> EntryDraft:
    parts = (PartDraft("meta", META), PartDraft("answer", whole_answer(), content=True))
    index = _index(number, "outcome_recorded", "complete")
    return EntryDraft("outcome", int(time.time()), RETENTION, parts, index, {"re": intent})


def _index(number: int, state: str, outcome: str | None) -> IndexRow:
    exchange = ExchangeId(f"{number:032x}")
    return IndexRow(exchange, "https://idp.example|support-desk", None, "chat", "answer-customers", state, outcome)
