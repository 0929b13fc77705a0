"""The built-in detectors: one table, from which the engine and the test oracle are both made.

Rule 1: a detector is data. What a form's text shape cannot say goes into its validator.
Rule 2: an identifier that is nothing but a short row of digits needs context.
Rule 3: boundaries treat the replacements of ``operators`` as they treat what was replaced, so that
        masking a masked text changes nothing.
"""

from types import MappingProxyType
from typing import Final

from lawgate.mask import validators
from lawgate.mask.context_words import CARD_KEYS, CARD_WORDS, PHONE_KEYS, PHONE_WORDS, SSN_KEYS, SSN_WORDS
from lawgate.mask.form import Anchor, Detector, Form
from lawgate.mask.iban import IBAN_LENGTH
from lawgate.mask.normalise import SPACED, UNSPACED
from lawgate.mask.operators import PSEUDONYM_LENGTH, PSEUDONYM_LETTERS

_WORD: Final = f"[0-9A-Za-z_{SPACED}]"
_MARK: Final = "[.%+'-]"
_NAME: Final = f"0-9A-Za-z{SPACED}"
_LABEL: Final = rf"(?:[{_NAME}](?:[{_NAME}-]{{0,61}}[{_NAME}])?|[{UNSPACED}][{UNSPACED}0-9A-Za-z-]{{0,31}})"
_LAST_LABEL: Final = rf"(?:[A-Za-z{SPACED}]{{2}}(?:[{_NAME}-]{{0,60}}[{_NAME}])?|[{UNSPACED}]{{1,32}})"
# What follows the two letters of a last label is taken along: nobody's top-level domain, but
# "anna@example.com4111111111111111" would lose its end otherwise.
EMAIL_DOMAIN: Final = rf"@(?:{_LABEL}\.){{1,8}}{_LAST_LABEL}"

EMAIL_LEFT: Final = f"(?<!{_WORD})(?<!{_WORD}{_MARK})(?<!{_WORD}{_MARK}{_MARK})"
EMAIL_LOCAL: Final = f"{_WORD}+(?:{_MARK}{{1,2}}{_WORD}+)*{_MARK}?"
_RETINA_FILE: Final = r"@[0-9]x\.(?:png|jpe?g|gif|webp|svg|avif|ico|bmp|tiff?)(?![0-9A-Za-z])"
_EMAIL_WIDTH: Final = 160
"""Of the domain, 95 characters; longer ones exist on paper only."""

# A pseudonym stands where digits stood (rule 3).
_PSEUDONYM_END: Final = f"_[{PSEUDONYM_LETTERS}]{{{PSEUDONYM_LENGTH}}}"
_REPLACED: Final = rf"[0-9<\[*]|[A-Z][0-9A-Z_]{{1,62}}{_PSEUDONYM_END}"
_NOT_BEHIND: Final = (
    "".join(f"(?<!<{name}>)" for name in "EMAIL PAYMENT_CARD IBAN IPV6 IPV4 US_SSN PHONE".split())
    + rf"(?<!\[REDACTED\])(?<!{_PSEUDONYM_END})(?<![.:]\*)"
)
_NOT_KEPT: Final = r"(?<!\*\*\*\*)"
"""Not the digits that the operator ``mask`` left."""

_NO_DIGIT: Final = rf"(?<![0-9]){_NOT_KEPT}"
_APART: Final = rf"(?:(?<![0-9A-Za-z])|(?<=[A-Za-z]{{3}})){_NOT_KEPT}"
"""Nothing alphanumeric, or a word written against the number ("Tel0301234567"); hexadecimal has three
letters in a row seldom enough."""
_APART_OR_SIGN: Final = rf"(?:{_APART}|(?=\())"
"""A parenthesis ends what stands before it."""
_ENDS: Final = "(?:(?![0-9A-Za-z])|(?=[A-Za-z]{3}))"
_ENDS_STRICT: Final = "(?![0-9A-Za-z])"

_S: Final = r"[ .\-/()]"
_CARD_S: Final = r"[ .\-/\r\n]{0,3}"
_EXTENSION: Final = r"(?: ?(?:[xX]|[eE][xX][tT]\.?) ?[0-9]{1,6})?"

_YEAR: Final = "(?:19|20)[0-9]{2}"
_DATE: Final = (
    rf"(?:{_YEAR}[ ./-]{{1,2}}[0-9]{{1,2}}[ ./-]{{1,2}}[0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}[ ./-]{{1,2}}[0-9]{{1,2}}[ ./-]{{1,2}}{_YEAR}"
    rf"|{_YEAR} ?[/-] ?{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))(?![0-9])"
)
"""A date or a span of years."""

EMAIL: Final = Detector(
    name="EMAIL",
    category="contact",
    score=1.0,
    forms=(
        Form(
            Anchor.AT,
            EMAIL_LOCAL + EMAIL_DOMAIN,
            _EMAIL_WIDTH,
            left=f"{EMAIL_LEFT}(?![0-9A-Za-z_.%+'-]{{1,64}}{_RETINA_FILE})",
            valid=validators.is_email,
        ),
        Form(Anchor.AT, f"[{UNSPACED}]{{1,32}}{EMAIL_DOMAIN}", _EMAIL_WIDTH),
    ),
    examples=("anna.schmidt@example.org", "jürgen+news@müller.example", "o'brien@example.ie", "张三@例子.公司"),
)

PAYMENT_CARD: Final = Detector(
    name="PAYMENT_CARD",
    category="financial",
    score=1.0,
    forms=(
        *(
            Form(Anchor.DIGITS, pattern, 80, left=_NO_DIGIT, right=_ENDS, valid=validators.is_payment_card)
            for pattern in (
                r"[3-6][0-9]{12,18}",
                rf"[3-6][0-9]{{3}}(?:{_CARD_S}[0-9]{{4}}){{3}}(?:{_CARD_S}[0-9]{{3}})?",
                rf"[3-6][0-9]{{3}}(?:{_CARD_S}[0-9]{{4}}){{2}}{_CARD_S}[0-9]{{1,3}}",
                rf"3[0-9]{{3}}{_CARD_S}[0-9]{{6}}{_CARD_S}[0-9]{{4,5}}",
                rf"[3-6][0-9]{{5}}{_CARD_S}[0-9]{{7,13}}",
            )
        ),
        Form(
            Anchor.DIGITS,
            r"[3-6](?:[ .\-/\r\n]{0,2}[0-9]){12,18}",
            80,
            left=_APART,
            right=_ENDS,
            valid=validators.is_payment_card,
            context=True,
        ),
    ),
    examples=("4111111111111111", "5500 0000 0000 0004", "3782-822463-10005", "6011 1111\n1111 1117"),
    words=CARD_WORDS,
    keys=CARD_KEYS,
)

# In lower case a space may stand between digits and around the second group only: streams let every
# other space after a small letter go (see sync.py).
_LOWER_S: Final = (
    r"(?:-|(?<=[0-9]) (?=[0-9])|(?<=[a-z]{2}[0-9]{2}) (?=[a-z])|(?<=[a-z]{2}[0-9]{2}[ \-][a-z]{4}) (?=[0-9]))?"
)


def _iban_pattern(letters: str, separator: str) -> str:
    """Countries by length, so that there is one end to a beginning."""
    by_length: dict[int, list[str]] = {}
    for country, length in IBAN_LENGTH.items():
        by_length.setdefault(length, []).append(country if letters == "A-Z" else country.lower())
    return "(?:{})".format(
        "|".join(
            f"(?:{'|'.join(countries)})[0-9]{{2}}(?:{separator}[0-9{letters}]){{{length - 4}}}"
            for length, countries in sorted(by_length.items())
        )
    )


IBAN: Final = Detector(
    name="IBAN",
    category="financial",
    score=1.0,
    forms=tuple(
        Form(
            Anchor.COUNTRY,
            _iban_pattern(letters, separator),
            66,
            left="(?<![0-9])",
            right=_ENDS_STRICT,
            valid=validators.is_iban,
        )
        for letters, separator in (("A-Z", r"[ \-]?"), ("a-z", _LOWER_S))
    ),
    examples=("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "gb82 west 1234 5698 7654 32"),
)

IPV6: Final = Detector(
    name="IPV6",
    category="online identifier",
    score=1.0,
    forms=(
        Form(
            Anchor.COLONS,
            r"(?:[0-9A-Fa-f:]{1,30}:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,39})(?:%[0-9A-Za-z_.\-]{1,16})?",
            64,
            left=f"(?<![0-9A-Za-z:]){_NOT_BEHIND}{_NOT_KEPT}",
            right=rf"(?![0-9A-Za-z]|:[A-Fa-f:]|[.:](?:{_REPLACED}))",
            valid=validators.is_ipv6,
        ),
    ),
    examples=("2001:db8::8a2e:370:7334", "fe80::1%eth0", "::ffff:192.0.2.128", "2001:0db8:0:0:0:0:0:1"),
)

IPV4: Final = Detector(
    name="IPV4",
    category="online identifier",
    score=1.0,
    forms=(
        Form(
            Anchor.DIGITS,
            r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
            15,
            left=rf"(?<![0-9A-Za-z])(?<![0-9A-Za-z>\]*]\.){_NOT_KEPT}",
            right=rf"(?![0-9A-Za-z]|\.(?:{_REPLACED}))",
            valid=validators.is_ipv4,
        ),
    ),
    examples=("192.0.2.146", "1.2.3.4"),
)

US_SSN: Final = Detector(
    name="US_SSN",
    category="national identifier",
    score=1.0,
    forms=(
        Form(Anchor.DIGITS, r"[0-9]{3}-[0-9]{2}-[0-9]{4}", 11, left=_APART, right=_ENDS, valid=validators.is_us_ssn),
        Form(
            Anchor.DIGITS,
            r"[0-9]{3}[ .]?[0-9]{2}[ .]?[0-9]{4}",
            11,
            left=_APART,
            right=_ENDS,
            valid=validators.is_us_ssn,
            context=True,
        ),
    ),
    examples=("536-22-1234",),
    words=SSN_WORDS,
    keys=SSN_KEYS,
)

PHONE: Final = Detector(
    name="PHONE",
    category="contact",
    score=0.8,
    forms=(
        Form(
            Anchor.DIGITS,
            rf"\(?\+\(?[1-9](?:{_S}{{0,3}}[0-9]){{6,16}}{_EXTENSION}",
            82,
            left=_NOT_KEPT,
            right=_ENDS,
            valid=validators.is_international_phone,
        ),
        Form(
            Anchor.DIGITS,
            rf"\(?00[1-9](?:{_S}{{0,3}}[0-9]){{6,16}}{_EXTENSION}",
            82,
            left=_APART_OR_SIGN,
            right=_ENDS,
            valid=validators.is_international_phone,
        ),
        Form(
            Anchor.DIGITS,
            rf"(?:1[ .\-]?)?(?:\([2-9][0-9]{{2}}\)[ .\-]{{0,2}}[0-9]{{3}}[ .\-]"
            rf"|[2-9][0-9]{{2}}[.\-/][0-9]{{3}}[.\-])[0-9]{{4}}{_EXTENSION}",
            36,
            left=_APART_OR_SIGN,
            right=_ENDS,
            valid=validators.is_us_phone,
        ),
        Form(
            Anchor.DIGITS,
            rf"(?:\(|[0-9][ \-]?\()?[0-9]{{2,5}}(?:{_S}{{0,3}}[0-9]){{2,11}}{_EXTENSION}",
            70,
            left=rf"(?!{_DATE}){_APART_OR_SIGN}(?<![0-9>\]*][.\-/:,])(?<!{_PSEUDONYM_END}[.\-/:,])",
            right=rf"{_ENDS}(?![.:](?:{_REPLACED}))",
            valid=validators.is_national_phone,
            context=True,
        ),
    ),
    examples=("+49 30 1234567", "+44 (0)20 7946 0958", "0033 1 99 00 12 34", "(212) 555-0123", "212-555-0123 ext. 12"),
    words=PHONE_WORDS,
    keys=PHONE_KEYS,
)

DETECTORS: Final = (EMAIL, PAYMENT_CARD, IBAN, IPV6, IPV4, US_SSN, PHONE)
"""In the order that decides between equal spans: those with check digits first."""

BY_NAME: Final = MappingProxyType({detector.name: detector for detector in DETECTORS})
NAMES: Final = frozenset(BY_NAME)
