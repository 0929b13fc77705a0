from dataclasses import replace
from datetime import date

import pytest

from lawgate.decide.policy import FOUND, NOT_INSPECTED, STREAM, TOOLS, flags_of
from lawgate.decide.rule import Condition, Rule
from lawgate.domain.decision import Outcome
from lawgate.domain.errors import Code
from lawgate.domain.processing import LawfulBasis, Observation, Safeguard
from tests.unit.decide.world import asked, connection, policy, purpose

STRICT = Rule("strict", Condition(tools=True), Outcome.REFUSE)
LOOSE = Rule("loose", Condition(detectors=("IBAN", "EMAIL")), Outcome.PERMIT)


def test_only_declared_pairs_are_in_the_tables() -> None:
    compiled = policy()
    assert set(compiled.pairs) == {("answer-customers", "llm"), ("plan-staffing", "llm"), ("train-agents", "us-llm")}
    assert {name: len(grants) for name, grants in compiled.grants.items()} == {"llm": 2, "us-llm": 1}


def test_a_name_that_is_not_declared_does_not_compile() -> None:
    with pytest.raises(KeyError):
        policy(purposes=(purpose("p", "g", connections=("elsewhere",)),))
    with pytest.raises(KeyError):
        policy(purposes=(purpose("p", "g", mask_request="no-such-profile"),))


def test_order_changes_nothing_not_even_the_digest() -> None:
    swapped = replace(LOOSE, condition=Condition(detectors=("EMAIL", "IBAN")))
    assert policy(STRICT, LOOSE).digest == policy(swapped, STRICT).digest


def test_whatever_decides_changes_the_digest() -> None:
    digests = {
        policy().digest,
        policy(STRICT).digest,
        policy(replace(STRICT, message="No.")).digest,
        policy(STRICT, observe=Observation(date(2030, 1, 1))).digest,
        policy(connections=(connection("llm", "FR"), connection("us-llm", "US", Safeguard.SCC))).digest,
        policy(purposes=(purpose("p", "g"),)).digest,
    }
    assert len(digests) == 6


def test_an_address_or_a_key_changes_no_policy() -> None:
    moved = replace(connection("llm"), upstream="https://moved.example/v1", credential_ref="env:NEW")
    same = policy(connections=(moved, connection("us-llm", "US", Safeguard.SCC)))
    assert same.digest == policy().digest


def test_rules_are_sorted_into_the_pairs_they_can_concern() -> None:
    abroad = Rule("abroad", Condition(recipient_outside_eea=True), Outcome.REFUSE)
    named = Rule("named", Condition(purposes=("plan-staffing",), connections=("llm",)), Outcome.HOLD)
    compiled = policy(abroad, named)
    concerned = {pair: [rule.rule.name for rule in found.rules] for pair, found in compiled.pairs.items()}
    assert concerned == {
        ("answer-customers", "llm"): [],
        ("plan-staffing", "llm"): ["named"],
        ("train-agents", "us-llm"): ["abroad"],
    }


def test_what_the_law_bars_is_barred_even_if_the_configuration_let_it_by() -> None:
    consent = policy(purposes=(purpose("p", "g", lawful_basis=LawfulBasis.CONSENT),))
    explicit = policy(purposes=(purpose("p", "g", special_categories=("9-2-a",)),))
    transfer = policy(connections=(connection("llm", "US"), connection("us-llm", "US", Safeguard.SCC)))
    bars = [
        consent.pairs["p", "llm"].bar,
        explicit.pairs["p", "llm"].bar,
        transfer.pairs["answer-customers", "llm"].bar,
    ]
    assert [bar and bar.code for bar in bars] == [
        Code.SUBJECT_REQUIRED,
        Code.SUBJECT_REQUIRED,
        Code.TRANSFER_NOT_ALLOWED,
    ]


def test_observation_ends_when_its_day_begins_in_utc() -> None:
    assert policy(observe=Observation(date(2027, 1, 31))).observe_until == 1_801_353_600.0
    assert policy().observe_until == 0.0


def test_flags_are_the_yes_or_no_facts() -> None:
    assert flags_of(asked()) == 0
    assert flags_of(asked(stream=True, counts={"EMAIL": 1})) == STREAM | FOUND
    assert flags_of(asked(tools=True, not_inspected=3)) == TOOLS | NOT_INSPECTED


def test_the_repr_of_a_policy_is_its_digest_and_no_declaration() -> None:
    assert "answer-customers" not in repr(policy())
