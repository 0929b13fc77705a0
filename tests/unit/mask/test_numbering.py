import pytest

from lawgate.mask.numbering import PLANS, national_lengths


def test_no_calling_code_begins_with_another() -> None:
    assert [one for one in PLANS for other in PLANS if one != other and one.startswith(other)] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("12025550123", ("1", 10, 10)),
        ("493012345", ("49", 6, 11)),
        ("35312345678", ("353", 7, 10)),
        ("2601234567", ("260", 5, 12)),
        ("999123", ("", 0, 0)),
        ("", ("", 0, 0)),
    ],
)
def test_a_number_begins_with_its_calling_code(number: str, expected: tuple[str, int, int]) -> None:
    assert national_lengths(number) == expected
