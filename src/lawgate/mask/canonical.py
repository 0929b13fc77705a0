"""One writing for one value, so that a pseudonym does not depend on spaces, case or punctuation."""

from lawgate.mask.normalise import alphanumeric, digits, plain
from lawgate.mask.validators import canonical_ip

_OF_DIGITS = frozenset({"PAYMENT_CARD", "US_SSN"})


def canonical(detector: str, value: str) -> str:
    """``value`` as it is compared with other values of the same detector."""
    if detector in _OF_DIGITS:
        return digits(value)
    if detector == "PHONE":
        return _phone(plain(value)[0])
    text = plain(value)[0].casefold()
    if detector == "EMAIL":
        return text
    if detector == "IBAN":
        return alphanumeric(text)
    return canonical_ip(text) if detector in {"IPV4", "IPV6"} else " ".join(text.split())


def _phone(value: str) -> str:
    """Digits after one ``+``; ``(0)`` is dialled inside the country only. National numbers stay national."""
    number = value.replace("(0)", "")
    body, sign, extension = number.casefold().replace("ext", "x").partition("x")
    dialled = digits(body)
    if "+" in body or dialled.startswith("00"):
        dialled = "+" + dialled.removeprefix("00")
    return dialled + (f"x{digits(extension)}" if sign else "")
