"""Times and sizes in words: ``30 days``, ``90 s``, ``16 MiB``.

Rule 1: a number without its unit is refused, unless the key's own name ends in the unit.
Rule 2: months are refused, for they have no fixed length; a year is 365 days.
"""

import re
from typing import Final

from lawgate.config.problem import WrongValueError, nearest, shown

SECONDS: Final[dict[str, int]] = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("week", "weeks"), 7 * 86_400),
    **dict.fromkeys(("year", "years"), 365 * 86_400),
}
"""Seconds in each unit of time."""

BYTES: Final[dict[str, int]] = {
    **dict.fromkeys(("B", "byte", "bytes"), 1),
    "kB": 1000,
    "KiB": 1024,
    "MB": 1000**2,
    "MiB": 1024**2,
    "GB": 1000**3,
    "GiB": 1024**3,
}
"""Bytes in each unit of size."""

DAY_S: Final = 86_400
DAYS_MAX: Final = 36_500
"""A hundred years: beyond any statutory retention."""

_QUANTITY: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([A-Za-z]+)\s*", re.ASCII)
_BARE: Final = re.compile(r"\s*[0-9]+(?:\.[0-9]+)?\s*", re.ASCII)


def seconds(text: str) -> float:
    """``90 s``, ``2 hours`` -> seconds; raises ``WrongValueError``."""
    number, factor = _split(text, SECONDS, "90 s")
    return number * factor


def whole_days(text: str) -> int:
    """``30 days``, ``1 year`` -> days, at least one and not a fraction of one; raises ``WrongValueError``."""
    length_s = seconds(text)
    days = length_s / DAY_S
    if days < 1 or days != int(days):
        raise WrongValueError("must be a whole number of days, such as 30 days")
    if days > DAYS_MAX:
        raise WrongValueError(f"must be at most {DAYS_MAX // 365} years")
    return int(days)


def size_b(text: str) -> int:
    """``16 MiB`` -> bytes; raises ``WrongValueError``."""
    number, factor = _split(text, BYTES, "16 MiB")
    return int(number * factor)


def days_in_words(days: int) -> str:
    """The shortest way to write a number of days: ``1 year``, ``30 days``."""
    number, unit = (days // 365, "year") if days % 365 == 0 else (days, "day")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _split(text: str, units: dict[str, int], example: str) -> tuple[float, int]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        hint = "needs a unit" if _BARE.fullmatch(text) else "must be a number and a unit"
        raise WrongValueError(f"{hint}, such as {example}")
    number, unit = match.groups()
    factor = units.get(unit)
    if factor is not None:
        return float(number), factor
    if unit.lower() in {"month", "months"} and units is SECONDS:
        raise WrongValueError("is in months, which have no fixed length; say it in days")
    known = nearest(unit, units)
    raise WrongValueError(f"has the unknown unit {shown(unit)}", f"{number} {known}" if known else None)
