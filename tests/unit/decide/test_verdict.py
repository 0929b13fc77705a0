from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from lawgate.decide.rule import Condition, Rule
from lawgate.decide.verdict import decide
from lawgate.domain.decision import Outcome, RuleMatch, Verdict
from lawgate.domain.processing import LawfulBasis, Observation
from tests.unit.decide.world import asked, caller, policy, purpose

NOW = 1_790_000_000.0
OBSERVE = Observation(date(2030, 1, 1))


def rule(name: str, then: Outcome = Outcome.REFUSE, message: str | None = None, **condition: Any) -> Rule:
    return Rule(name, Condition(**condition), then, message)


def verdict(*rules: Rule, observe: Observation | None = None, **facts: Any) -> Verdict:
    return decide(policy(*rules, observe=observe), asked(**facts))


def test_no_rule_permits_what_a_purpose_allows() -> None:
    found = verdict()
    assert (found.outcome, found.purpose, found.risk, found.factors) == (Outcome.PERMIT, "answer-customers", 0, ())
    assert not found.observed


def test_what_no_purpose_allows_is_refused() -> None:
    assert verdict(connection="us-llm").code == "purpose_not_allowed"
    assert verdict(purpose="invented").outcome is Outcome.REFUSE


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        ({"risk_at_least": 30}, {"not_inspected": 1}),
        ({"detectors": ("IBAN", "EMAIL")}, {"counts": {"EMAIL": 1}}),
        ({"groups": ("leads", "interns")}, {"principal": caller("support", "interns")}),
        ({"operations": ("embeddings",)}, {"operation": "embeddings"}),
        ({"models": ("gpt-4*", "m-2")}, {"model": "gpt-4o"}),
        ({"models": ("gpt-4*", "m-2")}, {"model": "m-2"}),
        ({"stream": True}, {"stream": True}),
        ({"tools": True}, {"tools": True}),
        ({"not_inspected": True}, {"not_inspected": 2}),
    ],
)
def test_each_condition_matches_what_it_says_and_nothing_else(condition: dict[str, Any], facts: dict[str, Any]) -> None:
    assert verdict(rule("r", **condition), **facts).outcome is Outcome.REFUSE
    assert verdict(rule("r", **condition)).outcome is Outcome.PERMIT


def test_conditions_can_ask_for_the_absence_of_something() -> None:
    unstreamed = rule("r", stream=False, tools=False, not_inspected=False)
    assert verdict(unstreamed).outcome is Outcome.REFUSE
    assert verdict(unstreamed, tools=True).outcome is Outcome.PERMIT


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = rule("r", stream=True, detectors=("IBAN",), groups=("support",), models=("m-1",))
    assert verdict(both, stream=True, counts={"IBAN": 1}).outcome is Outcome.REFUSE
    assert verdict(both, stream=True, counts={"EMAIL": 1}).outcome is Outcome.PERMIT
    assert verdict(both, counts={"IBAN": 1}).outcome is Outcome.PERMIT
    assert verdict(both, stream=True, counts={"IBAN": 1}, model=None).outcome is Outcome.PERMIT


def test_refuse_beats_hold_beats_permit() -> None:
    rules = (rule("a", Outcome.PERMIT, stream=False), rule("b", Outcome.HOLD, stream=False), rule("c", stream=False))
    found = verdict(*rules)
    assert (found.outcome, found.rule, found.code) == (Outcome.REFUSE, "c", "policy_refused")
    assert [match.rule for match in found.matches] == ["c", "b", "a"]
    assert verdict(*rules[:2]).outcome is Outcome.HOLD
    assert verdict(rules[0]).outcome is Outcome.PERMIT


def test_a_hold_carries_no_code_and_its_own_message() -> None:
    found = verdict(rule("lead", Outcome.HOLD, "Ask your lead.", risk_at_least=0))
    assert (found.outcome, found.code, found.message) == (Outcome.HOLD, None, "Ask your lead.")


def test_the_callers_message_is_the_rules_or_a_plain_one() -> None:
    assert (
        verdict(rule("internal name", message="Use the other model.", risk_at_least=0)).message
        == "Use the other model."
    )
    plain = verdict(rule("internal name", risk_at_least=0)).message
    assert plain is not None
    assert "internal name" not in plain


def test_of_equals_the_first_by_name_is_named() -> None:
    one, two = rule("one", message="1", risk_at_least=0), rule("two", message="2", risk_at_least=0)
    assert verdict(two, one).message == verdict(one, two).message == "1"


def test_observing_reports_what_would_have_been() -> None:
    found = verdict(rule("r", stream=False), observe=OBSERVE)
    assert (found.outcome, found.observed, found.rule) == (Outcome.PERMIT, True, "r")
    assert found.matches == (RuleMatch("r", Outcome.REFUSE, acted=False),)


def test_observation_is_stamped_also_where_nothing_matched_and_ends() -> None:
    assert verdict(observe=OBSERVE).observed
    assert verdict(observe=OBSERVE, counts={"EMAIL": 1}).observed
    late = verdict(rule("r", stream=False), observe=Observation(date(2026, 1, 1)))
    assert (late.outcome, late.observed) == (Outcome.REFUSE, False)


def test_observation_never_lifts_what_the_law_bars() -> None:
    consent = (purpose("p", "support", lawful_basis=LawfulBasis.CONSENT),)
    found = decide(policy(purposes=consent, observe=OBSERVE), asked(purpose="p"))
    assert (found.outcome, found.code) == (Outcome.REFUSE, "subject_required")


class Broken(Mapping[str, int]):
    """Counts that cannot be read."""

    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("the detector's secret")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("observe", [None, OBSERVE])
def test_what_cannot_be_evaluated_refuses_also_while_observing(observe: Observation | None) -> None:
    found = verdict(rule("r", detectors=("IBAN",)), counts=Broken(), observe=observe)
    assert (found.outcome, found.code) == (Outcome.REFUSE, "policy_error")
    assert "secret" not in repr(found)


def test_the_verdict_says_why_with_numbers() -> None:
    found = verdict(rule("r", risk_at_least=15), counts={"EMAIL": 3, "PHONE": 4})
    assert (found.risk, [factor.name for factor in found.factors]) == (15, ["identifiers"])
    assert found.risk == sum(factor.weight for factor in found.factors)
