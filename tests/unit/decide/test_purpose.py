import pytest

from lawgate.decide.purpose import choose_purpose
from lawgate.domain.errors import Code, Refusal, RefusedError
from lawgate.domain.identity import Principal
from tests.unit.decide.world import caller, connection, policy, purpose


def refusal(who: Principal, requested: str | None, connection_name: str = "llm") -> Refusal:
    with pytest.raises(RefusedError) as caught:
        choose_purpose(policy(), who, connection_name, requested)
    return caught.value.refusal


def test_one_allowed_purpose_is_used_without_asking() -> None:
    assert choose_purpose(policy(), caller("hr"), "llm", None).name == "plan-staffing"


def test_of_several_the_caller_names_one() -> None:
    assert choose_purpose(policy(), caller("support"), "llm", "answer-customers").name == "answer-customers"


def test_of_several_none_named_refuses_with_the_callers_own_list() -> None:
    found = refusal(caller("support"), None)
    assert found.code is Code.PURPOSE_REQUIRED
    assert "answer-customers, plan-staffing" in found.message
    assert "train-agents" not in found.message


def test_no_group_no_purpose() -> None:
    assert refusal(caller("guests"), None).code is Code.PURPOSE_NONE
    assert refusal(caller(), "answer-customers").code is Code.PURPOSE_NONE
    assert refusal(caller("support"), None, "us-llm").code is Code.PURPOSE_NONE
    assert refusal(caller("support"), None, "no-such-connection").code is Code.PURPOSE_NONE


def test_unknown_groups_are_not_no_groups() -> None:
    assert refusal(caller(unknown=True), "answer-customers").code is Code.GROUPS_UNKNOWN


def test_no_oracle_an_existing_purpose_and_an_invented_one_get_the_same_answer() -> None:
    existing = refusal(caller("support"), "train-agents")
    invented = refusal(caller("support"), "x" * 5000)
    assert existing == invented
    assert existing.code is Code.PURPOSE_NOT_ALLOWED
    assert refusal(caller("guests"), "train-agents") == refusal(caller("guests"), "invented")


@pytest.mark.parametrize("asked_for", ["", "Answer-Customers", " answer-customers", "answer-customers,plan-staffing"])
def test_names_are_compared_exactly(asked_for: str) -> None:
    assert refusal(caller("support"), asked_for).code is Code.PURPOSE_NOT_ALLOWED


def test_a_bound_key_gets_its_purpose_and_no_other() -> None:
    key = caller("support", bound_to="train-agents")
    assert choose_purpose(policy(), key, "us-llm", None).name == "train-agents"
    assert choose_purpose(policy(), key, "us-llm", "train-agents").name == "train-agents"
    assert refusal(key, None, "llm").code is Code.PURPOSE_NONE
    named = caller("support", bound_to="plan-staffing")
    assert refusal(named, "answer-customers").code is Code.PURPOSE_NOT_ALLOWED
    assert "answer-customers" not in refusal(named, "answer-customers").message


def test_a_key_bound_to_a_purpose_that_is_gone_gets_nothing() -> None:
    assert refusal(caller("support", bound_to="retired"), None).code is Code.PURPOSE_NONE


def test_a_key_needs_no_groups_but_an_unbound_key_does() -> None:
    bound = caller(unknown=True, bound_to="plan-staffing")
    assert choose_purpose(policy(), bound, "llm", None).name == "plan-staffing"


def test_a_long_list_stays_one_sentence() -> None:
    many = policy(
        purposes=tuple(purpose(f"p-{number:03}", "g") for number in range(300)), connections=(connection("llm"),)
    )
    with pytest.raises(RefusedError) as caught:
        choose_purpose(many, caller("g"), "llm", None)
    assert caught.value.refusal.message.endswith("p-019 and 280 more.")
