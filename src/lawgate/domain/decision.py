"""What a request gets, and why."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a policy says; refuse beats hold beats permit."""

    PERMIT = "permit"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """One named contribution to the risk score, with the sentence an approver reads."""

    name: str
    weight: int
    reason: str


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule whose condition held. ``acted`` is false while the policy is only observed."""

    rule: str
    then: Outcome
    acted: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one request with everything the record keeps of it.

    ``message`` is for the caller, so it names no other person, purpose or internal.
    """

    outcome: Outcome
    purpose: str
    code: str | None = None
    message: str | None = None
    rule: str | None = None
    matches: tuple[RuleMatch, ...] = ()
    risk: int = 0
    factors: tuple[RiskFactor, ...] = ()
    gaps: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    observed: bool = False
