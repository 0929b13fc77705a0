"""What an officer writes: rules with a small fixed vocabulary, and the facts that they speak about.

Rule 1: the conditions of one rule must all hold; of a list, any. Rule 2: a rule only restricts: a
``permit`` that matches is recorded and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lawgate.domain.decision import Outcome
from lawgate.domain.identity import Principal


class DecisionInput(NamedTuple):
    """Everything that a decision may rest on; facts and counts, never content.

    ``purpose`` and ``connection`` are names. ``now`` is in seconds since the epoch, ``counts`` is the
    number of spans by detector in the request, ``not_inspected`` how many leaves or bodies went unread.
    """

    principal: Principal
    purpose: str
    connection: str
    operation: str
    model: str | None
    counts: Mapping[str, int]
    body_bytes: int
    now: float
    not_inspected: int = 0
    stream: bool = False
    tools: bool = False
    subject_asserted: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule's ``if``; what is empty or ``None`` does not restrict the match.

    ``models`` are exact names, or beginnings that end in ``*``.
    """

    risk_at_least: int | None = None
    detectors: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    recipient_outside_eea: bool | None = None
    not_inspected: bool | None = None
    stream: bool | None = None
    tools: bool | None = None


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may release a hold, and how many of them."""

    groups: tuple[str, ...]
    quorum: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``message`` is for the caller, so it must not name other people or internals."""

    name: str
    condition: Condition
    then: Outcome
    message: str | None = None
    approvers: Approvers | None = None
