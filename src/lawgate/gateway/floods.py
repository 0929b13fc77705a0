"""Refusals that nobody answers for: one entry per cause and minute, so that a scanner cannot fill the log.

Rule: what is kept is a number and a cause, never an address, a path or a credential.
"""

from lawgate.domain.errors import Code
from lawgate.ports import EntryDraft, IndexRow, RetentionClass

FLOOD_RETENTION = RetentionClass(content_d=1, evidence_d=365)


class Floods:
    """Counts by cause since the last entry."""

    __slots__ = ("_counts", "_since")

    def __init__(self, now: float) -> None:
        self._counts: dict[Code, int] = {}
        self._since = now

    def count(self, code: Code) -> None:
        """Add one refusal before identification."""
        self._counts[code] = self._counts.get(code, 0) + 1

    def take(self, now: float) -> list[EntryDraft]:
        """One draft per cause for the time since the last call; the counts start again."""
        counts, self._counts = self._counts, {}
        since, self._since = self._since, now
        return [
            EntryDraft(
                kind="refusals",
                ts=int(now),
                retention=FLOOD_RETENTION,
                parts=(),
                index=IndexRow(state="refused", outcome="refused", code=code.value),
                public={"code": code.value, "n": number, "since": int(since)},
            )
            for code, number in sorted(counts.items())
        ]

    def put_back(self, drafts: list[EntryDraft]) -> None:
        """The entries could not be recorded: count them again next time."""
        for draft in drafts:
            code = Code(str(draft.public["code"]))
            self._counts[code] = self._counts.get(code, 0) + int(draft.public["n"])
            self._since = min(self._since, int(draft.public["since"]))
