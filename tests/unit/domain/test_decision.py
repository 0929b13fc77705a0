"""Verdicts are values that a record can keep."""

import pytest

from lawgate.decide.policy import SEVERITY
from lawgate.domain.decision import Outcome, RuleMatch, Verdict


def test_every_outcome_has_its_severity() -> None:
    assert sorted(Outcome, key=SEVERITY.__getitem__) == [Outcome.REFUSE, Outcome.HOLD, Outcome.PERMIT]


def test_a_verdict_cannot_be_softened() -> None:
    verdict = Verdict(Outcome.REFUSE, "p")
    with pytest.raises(AttributeError):
        verdict.outcome = Outcome.PERMIT  # type: ignore[misc]  # that is what is tested


def test_a_match_acts_unless_it_says_otherwise() -> None:
    assert RuleMatch("r", Outcome.HOLD).acted
    assert not Verdict(Outcome.PERMIT, "p").observed
