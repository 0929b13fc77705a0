"""One request -> permit, hold or refuse, with every reason.

Rule 1: purposes permit, rules only restrict. Rule 2: refuse beats hold beats permit. Rule 3: a rule
that cannot be evaluated refuses, also while rules are only observed (law 3).
"""

from typing import Final

from lawgate.decide.policy import CompiledRule, Policy, flags_of
from lawgate.decide.risk import assess
from lawgate.decide.rule import DecisionInput
from lawgate.domain.decision import Outcome, RiskFactor, Verdict
from lawgate.domain.errors import Code

NOT_ALLOWED: Final = "This purpose is not open on this connection."
REFUSED: Final = "A rule of this gateway refuses this request."
BROKEN: Final = "The policy could not be evaluated, so the request was refused: tell those who run this gateway."


def decide(policy: Policy, given: DecisionInput) -> Verdict:
    """The verdict on one request whose purpose has been chosen.

    A ``hold`` carries no code: what becomes of it is the exchange's business.
    """
    # 1. What no purpose allows is refused (Art. 5(1)(b)).
    pair = policy.pairs.get((given.purpose, given.connection))
    if pair is None:
        return Verdict(Outcome.REFUSE, given.purpose, Code.PURPOSE_NOT_ALLOWED.value, NOT_ALLOWED)
    # 2. What the law bars is refused whatever rules say, and never merely observed (Art. 7, 9, 44).
    if pair.bar is not None:
        return Verdict(Outcome.REFUSE, given.purpose, pair.bar.code.value, pair.bar.message)
    # 3. Risk, then the rules, which may ask for it.
    try:
        factors = assess(pair.risk, given)
        risk = sum([factor.weight for factor in factors])
        matched = _matching(pair.rules, given, risk)
    except Exception:  # noqa: BLE001  a boundary: whatever breaks in a rule must refuse, never pass
        return Verdict(Outcome.REFUSE, given.purpose, Code.POLICY_ERROR.value, BROKEN)
    observing = given.now < policy.observe_until
    if not matched and factors is pair.risk.fixed:
        return pair.permit_observed if observing else pair.permit
    if not matched:
        return Verdict(Outcome.PERMIT, given.purpose, risk=risk, factors=factors, observed=observing)
    if observing:
        return _observed(given, matched, risk, factors)
    return _acted(given, matched, risk, factors)


def _matching(rules: tuple[CompiledRule, ...], given: DecisionInput, risk: int) -> list[CompiledRule]:
    """The rules whose every condition holds, the most severe first."""
    matched = []
    flags = flags_of(given)
    for compiled in rules:
        least, mask, wanted, holds, _, _, _ = compiled
        if risk >= least and flags & mask == wanted and (holds is None or holds(given)):
            matched.append(compiled)
    return matched


def _observed(given: DecisionInput, matched: list[CompiledRule], risk: int, factors: tuple[RiskFactor, ...]) -> Verdict:
    """Rules report what they would have done."""
    matches = tuple(compiled.observed for compiled in matched)
    return Verdict(
        Outcome.PERMIT,
        given.purpose,
        rule=matched[0].rule.name,
        matches=matches,
        risk=risk,
        factors=factors,
        observed=True,
    )


def _acted(given: DecisionInput, matched: list[CompiledRule], risk: int, factors: tuple[RiskFactor, ...]) -> Verdict:
    """The most severe match decides; of equals, the first by name."""
    rule = matched[0].rule
    refused = rule.then is Outcome.REFUSE
    return Verdict(
        rule.then,
        given.purpose,
        Code.POLICY_REFUSED.value if refused else None,
        (rule.message or REFUSED) if refused else rule.message,
        rule.name,
        tuple(compiled.acted for compiled in matched),
        risk,
        factors,
    )
