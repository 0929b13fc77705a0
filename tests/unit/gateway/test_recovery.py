"""Open exchanges get their outcome through the table."""

import asyncio
from collections.abc import Sequence

import msgspec

from lawgate.domain.ids import EntryId, ExchangeId
from lawgate.gateway.recovery import recover
from lawgate.ports import EntryDraft, IndexRow, OpenExchange, RecordedEntry, RetentionClass, WindowJournal

KEPT = RetentionClass(30, 365)
INDEX = IndexRow(ExchangeId("ab" * 16), None, None, "support-llm", "answer-customers", "intent_recorded")


class Frames:
    """Windows of an earlier run, as a store hands them back."""

    async def journal(self, frames: Sequence[tuple[str, bytes]]) -> None:
        raise AssertionError(frames)


class Memory:
    """A recorder and a recovery over a list: what a store does, without the disk."""

    def __init__(self, windows: WindowJournal | None) -> None:
        self.drafts: list[EntryDraft] = []
        self.found = OpenExchange(ExchangeId("ab" * 16), EntryId("cd" * 16), "intent_recorded", KEPT, INDEX, windows)

    def open_exchanges(self) -> Sequence[OpenExchange]:
        return [self.found]

    async def record(self, draft: EntryDraft) -> RecordedEntry:
        self.drafts.append(draft)
        return RecordedEntry(EntryId("ef" * 16), "n", 1, bytes(32))

    def windows(self, exchange: ExchangeId, retention: RetentionClass) -> WindowJournal:
        raise AssertionError(exchange, retention)

    def healthy(self) -> str | None:
        return None

    def take_gap(self) -> None:
        return None

    def probe_soon(self) -> None:
        return None


def _recovered(windows: WindowJournal | None) -> EntryDraft:
    memory = Memory(windows)
    assert asyncio.run(recover(memory, memory, 1_790_000_100.0)) == 1
    (draft,) = memory.drafts
    return draft


def test_an_intent_without_windows_has_an_unknown_outcome() -> None:
    draft = _recovered(None)
    assert (draft.kind, draft.public, draft.index.outcome) == ("outcome", {"re": "cd" * 16}, "unknown")
    assert draft.index.connection == "support-llm"
    assert msgspec.json.decode(draft.parts[0].plaintext)["outcome"] == "unknown"


def test_journalled_windows_are_committed_to_as_interrupted() -> None:
    frames = Frames()
    draft = _recovered(frames)
    assert draft.index.outcome == "interrupted"
    assert draft.windows is frames
