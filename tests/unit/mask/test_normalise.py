import pytest

from lawgate.mask.normalise import INVISIBLE_RUN_MAX, alphanumeric, digits, plain


@pytest.mark.parametrize(
    ("text", "looks_like"),
    [
        ("４１１１", "4111"),
        ("a＠b．co", "a@b.co"),
        ("536‑22‑1234", "536-22-1234"),
        ("−1–2—3", "-1-2-3"),
        ("1\u00a02\u202f3\u20094\u30005", "1 2 3 4 5"),
        ("Grüße, señor: 你好", "Grüße, señor: 你好"),
    ],
)
def test_look_alikes_become_plain_one_for_one(text: str, looks_like: str) -> None:
    assert plain(text) == (looks_like, None)


def test_invisible_characters_are_removed_and_places_kept() -> None:
    assert plain("a\u200bb\u00adc\ufeff") == ("abc", [0, 2, 4, 6])


def test_a_long_invisible_run_is_a_wall() -> None:
    run = "\u200b" * (INVISIBLE_RUN_MAX + 1)
    assert plain(f"1{run}2") == ("1" + "|" * len(run) + "2", list(range(len(run) + 3)))
    assert plain("1" + run[1:] + "2")[0] == "12"


def test_ascii_and_ordinary_text_is_handed_back_as_it_is() -> None:
    for text in ("plain", "naïve – no"[:5], ""):
        assert plain(text)[0] is text


def test_alphanumeric_is_what_keys_are_compared_by() -> None:
    assert alphanumeric("Phone-Number_2") == "phonenumber2"
    assert alphanumeric("Straße") == "strasse"


def test_digits_are_ascii_digits() -> None:
    assert digits("４1-1\u200b1٣") == "4111"
