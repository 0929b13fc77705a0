"""Rules only restrict, their order is nothing, and observing never acts."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lawgate.decide.policy import SEVERITY
from lawgate.decide.rule import Condition, DecisionInput, Rule
from lawgate.decide.verdict import decide
from lawgate.domain.decision import Outcome
from lawgate.domain.processing import Observation
from tests.unit.decide.world import asked, caller, policy

DETECTORS = ("EMAIL", "IBAN", "PHONE")
OBSERVE = Observation(date(2030, 1, 1))

some = st.sampled_from
maybe = st.one_of(st.none(), st.booleans())


def few(*names: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(some(names), max_size=2, unique=True).map(tuple)


conditions = st.builds(
    Condition,
    risk_at_least=st.one_of(st.none(), st.integers(0, 120)),
    detectors=few(*DETECTORS),
    connections=few("llm", "us-llm"),
    purposes=few("answer-customers", "plan-staffing", "train-agents"),
    groups=few("support", "hr", "leads"),
    operations=few("chat", "embeddings"),
    models=few("m-1", "m-*", "gpt-4*"),
    recipient_outside_eea=maybe,
    not_inspected=maybe,
    stream=maybe,
    tools=maybe,
)
rule_sets = st.lists(
    st.builds(Rule, some(("a", "b", "c", "d", "e")), conditions, some(Outcome)),
    max_size=6,
    unique_by=lambda rule: rule.name,
)
pairs = some(
    (("answer-customers", "llm"), ("plan-staffing", "llm"), ("train-agents", "us-llm"), ("train-agents", "llm"))
)


@st.composite
def requests(draw: Any) -> DecisionInput:
    purpose, connection = draw(pairs)
    return asked(
        principal=caller(*draw(few("support", "hr", "leads"))),
        purpose=purpose,
        connection=connection,
        operation=draw(some(("chat", "embeddings"))),
        model=draw(some(("m-1", "gpt-4o", None))),
        counts=draw(st.dictionaries(some(DETECTORS), st.integers(1, 40))),
        body_bytes=draw(st.integers(0, 1_000_000)),
        not_inspected=draw(st.integers(0, 2)),
        stream=draw(st.booleans()),
        tools=draw(st.booleans()),
    )


@given(rule_sets, st.builds(Rule, st.just("one more"), conditions, some(Outcome)), requests())
@settings(max_examples=200, deadline=None)
def test_one_rule_more_never_permits_more(rules: list[Rule], more: Rule, request: DecisionInput) -> None:
    before = decide(policy(*rules), request)
    after = decide(policy(*rules, more), request)
    assert SEVERITY[after.outcome] <= SEVERITY[before.outcome]


@given(st.data(), rule_sets, requests())
@settings(max_examples=200, deadline=None)
def test_the_order_of_rules_is_nothing(data: st.DataObject, rules: list[Rule], request: DecisionInput) -> None:
    shuffled = data.draw(st.permutations(rules))
    assert decide(policy(*shuffled), request) == decide(policy(*rules), request)
    assert policy(*shuffled).digest == policy(*rules).digest


@given(rule_sets, requests())
@settings(max_examples=200, deadline=None)
def test_observing_never_acts_and_reports_all_that_would_have(rules: list[Rule], request: DecisionInput) -> None:
    acting, observing = decide(policy(*rules), request), decide(policy(*rules, observe=OBSERVE), request)
    without_rules = decide(policy(), request)
    assert observing.outcome is without_rules.outcome
    assert [(match.rule, match.then) for match in observing.matches] == [
        (match.rule, match.then) for match in acting.matches
    ]
    assert not any(match.acted for match in observing.matches)


def naive(rules: list[Rule], request: DecisionInput) -> set[str]:
    """The rules that match, straight from their meaning."""
    risk = decide(policy(), request).risk
    outside = request.connection == "us-llm"
    matched = set()
    for rule in rules:
        given_if = rule.condition
        answers = [
            given_if.risk_at_least is None or risk >= given_if.risk_at_least,
            not given_if.detectors or any(name in request.counts for name in given_if.detectors),
            not given_if.connections or request.connection in given_if.connections,
            not given_if.purposes or request.purpose in given_if.purposes,
            not given_if.groups or any(group in (request.principal.groups or ()) for group in given_if.groups),
            not given_if.operations or request.operation in given_if.operations,
            not given_if.models or any(_fits(request.model, name) for name in given_if.models),
            given_if.recipient_outside_eea in {None, outside},
            given_if.not_inspected in {None, request.not_inspected > 0},
            given_if.stream in {None, request.stream},
            given_if.tools in {None, request.tools},
        ]
        if all(answers):
            matched.add(rule.name)
    return matched


def _fits(model: str | None, pattern: str) -> bool:
    return model is not None and (model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern)


@given(rule_sets, requests())
@settings(max_examples=300, deadline=None)
def test_compiled_rules_mean_what_they_say(rules: list[Rule], request: DecisionInput) -> None:
    found = decide(policy(*rules), request)
    if found.code == "purpose_not_allowed":
        assert found.matches == ()
    else:
        assert {match.rule for match in found.matches} == naive(rules, request)
