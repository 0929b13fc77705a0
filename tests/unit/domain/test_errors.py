"""Codes, their statuses, and what an error shows of itself."""

import inspect

import pytest

from lawgate.domain import errors
from lawgate.domain.errors import BEFORE_IDENTIFIED, RETRYABLE, STATUS, Code, LawgateError, Refusal, refuse


def test_every_code_has_a_status_and_no_status_lacks_its_code() -> None:
    assert set(STATUS) == set(Code)
    assert all(400 <= status < 600 for status in STATUS.values())


def test_what_a_retry_can_mend_is_a_503() -> None:
    assert {STATUS[code] for code in RETRYABLE} == {503}


def test_refusals_before_identification_say_nothing_about_people() -> None:
    assert set(Code) > BEFORE_IDENTIFIED
    assert not {STATUS[code] for code in BEFORE_IDENTIFIED} & {403, 404}, "both would answer for someone"


@pytest.mark.parametrize("code", Code)
def test_retry_after_goes_with_what_can_be_retried(code: Code) -> None:
    refusal = refuse(code, "No.").refusal
    assert (refusal.retry_after_s is not None) == (code in RETRYABLE)
    assert refusal.status == STATUS[code]


def test_a_refusal_in_flight_shows_its_code_and_nothing_else() -> None:
    error = refuse(Code.BODY_UNREADABLE, "The body of anna@mail.example.", detail="anna@mail.example")
    assert str(error) == "body_unreadable"
    assert "anna" not in repr(error)


def test_every_error_of_ours_is_in_one_tree() -> None:
    raised = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)]
    assert all(issubclass(each, LawgateError) for each in raised)


def test_a_refusal_is_a_value() -> None:
    assert Refusal(Code.INTERNAL, "x") == Refusal(Code.INTERNAL, "x")
    with pytest.raises(AttributeError):
        Refusal(Code.INTERNAL, "x").code = Code.STOPPING  # type: ignore[misc]  # that is what is tested
