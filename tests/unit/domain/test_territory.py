"""Territory: the lists agree with each other and with the treaties."""

from lawgate.domain.territory import ADEQUATE, COUNTRIES, EEA, EU, outside_eea


def test_the_lists_have_the_sizes_that_the_law_gives_them() -> None:
    assert len(EU) == 27
    assert len(EEA) == 27 + 3 + 7
    assert len(COUNTRIES) == 249


def test_every_code_is_a_country_and_no_country_is_both_inside_and_adequate() -> None:
    assert EEA <= COUNTRIES
    assert ADEQUATE <= COUNTRIES
    assert not EEA & ADEQUATE


def test_who_is_outside() -> None:
    assert not outside_eea("DE")
    assert not outside_eea("NO")
    assert not outside_eea("RE")
    assert outside_eea("CH")
    assert outside_eea("GB")
    assert outside_eea("SJ")
    assert outside_eea("XX")
    assert outside_eea("de")
