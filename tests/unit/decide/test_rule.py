import pytest

from lawgate.decide.rule import Approvers, Condition, DecisionInput, Rule
from lawgate.domain.decision import Outcome
from tests.unit.decide.world import asked


def test_rules_are_values() -> None:
    one = Rule("r", Condition(models=("m",)), Outcome.HOLD, None, Approvers(("leads",)))
    assert one == Rule("r", Condition(models=("m",)), Outcome.HOLD, approvers=Approvers(("leads",), 1))
    assert len({one, one}) == 1
    with pytest.raises(AttributeError):
        one.name = "other"  # type: ignore[misc]


def test_facts_hold_counts_and_no_content() -> None:
    assert asked().stream is False
    assert not {"body", "text", "content", "subject"} & set(DecisionInput._fields)
