"""Which entries to read: as SQL for what is indexed, as a function for what is not yet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lawgate.store.group import EntryRow

Blind = Callable[[str], bytes]
"""A principal's id -> what the index holds for it."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Terms that must all hold. Times are in seconds since the epoch, ``until`` excluded."""

    exchange: str | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None
    principal: str | None = None
    connection: str | None = None
    purpose: str | None = None
    outcome: str | None = None

    def sql(self, blind: Blind) -> tuple[str, list[object]]:
        """A condition with its values."""
        terms, values = ["1"], list[object]()
        for column, value in self._exact(blind):
            terms.append(f"{column} = ?")
            values.append(value)
        for term, bound in (("ts >= ?", self.since), ("ts < ?", self.until)):
            if bound is not None:
                terms.append(term)
                values.append(bound)
        return " AND ".join(terms), values

    def predicate(self, blind: Blind) -> Callable[[EntryRow], bool]:
        """The same condition on a row that has no index yet."""
        exact = list(self._exact(blind))
        since = -1 if self.since is None else self.since
        until = 2**63 if self.until is None else self.until
        return lambda row: since <= row.ts < until and all(getattr(row, name) == value for name, value in exact)

    def _exact(self, blind: Blind) -> Iterator[tuple[str, object]]:
        for column in ("exchange", "kind", "connection", "purpose", "outcome"):
            value = getattr(self, column)
            if value is not None:
                yield column, value
        if self.principal is not None:
            yield "principal", blind(self.principal)
