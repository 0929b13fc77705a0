"""Calling codes (ITU-T E.164) and how many digits follow them.

Rule: lengths are those of the national significant number, from the national numbering plans; where
a plan is not listed, any length that E.164 allows from five digits on is taken.
"""

from typing import Final

_PLANS: Final = """
1:10-10 7:10-10 20:8-10 27:9-9 30:10-10 31:9-9 32:8-9 33:9-9 34:9-9 36:8-9 39:6-11 40:9-9 41:9-9 43:4-13
44:9-10 45:8-8 46:7-10 47:8-8 48:9-9 49:6-11 51:8-9 52:10-10 53:6-8 54:10-11 55:10-11 56:9-9 57:8-10 58:10-10
60:8-10 61:9-9 62:8-12 63:8-10 64:8-10 65:8-8 66:8-9 81:9-10 82:8-10 84:9-10 86:8-12 90:10-10 91:10-10
92:9-10 93:9-9 94:9-9 95:7-10 98:10-10 351:9-9 352:5-11 353:7-10 354:7-9 355:8-9 356:8-8 357:8-8 358:5-12
359:8-9 370:8-8 371:8-8 372:7-8 373:8-8 374:8-8 375:9-10 376:6-9 377:8-9 378:6-10 380:9-9 381:8-10 382:8-9
383:8-9 385:8-9 386:8-8 387:8-9 389:8-8 420:9-9 421:9-9 423:7-9 852:8-8 853:8-8 886:8-9 961:7-8 962:8-9
965:8-8 966:9-9 971:8-9 972:8-9 973:8-8 974:8-8 994:9-9 995:9-9 998:9-9
""".split()

_OTHER_CODES: Final = (
    *range(211, 214), 216, *range(218, 259), *range(260, 270), 290, 291, *range(297, 300), 350, *range(500, 510),
    *range(590, 600), 670, *range(672, 684), *range(685, 693), 800, 808, 850, 855, 856, 870, 878, *range(880, 884),
    888, 960, 963, 964, 967, 968, 970, *range(975, 978), 979, 992, 993, 996,
)  # fmt: skip
_DIGITS_MAX: Final = 15
"""E.164 section 6: of a whole number."""
_OTHER_MIN: Final = 5


def _table() -> dict[str, tuple[int, int]]:
    plans = {str(code): (_OTHER_MIN, _DIGITS_MAX - 3) for code in _OTHER_CODES}
    for plan in _PLANS:
        code, _, lengths = plan.partition(":")
        shortest, _, longest = lengths.partition("-")
        plans[code] = (int(shortest), int(longest))
    return plans


PLANS: Final = _table()
"""Calling code -> shortest and longest national number. No code begins with another."""


def national_lengths(number: str) -> tuple[str, int, int]:
    """The calling code that ``number`` (digits) begins with and its lengths; code ``""`` when unassigned."""
    for length in (1, 2, 3):
        code = number[:length]
        if code in PLANS:
            return code, *PLANS[code]
    return "", 0, 0
