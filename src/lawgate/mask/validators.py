"""What a value must fulfil beyond its shape: check digits, issued ranges, formats.

Rule 1: a validator gets plain text that its form's pattern matched, and says only yes or no.
Rule 2: every rule names its source, and the check-digit rules are ours alone (no library at run time).
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from lawgate.mask.iban import BBAN, IBAN_LENGTH
from lawgate.mask.normalise import digits
from lawgate.mask.numbering import national_lengths

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_LOCAL_PART_MAX: Final = 64
"""RFC 5321 section 4.5.3.1.1."""
_AMOUNT: Final = re.compile(r"\d+\.\d{1,2}|\d{1,3}(?:[. ]\d{3})+\.\d\d")
_EXTENSION: Final = re.compile("[xXeE]")


def is_email(value: str) -> bool:
    """A local part of at most 64 characters."""
    return value.index("@") <= _LOCAL_PART_MAX


def has_luhn_digit(number: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    even = sum(map(int, number[-1::-2]))
    return (even + sum(_DOUBLED[int(digit)] for digit in number[-2::-2])) % 10 == 0


def is_payment_card(value: str) -> bool:
    """13 to 19 digits from 3 to 6 (ISO/IEC 7812-1) with a Luhn digit, over at most two lines."""
    number = digits(value)
    return (
        13 <= len(number) <= 19  # noqa: PLR2004 - the sentence above
        and value.count("\n") <= 1
        and len(set(number)) > 1
        and has_luhn_digit(number)
    )


def is_iban(value: str) -> bool:
    """ISO 13616: the country's length and structure, and check digits by ISO 7064 MOD 97-10."""
    compact = value.replace(" ", "").replace("-", "").upper()
    if IBAN_LENGTH.get(compact[:2]) != len(compact) or not BBAN[compact[:2]].fullmatch(compact, 4):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_ipv4(value: str) -> bool:
    """Four numbers up to 255; not loopback, unspecified or a netmask, which are nobody's (RFC 6890)."""
    octets = [int(octet) for octet in value.split(".")]
    return max(octets) <= 255 and octets[0] not in {0, 127, 255}  # noqa: PLR2004 - an octet


def is_ipv6(value: str) -> bool:
    """RFC 4291 section 2.2 with an optional zone (RFC 4007); not loopback or unspecified.

    Asks for a digit and for three groups or one of three digits, because ``a::b`` is C++ and
    ``1::2`` is a Python slice.
    """
    address = value.partition("%")[0]
    groups = [group for group in address.split(":") if group]
    if not any(character.isdigit() for character in address):
        return False
    if len(groups) < 3 and max(map(len, groups)) < 3:  # noqa: PLR2004 - the sentence above
        return False
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return False
    return not (parsed.is_loopback or parsed.is_unspecified)


def is_us_ssn(value: str) -> bool:
    """Social Security Administration: no area 000, 666 or 900 and above, no group 00, no serial 0000."""
    number = digits(value)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def is_international_phone(value: str) -> bool:
    """An assigned calling code (ITU-T E.164), a length that its numbering plan has, and no decimal fraction."""
    if _AMOUNT.fullmatch(value, 1):
        return False
    number = digits(_without_extension(value).replace("(0)", ""))
    number = number.removeprefix("00")
    code, shortest, longest = national_lengths(number)
    national = number[len(code) :]
    if code != "39":  # in Italy the zero is part of the number
        national = national.removeprefix("0")
    return bool(code) and shortest <= len(national) <= longest and len(set(national)) > 1


def _without_extension(value: str) -> str:
    match = _EXTENSION.search(value)
    return value[: match.start()] if match else value


def is_us_phone(value: str) -> bool:
    """The North American plan's ten digits, of which the area code is not all the same as the rest."""
    return len(set(digits(_without_extension(value)))) > 1


def is_national_phone(value: str) -> bool:
    """7 to 13 digits that are no amount of money."""
    number = _without_extension(value)
    dialled = digits(number)
    return 7 <= len(dialled) <= 13 and len(set(dialled)) > 1 and not _AMOUNT.fullmatch(number)  # noqa: PLR2004


def canonical_ip(value: str) -> str:
    """One writing of an address for comparison: ``192.0.2.1``, RFC 5952 for IPv6; else ``value``."""
    address = value.partition("%")[0]
    try:
        if ":" in address:
            return str(IPv6Address(address))
        return str(IPv4Address(".".join(str(int(octet)) for octet in address.split("."))))
    except (AddressValueError, ValueError):
        return value
