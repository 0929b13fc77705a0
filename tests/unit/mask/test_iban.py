from lawgate.mask.iban import BBAN, IBAN_LENGTH


def test_lengths_follow_from_the_structures() -> None:
    assert {country: IBAN_LENGTH[country] for country in ("NO", "BE", "DE", "GB", "FR", "MT", "RU", "LC")} == {
        "NO": 15, "BE": 16, "DE": 22, "GB": 22, "FR": 27, "MT": 31, "RU": 33, "LC": 32,
    }  # fmt: skip


def test_every_country_of_the_registry_is_there() -> None:
    assert len(BBAN) == len(IBAN_LENGTH) == 89
    assert all(15 <= length <= 33 for length in IBAN_LENGTH.values())


def test_structures_tell_letters_from_digits() -> None:
    assert BBAN["GB"].fullmatch("WEST12345698765432")
    assert not BBAN["GB"].fullmatch("123412345698765432")
    assert BBAN["FR"].fullmatch("20041010050500013M02606")
