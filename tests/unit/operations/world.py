"""A store as ``lawgate init`` makes it, with exchanges in it, for the tests of operations and commands.

Rule: entries are drafted by the exchange's own code and recorded by the real recorder, durable and all.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from lawgate.domain.errors import Code, Refusal
from lawgate.domain.ids import ExchangeId
from lawgate.domain.message import CutText, Edit, cut
from lawgate.exchange.facts import AnswerFacts, Facts, MaskedFacts, RequestFacts
from lawgate.exchange.record import encode_cut, intent_draft, outcome_draft, refusal_draft
from lawgate.kms.key_file import load_key_file
from lawgate.operations.actor import Actor
from lawgate.operations.initialise import initialise
from lawgate.operations.place import Place
from lawgate.operations.visit import Visit, visiting
from lawgate.store.opening import Store, open_keys, open_store
from lawgate.store.reader import StoredEntry, StoreReader
from tests.playbook import ANNA, GROUNDS, PERMIT

NOW = 1_790_000_000
ORIGINAL = "anna.kowalska@mail.example"
KEPT = "+49 30 23125 467"
"""A span that the profile keeps: the record holds it as its own replacement."""
ROOT = Actor("tester", 1000)
T = TypeVar("T")


def cut_out(text: str, *edits: tuple[str, str, str, str]) -> CutText:
    """``text`` without each (original, detector, operator, replacement)."""
    found = [
        Edit(text.index(original), text.index(original) + len(original), detector, operator, original, replacement)
        for original, detector, operator, replacement in edits
    ]
    return cut(text, found)


REQUEST_CUT = cut_out(
    f'{{"messages":[{{"content":"Write to {ORIGINAL} or call {KEPT}"}}]}}',
    (ORIGINAL, "EMAIL", "replace", "<EMAIL>"),
    (KEPT, "PHONE", "keep", KEPT),
)
ANSWER_CUT = cut_out(f'{{"answer":"I wrote to {ORIGINAL}"}}', (ORIGINAL, "EMAIL", "redact", "[REDACTED]"))
STREAM_CUTS = (
    cut_out('data: {"choices":[{"index":0,"delta":{"content":"I wrote "}}]}\n\n'),
    cut_out(
        f'data: {{"choices":[{{"index":0,"delta":{{"content":"to {ORIGINAL}"}}}}]}}\n\ndata: [DONE]\n\n',
        (ORIGINAL, "EMAIL", "redact", "[REDACTED]"),
    ),
)


def exchange_id(number: int) -> ExchangeId:
    return ExchangeId(sha256(b"exchange %d" % number).hexdigest()[:32])


@dataclass(frozen=True)
class World:
    """A configuration file and the store that it names."""

    config: Path
    place: Place

    def record(self, *works: Callable[[Store], Awaitable[None]], node: str = "node-1") -> None:
        """Be a gateway for a moment; its entries stay in its journal."""

        async def one_after_the_other() -> None:
            wrapper = load_key_file(self.place.kek_file)
            loop = asyncio.get_running_loop()
            store = open_store(self.place.paths, wrapper=wrapper, node=node, loop=loop, keys_ahead=8)
            try:
                await store.start()
                for work in works:
                    await work(store)
            finally:
                await store.aclose()

        asyncio.run(one_after_the_other())

    def visit(self, work: Callable[[Visit], Awaitable[T]]) -> T:
        async def at_the_store() -> T:
            async with visiting(self.place, wait_s=5) as visit:
                return await work(visit)

        return asyncio.run(at_the_store())

    def integrate(self) -> None:
        async def nothing(_visit: Visit) -> None:
            return None

        self.visit(nothing)

    def entries(self, kind: str | None = None) -> list[StoredEntry]:
        with_keys = StoreReader(self.place.paths)
        try:
            found = list(with_keys.entries(newest_first=False))
        finally:
            with_keys.close()
        return [entry for entry in found if kind is None or entry.row.kind == kind]

    def metas(self, kind: str) -> list[dict[str, object]]:
        """What the entries of a kind say in their sealed part."""
        keys = open_keys(self.place.paths, load_key_file(self.place.kek_file))
        reader = StoreReader(self.place.paths, keys)
        try:
            parts = [reader.open_parts(entry)["meta"] for entry in self.entries(kind)]
        finally:
            reader.close()
            keys.close()
        return [msgspec.json.decode(part.plaintext or b"{}") for part in parts]

    def tamper(self, *statements: str) -> None:
        """Change the integrated log behind everybody's back."""
        connection = sqlite3.connect(self.place.paths.index, isolation_level=None)
        for statement in statements:
            assert connection.execute(statement).rowcount, f"nothing to change by: {statement}"
        connection.close()

    def copied(self, folder: Path) -> "World":
        """The same store elsewhere, as a backup would hold it."""
        shutil.copytree(self.config.parent, folder)
        return made_at(folder / self.config.name)


def made_at(config: Path) -> World:
    return World(config, initialise(config, if_missing=True).place)


def made_world(folder: Path) -> World:
    return made_at(folder / "lawgate.yaml")


def facts(number: int, ts: float = NOW) -> Facts:
    known = Facts(exchange_id(number), ts, "support-llm", ANNA, GROUNDS)
    known.retention = GROUNDS.retention
    known.request = RequestFacts(
        operation="chat.completions",
        method="POST",
        path="/v1/chat/completions",
        model="m",
        stream=False,
        content_type="application/json",
        received_sha256="aa",
        received_b=42,
        counts={"EMAIL": 1, "PHONE": 1},
    )
    known.masked = MaskedFacts(REQUEST_CUT, "bb", 40, "careful", "dd")
    known.verdict = PERMIT
    return known


def answered(number: int, ts: float = NOW) -> Callable[[Store], Awaitable[None]]:
    """An exchange with a whole answer."""

    async def work(store: Store) -> None:
        known = facts(number, ts)
        known.intent = (await store.recorder.record(intent_draft(known))).id
        known.outcome = "answered"
        known.answer = AnswerFacts(
            at=ts + 2, status=200, content_type="application/json", cut=ANSWER_CUT, counts={"EMAIL": 1}
        )
        await store.recorder.record(outcome_draft(known))

    return work


def streamed(number: int, ts: float = NOW) -> Callable[[Store], Awaitable[None]]:
    """An exchange whose answer came in windows."""

    async def work(store: Store) -> None:
        known = facts(number, ts)
        known.intent = (await store.recorder.record(intent_draft(known))).id
        journal = store.recorder.windows(known.exchange, known.retention)
        for said in STREAM_CUTS:
            originals = [("answer-originals", msgspec.json.encode(said.originals) + b"\n")] if said.originals else []
            await journal.journal([("answer", encode_cut(said) + b"\n"), *originals])
        known.outcome = "answered"
        known.answer = AnswerFacts(
            at=ts + 2, status=200, content_type="text/event-stream", windows=journal, streamed=True, events=3
        )
        await store.recorder.record(outcome_draft(known))

    return work


def refused(number: int, ts: float = NOW, code: Code = Code.PURPOSE_NONE) -> Callable[[Store], Awaitable[None]]:
    """An exchange that a policy refused."""

    async def work(store: Store) -> None:
        known = facts(number, ts)
        known.refusal, known.refused_at = Refusal(code, "No."), ts
        await store.recorder.record(refusal_draft(known))

    return work


def begun(number: int, ts: float = NOW) -> Callable[[Store], Awaitable[None]]:
    """An exchange that is under way."""

    async def work(store: Store) -> None:
        await store.recorder.record(intent_draft(facts(number, ts)))

    return work
