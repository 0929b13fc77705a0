import pytest

from lawgate.config.problem import WrongValueError
from lawgate.config.quantity import days_in_words, seconds, size_b, whole_days


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90 s", 90),
        ("90s", 90),
        ("1.5 min", 90),
        ("2 hours", 7200),
        ("1 day", 86_400),
        ("1 week", 604_800),
        ("1 year", 31_536_000),
    ],
)
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("30 days", 30), ("1 year", 365), ("2 weeks", 14), ("48 hours", 2), ("100 years", 36_500)]
)
def test_days(text: str, value: int) -> None:
    assert whole_days(text) == value


@pytest.mark.parametrize(("text", "value"), [("16 MiB", 16 * 1024**2), ("64KiB", 65_536), ("10 B", 10), ("1 kB", 1000)])
def test_sizes(text: str, value: int) -> None:
    assert size_b(text) == value


@pytest.mark.parametrize(
    ("text", "said", "meant"),
    [
        ("90", "needs a unit, such as 90 s", None),
        ("30 dyas", "has the unknown unit dyas", "30 days"),
        ("6 months", "is in months, which have no fixed length; say it in days", None),
        ("-1 day", "must be a number and a unit, such as 90 s", None),
        ("P30D", "must be a number and a unit, such as 90 s", None),
        ("1 day 2 hours", "must be a number and a unit, such as 90 s", None),
        ("12 hours", "must be a whole number of days, such as 30 days", None),
        ("0 days", "must be a whole number of days, such as 30 days", None),
        ("101 years", "must be at most 100 years", None),
        ("٣ days", "must be a number and a unit, such as 90 s", None),
        ("9" * 400 + " days", "must be a number and a unit, such as 90 s", None),
    ],
)
def test_what_is_not_a_number_of_days_says_why(text: str, said: str, meant: str | None) -> None:
    with pytest.raises(WrongValueError) as caught:
        whole_days(text)
    assert (caught.value.what, caught.value.suggestion) == (said, meant)


def test_case_of_a_size_matters_and_is_suggested() -> None:
    with pytest.raises(WrongValueError) as caught:
        size_b("16 mib")
    assert caught.value.suggestion == "16 MiB"


@pytest.mark.parametrize(("days", "words"), [(1, "1 day"), (30, "30 days"), (365, "1 year"), (730, "2 years")])
def test_days_in_words_and_back(days: int, words: str) -> None:
    assert days_in_words(days) == words
    assert whole_days(words) == days
