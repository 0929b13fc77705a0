"""Declarations compiled into tables, so that a decision only looks things up.

Rule 1: what no purpose allows is absent from the tables, and what is absent is refused.
Rule 2: the order of purposes, connections and rules in the file changes nothing, not even the digest.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from lawgate.decide.canonical import digest
from lawgate.decide.risk import RiskProfile, profile_risk
from lawgate.decide.rule import Condition, DecisionInput, Rule
from lawgate.domain.decision import Outcome, RuleMatch, Verdict
from lawgate.domain.errors import Code
from lawgate.domain.processing import Connection, LawfulBasis, MaskProfile, Observation, Purpose
from lawgate.domain.territory import outside_eea

Predicate: TypeAlias = Callable[[DecisionInput], bool]
"""Whether a condition holds for a request."""

STREAM: Final = 1
TOOLS: Final = 2
NOT_INSPECTED: Final = 4
FOUND: Final = 8
"""Bits of ``flags_of``; ``FOUND`` says that detectors found anything at all."""

SEVERITY: Final = {Outcome.REFUSE: 0, Outcome.HOLD: 1, Outcome.PERMIT: 2}
"""Refuse beats hold beats permit."""

EXPLICIT_CONSENT: Final = "9-2-a"


@dataclass(frozen=True, slots=True)
class Bar:
    """Why nothing may go, whatever the request: a code and the sentence for the caller."""

    code: Code
    message: str


class CompiledRule(NamedTuple):
    """A rule reduced to what only a request can answer, the cheapest question first."""

    risk_at_least: int
    mask: int
    wanted: int
    holds: Predicate | None
    rule: Rule
    acted: RuleMatch
    observed: RuleMatch


@dataclass(frozen=True, slots=True)
class Pair:
    """A purpose on a connection: the unit that is decided about.

    ``permit`` and ``permit_observed`` are the verdicts on a request that nothing is to be said about,
    made once, because most requests get one of them.
    """

    purpose: Purpose
    risk: RiskProfile
    rules: tuple[CompiledRule, ...]
    bar: Bar | None
    permit: Verdict
    permit_observed: Verdict


@dataclass(frozen=True, slots=True)
class Grant:
    """A purpose as the callers of one connection may come by it."""

    purpose: Purpose
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides, compiled. ``digest`` names it in every record."""

    digest: str
    pairs: Mapping[tuple[str, str], Pair] = field(repr=False)
    grants: Mapping[str, tuple[Grant, ...]] = field(repr=False)
    """By connection, sorted by the purpose's name."""
    observe_until: float = 0.0
    """Seconds since the epoch before which rules report without acting; 0 when they act."""


def compile_policy(
    purposes: Iterable[Purpose],
    connections: Mapping[str, Connection],
    profiles: Mapping[str, MaskProfile],
    rules: Iterable[Rule],
    observe: Observation | None = None,
) -> Policy:
    """Compile what the controller declares; raises ``KeyError`` for a name that is not declared."""
    declared = sorted(purposes, key=lambda purpose: purpose.name)
    ordered = sorted(rules, key=lambda rule: (SEVERITY[rule.then], rule.name))
    pairs: dict[tuple[str, str], Pair] = {}
    grants: dict[str, list[Grant]] = {name: [] for name in connections}
    for purpose in declared:
        mask = None if purpose.mask_request is None else profiles[purpose.mask_request]
        for name in purpose.connections:
            connection = connections[name]
            pairs[purpose.name, name] = _pair(purpose, connection, mask, ordered)
            grants[name].append(Grant(purpose, frozenset(purpose.groups)))
    return Policy(
        digest=digest(
            [declared, _recipients(connections), profiles, [_sorted(rule) for rule in ordered], observe],
        ),
        pairs=pairs,
        grants={name: tuple(found) for name, found in grants.items()},
        observe_until=_observe_until(observe),
    )


def _pair(purpose: Purpose, connection: Connection, mask: MaskProfile | None, rules: Iterable[Rule]) -> Pair:
    compiled = tuple(_compile(rule) for rule in rules if _applies(rule.condition, purpose, connection))
    risk = profile_risk(purpose, connection, mask)
    permit = Verdict(Outcome.PERMIT, purpose.name, risk=risk.fixed_weight, factors=risk.fixed)
    return Pair(purpose, risk, compiled, _bar(purpose, connection), permit, replace(permit, observed=True))


def _recipients(connections: Mapping[str, Connection]) -> dict[str, object]:
    """What of a connection a decision rests on; addresses and credentials may change without a new policy."""
    return {name: [item.recipient, item.protocol, item.allow_not_inspected] for name, item in connections.items()}


def _sorted(rule: Rule) -> Rule:
    condition = rule.condition
    return replace(
        rule,
        condition=replace(
            condition,
            detectors=tuple(sorted(condition.detectors)),
            connections=tuple(sorted(condition.connections)),
            purposes=tuple(sorted(condition.purposes)),
            groups=tuple(sorted(condition.groups)),
            operations=tuple(sorted(condition.operations)),
            models=tuple(sorted(condition.models)),
        ),
    )


def _observe_until(observe: Observation | None) -> float:
    if observe is None:
        return 0.0
    until = observe.until
    return datetime(until.year, until.month, until.day, tzinfo=UTC).timestamp()


def _bar(purpose: Purpose, connection: Connection) -> Bar | None:
    """What the configuration refuses already, refused here again (law 3)."""
    if purpose.lawful_basis is LawfulBasis.CONSENT or EXPLICIT_CONSENT in purpose.special_categories:
        # Art. 7(1) and 9(2)(a): consent must be demonstrated, and there is no ledger to look it up in
        return Bar(Code.SUBJECT_REQUIRED, "This purpose rests on consent, and no consent can be looked up here.")
    recipient = connection.recipient
    if outside_eea(recipient.country) and recipient.safeguard is None:
        return Bar(Code.TRANSFER_NOT_ALLOWED, "No safeguard allows this transfer outside the EEA.")  # Art. 44
    return None


def _applies(condition: Condition, purpose: Purpose, connection: Connection) -> bool:
    """Whether the conditions that are known beforehand hold for this pair."""
    outside = condition.recipient_outside_eea
    return (
        (not condition.purposes or purpose.name in condition.purposes)
        and (not condition.connections or connection.name in condition.connections)
        and (outside is None or outside == outside_eea(connection.recipient.country))
    )


def _compile(rule: Rule) -> CompiledRule:
    acted = RuleMatch(rule.name, rule.then)
    condition = rule.condition
    mask, wanted = _flags(condition)
    return CompiledRule(
        condition.risk_at_least or 0,
        mask,
        wanted,
        _all_of(_predicates(condition)),
        rule,
        acted,
        replace(acted, acted=False),
    )


def _flags(condition: Condition) -> tuple[int, int]:
    """Which flags a rule looks at, and what it wants them to be."""
    mask = wanted = 0
    asked = {STREAM: condition.stream, TOOLS: condition.tools, NOT_INSPECTED: condition.not_inspected}
    for flag, value in asked.items():
        if value is not None:
            mask |= flag
            wanted |= flag if value else 0
    if condition.detectors:
        mask |= FOUND
        wanted |= FOUND
    return mask, wanted


def flags_of(given: DecisionInput) -> int:
    """The yes-or-no facts of one request as bits, so that most rules are passed over by one comparison."""
    return (
        (STREAM if given.stream else 0)
        | (TOOLS if given.tools else 0)
        | (NOT_INSPECTED if given.not_inspected else 0)
        | (FOUND if given.counts else 0)
    )


def _predicates(condition: Condition) -> list[Predicate]:
    """One predicate for each condition that needs more than the risk and the flags."""
    found: list[Predicate] = []
    if condition.operations:
        found.append(_operation(frozenset(condition.operations)))
    if condition.detectors:
        found.append(_detected(frozenset(condition.detectors)))
    if condition.groups:
        found.append(_member(frozenset(condition.groups)))
    if condition.models:
        found.append(_model(condition.models))
    return found


def _all_of(predicates: list[Predicate]) -> Predicate | None:
    """One predicate for all of them; ``None`` when there is none to ask."""
    if not predicates:
        return None
    first, *rest = predicates
    second = _all_of(rest)
    if second is None:
        return first
    return lambda given: first(given) and second(given)


def _operation(names: frozenset[str]) -> Predicate:
    return lambda given: given.operation in names


def _detected(names: frozenset[str]) -> Predicate:
    return lambda given: not names.isdisjoint(given.counts)


def _member(names: frozenset[str]) -> Predicate:
    return lambda given: not names.isdisjoint(given.principal.groups or ())


def _model(patterns: tuple[str, ...]) -> Predicate:
    exact = frozenset(name for name in patterns if not name.endswith("*"))
    starts = tuple(name[:-1] for name in patterns if name.endswith("*"))

    def holds(given: DecisionInput) -> bool:
        return given.model is not None and (given.model in exact or given.model.startswith(starts))

    return holds
