import pytest

from lawgate.mask import validators


@pytest.mark.parametrize(
    "number", ["4111111111111111", "378282246310005", "30569309025904", "6011111111111117", "0", "18"]
)
def test_luhn_digit(number: str) -> None:
    assert validators.has_luhn_digit(number)
    assert not validators.has_luhn_digit(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("4111 1111 1111 1111", True),
        ("4111 1111\n1111 1111", True),
        ("4111\n1111\n1111 1111", False),
        ("4111 1111 1111 1112", False),
        ("4444444444444444444", False),
        ("411111111111", False),
        ("41111111111111111111", False),
    ],
)
def test_payment_cards(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_payment_card(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("DE89 3704 0044 0532 0130 00", True),
        ("gb82west12345698765432", True),
        ("NO93 8601 1117 947", True),
        ("DE89 3704 0044 0532 0130 01", False),
        ("DE89 3704 0044 0532 0130", False),
        ("ZZ89 3704 0044 0532 0130 00", False),
        ("DE89 3704 0044 0532 0130 0A", False),
    ],
)
def test_ibans(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_iban(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("192.0.2.1", True), ("1.2.3.4", True), ("192.168.001.010", True), ("256.1.1.1", False),
     ("127.0.0.1", False),
     ("0.0.0.0", False), ("255.255.255.0", False)],
)  # fmt: skip
def test_ipv4_addresses(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_ipv4(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("2001:db8::1", True), ("fe80::1%eth0", True), ("::ffff:192.0.2.1", True), ("1:2:3:4:5:6:7:8", True),
     ("::1", False), ("::", False), ("a::b", False), ("1::2", False), ("10:30:45", False),
     ("1:2:3:4:5:6:7:8:9", False),
     ("2001:db8::1::2", False), ("dead:beef:cafe::", False), (":::1", False)],
)  # fmt: skip
def test_ipv6_addresses(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_ipv6(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("536-22-1234", True), ("899-99-9999", True), ("000-12-3456", False), ("666-12-3456", False),
     ("900-12-3456", False), ("536-00-1234", False), ("536-22-0000", False)],
)  # fmt: skip
def test_us_social_security_numbers(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_us_ssn(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("+49 30 1234567", True), ("+44 (0)20 7946 0958", True), ("0033 1 99 00 12 34", True),
     ("+1 202 555 0143 x12", True),     ("+390612345678", True), ("+49 0171 1234567", True),
     ("+1 202 555 014", False), ("+999 1234567", False),
     ("+49 30 1234567 4111", False), ("0012345678", False), ("+33 000000000", False), ("+35236450.6", False)],
)  # fmt: skip
def test_international_phones(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_international_phone(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("030 1234567", True), ("030 1234567 ext. 12", True), ("123456", False), ("12345678901234", False),
     ("1234567.50", False), ("12 345 678.90", False), ("0000000", False)],
)  # fmt: skip
def test_national_phones(value: str, valid: bool) -> None:  # noqa: FBT001
    assert validators.is_national_phone(value) is valid


def test_us_phones_are_not_one_digit_over_and_over() -> None:
    assert validators.is_us_phone("212-555-0123 ext 5")
    assert not validators.is_us_phone("222-222-2222 ext 5")


def test_email_local_parts_have_64_characters_at_most() -> None:
    assert validators.is_email("a" * 64 + "@b.co")
    assert not validators.is_email("a" * 65 + "@b.co")


@pytest.mark.parametrize(
    ("value", "canonical"),
    [("192.000.002.001", "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"),
     ("x.y", "x.y"),
     ("1:2", "1:2")],
)  # fmt: skip
def test_addresses_are_written_one_way(value: str, canonical: str) -> None:
    assert validators.canonical_ip(value) == canonical
