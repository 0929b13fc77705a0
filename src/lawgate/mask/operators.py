"""What stands in a span's place.

Rule 1: what an operator leaves is found by no detector, so that masking a masked text changes nothing:
        there are no digits in a pseudonym, and the digits that ``mask`` keeps follow four asterisks.
Rule 2: a pseudonym depends on the key, the detector and the value alone, not on how it was written:
        the same number gets the same pseudonym in every turn (pseudonymisation, Art. 4(5) GDPR).
Rule 3: no operator asks for a valid value; it may get the rest of an overlapped one.

========= ================================ =====================================================
operator  example                          what it tells
========= ================================ =====================================================
redact    ``[REDACTED]``                   that something was there
replace   ``<EMAIL>``                      and what
mask      ``j***@e***.com``, ``****1111``  and enough to know one's own again
hmac      ``EMAIL_bkmzq...`` (20 letters)  and where else the same value stands
keep      the original                     everything; the span is still recorded
========= ================================ =====================================================
"""

import hmac
from typing import Final

from lawgate.mask.canonical import canonical
from lawgate.mask.normalise import digits, plain

OPERATORS: Final = frozenset({"redact", "replace", "mask", "hmac", "keep"})

REDACTED: Final = "[REDACTED]"
PSEUDONYM_LETTERS: Final = "bcdfghjklmnpqrst"
"""Sixteen consonants, one for each half byte: they spell no word and no number."""
PSEUDONYM_LENGTH: Final = 20
"""80 bits: among 10^9 values, two share a pseudonym with probability 4 in 10^7."""

_KEPT_DIGITS: Final = {"PAYMENT_CARD": 4, "IBAN": 4, "US_SSN": 4, "PHONE": 2}
"""How many digits at the end ``mask`` keeps; PCI DSS 3.4 allows a card's last four."""
_KEPT_OF: Final = 3
"""At most a third of the digits is kept."""
_NUMBER_MODULUS: Final = 10**14


def apply_operator(operator: str, detector: str, original: str, key: bytes) -> str:
    """What stands in place of ``original``, which ``detector`` found.

    ``key`` (32 bytes, one per tenant) is used by ``hmac`` only. Raises ``ValueError`` for an unknown operator.
    """
    if operator == "keep":
        return original
    if operator == "redact":
        return REDACTED
    if operator == "replace":
        return f"<{detector}>"
    if operator == "mask":
        return _masked(detector, plain(original)[0])
    if operator == "hmac":
        return pseudonym(detector, original, key)
    raise ValueError(f"operator {operator!r} is not known; use one of {', '.join(sorted(OPERATORS))}")


def apply_to_number(operator: str, detector: str, original: str, key: bytes) -> str:
    """The same for a JSON number: a number again, which no detector takes for a card, an SSN or a phone.

    ``0`` tells nothing; for ``hmac`` a number of 15 digits that begins with 9 (exact in a double, too long
    for a phone, no card begins so).
    """
    if operator == "keep":
        return original
    if operator == "hmac":
        return f"9{int.from_bytes(_digest(detector, original, key)[:8]) % _NUMBER_MODULUS:014d}"
    if operator in OPERATORS:
        return "0"
    raise ValueError(f"operator {operator!r} is not known; use one of {', '.join(sorted(OPERATORS))}")


def pseudonym(detector: str, original: str, key: bytes) -> str:
    """``EMAIL_`` and 20 letters of HMAC-SHA-256 (RFC 2104) over the detector and the canonical value."""
    digest = _digest(detector, original, key)[: PSEUDONYM_LENGTH // 2]
    return f"{detector}_" + "".join(PSEUDONYM_LETTERS[byte >> 4] + PSEUDONYM_LETTERS[byte & 15] for byte in digest)


def _digest(detector: str, original: str, key: bytes) -> bytes:
    return hmac.digest(key, f"{detector}\0{canonical(detector, original)}".encode("utf-8", "surrogatepass"), "sha256")


def _masked(detector: str, value: str) -> str:
    if detector == "EMAIL":
        return _masked_email(value)
    if detector == "IPV4":
        return "*.*.*.*"
    if detector == "IPV6":
        return "*:*:*"
    number = digits(value)
    kept = min(_KEPT_DIGITS.get(detector, 0), len(number) // _KEPT_OF)
    return "****" + (number[-kept:] if kept else "")


def _masked_email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{_initial(local)}***@{_initial(name)}***.{top if top.isascii() and top.isalpha() else '***'}".lower()


def _initial(text: str) -> str:
    """The first letter; a digit could complete a number that stands before it."""
    return text[0] if text and text[0].isascii() and text[0].isalpha() else "*"
