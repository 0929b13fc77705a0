"""One exchange as an auditor reads it: who, why, on what basis, to whom, what was masked, how it ended.

Rule 1: the reading is recorded before a part is opened; if it cannot be recorded, nothing is opened.
Rule 2: parts that hold originals stay sealed.
Rule 3: a part that was destroyed, or does not open, is said to be so; the rest is shown.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.merkle import leaf_hash
from lawgate.exchange.record import ANSWER, META, REQUEST
from lawgate.operations.actor import Actor
from lawgate.operations.drafts import ACCESS, access_draft
from lawgate.operations.errors import NotFoundError
from lawgate.operations.listing import is_step
from lawgate.operations.masked_body import MaskedBody, UnreadableBodyError, read_body
from lawgate.operations.visit import Visit
from lawgate.store.reader import StoredEntry, StoreReader

OPENED: Final = frozenset({META, REQUEST, ANSWER})
"""Labels of the parts that are opened; the others hold originals."""

SEALED: Final = "sealed"
OPEN: Final = "open"
DESTROYED: Final = "destroyed"
DAMAGED: Final = "damaged"


@dataclass(frozen=True, slots=True)
class PartView:
    """A part and what became of it; ``why`` for one that is damaged."""

    label: str
    state: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of the exchange. ``index`` is ``None`` until it is in the tree."""

    index: int | None
    kind: str
    ts: int
    node: str
    nseq: int
    leaf_hash: str
    parts: tuple[PartView, ...]
    meta: dict[str, Any]
    bodies: dict[str, MaskedBody]


@dataclass(frozen=True, slots=True)
class Journey:
    """An exchange. ``steps`` are its own entries, ``about`` those that others left about it, oldest first."""

    exchange_id: str
    state: str | None
    outcome: str | None
    code: str | None
    steps: tuple[EntryView, ...]
    about: tuple[EntryView, ...]

    @property
    def damaged(self) -> bool:
        """Whether a part that was to be opened did not open."""
        return any(part.state == DAMAGED for entry in (*self.steps, *self.about) for part in entry.parts)

    @property
    def asked(self) -> dict[str, Any]:
        """What the first step says: who, why, what was decided. Empty when it was destroyed."""
        return self.steps[0].meta if self.steps else {}

    @property
    def ended(self) -> dict[str, Any]:
        """What the outcome says; empty while there is none, and for a refusal, which says it all in one entry."""
        return self.steps[-1].meta if len(self.steps) > 1 else {}

    def body(self, label: str) -> MaskedBody | None:
        """``request`` or ``answer``, if one was recorded and opens."""
        return next((step.bodies[label] for step in reversed(self.steps) if label in step.bodies), None)


async def show_exchange(visit: Visit, actor: Actor, exchange: str) -> Journey:
    """Record the reading, then open the exchange. Raises ``NotFoundError`` or ``EvidenceError``."""
    visit.integrate()
    entries = require_exchange(visit.reader, exchange)
    draft = access_draft(
        actor, "show", int(time.time()), exchange=exchange, details={"opened": sorted(OPENED), "originals": False}
    )
    await visit.record(draft)
    steps = [entry for entry in entries if is_step(entry)]
    about = [entry for entry in entries if not is_step(entry)]
    last = steps[-1].row if steps else None
    return Journey(
        exchange,
        last.state if last else None,
        last.outcome if last else None,
        last.code if last else None,
        tuple(_view(visit.reader, entry) for entry in steps),
        tuple(_view(visit.reader, entry) for entry in about),
    )


def require_exchange(reader: StoreReader, exchange: str) -> list[StoredEntry]:
    """Its entries, oldest first. Raises ``NotFoundError``."""
    entries = reader.exchange(exchange)
    if not entries:
        raise NotFoundError(f"no exchange has the id {exchange}; 'lawgate records list' shows those there are")
    return entries


def _view(reader: StoreReader, entry: StoredEntry) -> EntryView:
    row = entry.row
    parts: list[PartView] = []
    meta: dict[str, Any] = {}
    bodies: dict[str, MaskedBody] = {}
    try:
        stored = entry.part_rows()
    except EvidenceError as error:
        stored, parts = [], [PartView("?", DAMAGED, str(error))]
    for number, part in enumerate(stored):
        if part.label not in OPENED:
            parts.append(PartView(part.label, SEALED))
            continue
        opened = reader.open_one(entry, number, part)
        why = opened.damaged
        if opened.plaintext is not None:
            why = _read(part.label, opened.plaintext, meta, bodies)
        state = DESTROYED if opened.destroyed else DAMAGED if why else OPEN
        parts.append(PartView(part.label, state, why))
    hashed = leaf_hash(row.leaf).hex()
    return EntryView(entry.index, row.kind, row.ts, entry.node, row.nseq, hashed, tuple(parts), meta, bodies)


def _read(label: str, plaintext: bytes, meta: dict[str, Any], bodies: dict[str, MaskedBody]) -> str | None:
    """Take a part's content; why it cannot be, or ``None``."""
    try:
        if label == META:
            meta |= msgspec.json.decode(plaintext, type=dict[str, Any])
        else:
            bodies[label] = read_body(plaintext)
    except (msgspec.MsgspecError, UnicodeDecodeError, UnreadableBodyError):
        return "its content is not in a format that this Lawgate knows"
    return None


def journey_view(journey: Journey) -> dict[str, Any]:
    """The exchange as programs get it; what each entry says stands with the entry."""
    return {
        "exchange_id": journey.exchange_id,
        "state": journey.state,
        "outcome": journey.outcome,
        "code": journey.code,
        "bodies": {label: body.view() for label in (REQUEST, ANSWER) if (body := journey.body(label))},
        "entries": [_entry_view(entry) for entry in journey.steps],
        "about": [_entry_view(entry) for entry in journey.about],
    }


def _entry_view(entry: EntryView) -> dict[str, Any]:
    parts = [{"label": part.label, "state": part.state, "why": part.why} for part in entry.parts]
    return {
        "index": entry.index,
        "kind": entry.kind,
        "ts": entry.ts,
        "node": entry.node,
        "nseq": entry.nseq,
        "leaf_hash": entry.leaf_hash,
        "parts": parts,
        "meta": entry.meta,
    }


def readings(journey: Journey) -> Sequence[EntryView]:
    """The entries that say who read this exchange before."""
    return [entry for entry in journey.about if entry.kind == ACCESS]
