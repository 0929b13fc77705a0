import pytest

from lawgate.mask.canonical import canonical


@pytest.mark.parametrize(
    ("detector", "one", "other"),
    [
        ("EMAIL", "Anna@Example.org", "anna@exam\u200bple.org"),
        ("PAYMENT_CARD", "4111 1111-1111 1111", "４111111111111111"),
        ("IBAN", "de89 3704 0044", "DE8937040044"),
        ("PHONE", "+49 (0)30 123", "0049-30-123"),
        ("PHONE", "212-555-0123 ext. 5", "(212) 555 0123x5"),
        ("US_SSN", "536-22-1234", "536221234"),
        ("IPV4", "192.0.2.1", "192.000.002.001"),
        ("IPV6", "2001:DB8:0:0::1", "2001:db8::1"),
        ("STAFF_NO", "Emp  12", "emp 12"),
    ],
)
def test_one_value_has_one_writing(detector: str, one: str, other: str) -> None:
    assert canonical(detector, one) == canonical(detector, other)


@pytest.mark.parametrize(
    ("detector", "one", "other"),
    [
        ("EMAIL", "a.b@c.de", "ab@c.de"),
        ("PHONE", "+4930123", "4930123"),
        ("PHONE", "2125550123 x1", "2125550123 x2"),
        ("STAFF_NO", "E-1", "E1"),
    ],
)
def test_other_values_have_others(detector: str, one: str, other: str) -> None:
    assert canonical(detector, one) != canonical(detector, other)
