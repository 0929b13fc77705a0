import json
import re

import pytest

from lawgate.mask.detectors import DETECTORS
from lawgate.mask.engine import compile_detection
from lawgate.mask.operators import OPERATORS, apply_operator, apply_to_number, pseudonym

KEY = bytes(range(32))
DETECTION = compile_detection()
EXAMPLES = [(detector.name, example) for detector in DETECTORS for example in detector.examples]


@pytest.mark.parametrize(
    ("operator", "detector", "original", "left"),
    [
        ("redact", "EMAIL", "a@b.co", "[REDACTED]"),
        ("replace", "PAYMENT_CARD", "4111111111111111", "<PAYMENT_CARD>"),
        ("keep", "EMAIL", "a@b.co", "a@b.co"),
        ("mask", "EMAIL", "john@Example.com", "j***@e***.com"),
        ("mask", "EMAIL", "4you@1a.рф", "****@****.***"),
        ("mask", "EMAIL", "@c.de", "****@c***.de"),
        ("mask", "PAYMENT_CARD", "4111 1111 1111 1234", "****1234"),
        ("mask", "IBAN", "DE89 3704 0044 0532 0130 00", "****3000"),
        ("mask", "US_SSN", "536-22-1234", "****234"),
        ("mask", "PHONE", "+49 30 1234567", "****67"),
        ("mask", "IPV4", "192.0.2.1", "*.*.*.*"),
        ("mask", "IPV6", "2001:db8::1", "*:*:*"),
        ("mask", "STAFF_NO", "P123456", "****"),
        ("mask", "PAYMENT_CARD", "11", "****"),
    ],
)
def test_what_operators_leave(operator: str, detector: str, original: str, left: str) -> None:
    assert apply_operator(operator, detector, original, KEY) == left


def test_a_pseudonym_is_stable_keyed_and_typed() -> None:
    one = pseudonym("PHONE", "+49 (0)30 1234567", KEY)
    assert re.fullmatch("PHONE_[bcdfghjklmnpqrst]{20}", one)
    assert one == pseudonym("PHONE", "0049 30/1234567", KEY)
    assert one != pseudonym("PHONE", "+49 30 1234568", KEY)
    assert one != pseudonym("PHONE", "+49 30 1234567", bytes(32))
    assert one[6:] != pseudonym("US_SSN", "+49 30 1234567", KEY)[7:]


@pytest.mark.parametrize(("detector", "example"), EXAMPLES)
@pytest.mark.parametrize("operator", sorted(OPERATORS - {"keep"}))
@pytest.mark.parametrize("key", [None, "phone", "ssn", "card_number"])
def test_no_detector_finds_what_operators_leave(operator: str, detector: str, example: str, key: str | None) -> None:
    left = apply_operator(operator, detector, example, KEY)
    for text in (left, f"phone ssn card {left}.", f"{left} {left}", f"x{left}x"):
        assert DETECTION.find(text, key=key) == []


@pytest.mark.parametrize("operator", sorted(OPERATORS - {"keep"}))
def test_numbers_stay_numbers_that_nothing_finds(operator: str) -> None:
    left = apply_to_number(operator, "PAYMENT_CARD", "4111111111111111", KEY)
    assert isinstance(json.loads(left), int)
    assert int(float(left)) == int(left)
    assert left == apply_to_number(operator, "PAYMENT_CARD", "4111111111111111", KEY)
    for key in (None, "phone", "ssn", "card"):
        assert DETECTION.find(left, key=key) == []


def test_a_pseudonymous_number_depends_on_the_value() -> None:
    one = apply_to_number("hmac", "US_SSN", "536221234", KEY)
    assert len(one) == 15
    assert one.startswith("9")
    assert one != apply_to_number("hmac", "US_SSN", "536221235", KEY)
    assert apply_to_number("keep", "US_SSN", "536221234", KEY) == "536221234"


def test_unknown_operators_are_refused() -> None:
    for apply in (apply_operator, apply_to_number):
        with pytest.raises(ValueError, match="'scramble' is not known; use one of hmac, keep"):
            apply("scramble", "EMAIL", "a@b.co", KEY)
