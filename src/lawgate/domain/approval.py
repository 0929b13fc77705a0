"""Just-in-time approval: the words that the exchange already needs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Approval:
    """A hold that people released: which hold, by whom (principal ids), when (epoch seconds)."""

    hold: str
    approvers: tuple[str, ...]
    approved_at: int
