import pytest

from lawgate.mask.shapes import DigitForms, shape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tel. 030-12", b"Aaa. 000-00"),
        ("a_é\t\r\n", b"a||||\n"[:3] + b"|\n\n"),
        ("中:1", b"|:0"),
        ("<[(+/)]>", b"||(+/)||"),
    ],
)
def test_a_shape_is_as_long_as_its_text_and_shows_no_digit(text: str, expected: bytes) -> None:
    assert shape(text) == expected
    assert len(shape(text)) == len(text)


def test_forms_begin_at_signs_and_first_digits() -> None:
    forms = DigitForms([r"\(?\+[0-9]{7}", "[0-9]{7}"], 10)
    assert forms.starts(shape("x (+1234567, 1234567"), 0) == [(2, 0), (3, 0), (4, 1), (13, 1)]


def test_short_chains_and_what_lies_before_the_first_place_are_passed_over() -> None:
    forms = DigitForms(["[0-9]{7}"], 10)
    assert forms.starts(shape("2024 123.45 7  1234567"), 12) == [(15, 0)]
    assert forms.starts(shape("123456"), 0) == []


def test_a_chain_is_learnt_once_and_long_ones_by_their_tails() -> None:
    forms = DigitForms(["[0-9]{3} [0-9]{3}"], 7)
    long = shape("123 456 " * 50)
    assert forms.starts(long, 0) == forms.starts(long, 0) == [(at, 0) for at in range(0, 396, 4)]
    assert forms.starts(shape("123 456"), 0) == forms.starts(shape("987 654"), 0) == [(0, 0)]
