"""What a single value may look like: the validators of the schema's fields, and their JSON Schema.

Rule 1: a validator raises `WrongValueError` with the mend. Rule 2: none repeats a value that may be
a secret: an address with a user in it is refused unseen.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from lawgate.config.problem import WrongValueError, nearest, shown
from lawgate.config.quantity import seconds, size_b, whole_days
from lawgate.config.secret import require_reference
from lawgate.domain.territory import COUNTRIES
from lawgate.identify.metadata import is_loopback

Choice = TypeVar("Choice", bound=StrEnum)

SLUG: Final = r"[a-z0-9][a-z0-9_-]{0,62}"
"""Names of connections and purposes: safe as a path segment, a header value and a metric's label."""
NODE: Final = r"[a-z0-9][a-z0-9._-]{0,62}"
DETECTOR: Final = r"[A-Z][A-Z0-9_]{0,62}"
ORIGIN: Final = r"[!-*,-~]{1,200}"
"""A log's origin (C2SP tlog-checkpoint): one line without spaces and plus signs."""
FIELD_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}"
"""RFC 9110 section 5.1."""
CONTENT_TYPE: Final = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
"""RFC 6838 section 4.2, in lower case and without parameters."""
URL_LENGTH_MAX: Final = 2048
PORT_MAX: Final = 65_535
USUAL_SLIPS: Final = {"UK": "GB", "EL": "GR", "EN": "GB", "EU": "the recipient's own country"}

RESERVED_FIELDS: Final = frozenset(
    "host content-length transfer-encoding connection te trailer upgrade keep-alive proxy-connection expect".split()
)
"""Header fields that the gateway's framing owns."""


def one_of(values: Iterable[str], what: str = "is not one of") -> Callable[[object], str]:
    """A validator for a choice, which suggests the nearest one."""
    allowed = tuple(values)

    def choose(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return str(value)
        if not isinstance(value, str):
            raise WrongValueError(f"must be one of {', '.join(allowed)}")
        raise WrongValueError(f"{shown(value)} {what} {', '.join(allowed)}", nearest(value, allowed))

    return choose


def member_of(choices: type[Choice]) -> Callable[[object], Choice]:
    """`one_of` for an enumeration; the value becomes its member."""
    choose = one_of([str(choice.value) for choice in choices])
    return lambda value: choices(choose(value))


def choices_schema(choices: Iterable[str]) -> WithJsonSchema:
    """An enumeration for editors."""
    return WithJsonSchema({"type": "string", "enum": list(choices)})


def matching(pattern: str, what: str) -> Callable[[str], str]:
    """A validator for text of one shape; ``what`` completes "must be"."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise WrongValueError(f"must be {what}")
        return value

    return check


def slug_of(text: str) -> str | None:
    """The nearest name that may be used, or ``None``."""
    candidate = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:63]
    return candidate or None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise WrongValueError("must be one line without control characters")
    if value != value.strip():
        raise WrongValueError("must not begin or end with a space")
    return value


def _seconds(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


def _whole_seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = seconds(value)
    if found != int(found):
        raise WrongValueError("must be a whole number of seconds")
    return int(found)


def _size(value: object) -> object:
    return size_b(value) if isinstance(value, str) else value


def _days(value: object) -> int:
    if not isinstance(value, str):
        raise WrongValueError("needs a unit, such as 30 days")
    return whole_days(value)


def listed(value: object) -> object:
    """One text as a list of one."""
    return [value] if isinstance(value, str) else value


def _country(value: object) -> str:
    if isinstance(value, str) and value in COUNTRIES:
        return value
    meant = None
    if isinstance(value, str):
        upper = value.upper()
        meant = USUAL_SLIPS.get(upper, upper if upper in COUNTRIES else None)
    raise WrongValueError("must be the two capital letters of ISO 3166-1, such as DE", meant)


def _until(value: object) -> date:
    words = value.split() if isinstance(value, str) else []
    if len(words) == 2 and words[0] == "until":  # noqa: PLR2004  "until" and a date
        try:
            return date.fromisoformat(words[1])
        except ValueError:
            pass
    raise WrongValueError("must be `until` and a date, such as until 2027-01-31")


def split_url(value: str) -> SplitResult:
    """An absolute http(s) address without user, query and fragment; raises ``WrongValueError``."""
    fault = None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise WrongValueError("is not an address such as https://llm.example/v1") from None
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value or len(value) > URL_LENGTH_MAX:
        fault = f"must be at most {URL_LENGTH_MAX} printable ASCII characters without spaces"
    elif "@" in parts.netloc:
        fault = "must not hold a user or password; use `credential: env:NAME` or `credential: file:/path`"
    elif parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        fault = "is not an address such as https://llm.example/v1"
    elif "?" in value or "#" in value:
        fault = "must not have a query or a fragment"
    elif any(segment in {".", "..", "%2e", "%2e%2e"} for segment in parts.path.lower().split("/")):
        fault = "must not have dot segments in its path"
    if fault is not None:
        raise WrongValueError(fault)
    return parts


def in_clear(url: str) -> bool:
    """Whether this address is reached without TLS over a network (loopback is not one)."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _url(value: str) -> str:
    split_url(value)
    return value.rstrip("/")


def _issuer(value: str) -> str:
    split_url(value)
    return value  # an issuer is compared character by character (RFC 9068 section 4)


def _web_origin(value: str) -> str:
    """An origin as browsers write it (RFC 6454 section 6.2): lower case, without the scheme's own port."""
    parts = split_url(value)
    if parts.path:
        raise WrongValueError("must be an origin: scheme, host and port, without a path")
    return value.lower().removesuffix(":443" if parts.scheme == "https" else ":80")


def _field_name(value: str) -> str:
    name = matching(FIELD_NAME, "the name of a header field, such as x-api-key")(value).lower()
    if name in RESERVED_FIELDS:
        raise WrongValueError("is a field that belongs to the gateway's own framing")
    return name


def _pin(value: str) -> str:
    return matching(r"[0-9a-f]{64}", "64 hexadecimal digits (SHA-256 of the certificate)")(
        value.replace(":", "").lower()
    )


def split_address(value: str) -> tuple[str, int]:
    """``0.0.0.0:8443``, ``[::1]:8443`` -> host and port; raises ``WrongValueError``."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})", value, re.ASCII)
    if match is None or int(match[3]) > PORT_MAX:
        raise WrongValueError("must be host:port, such as 0.0.0.0:8443 or [::]:8443")
    return match[1] or match[2], int(match[3])


def _address(value: str) -> str:
    split_address(value)
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_printable)]
Texts = Annotated[
    list[Text],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""A list of texts; a single text stands for a list of one."""
FilePath = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_printable)]
Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": "^.+:[0-9]{1,5}$"})]
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})]
Issuer = Annotated[str, AfterValidator(_issuer), WithJsonSchema({"type": "string", "pattern": "^https?://"})]
WebOrigin = Annotated[str, AfterValidator(_web_origin), WithJsonSchema({"type": "string", "pattern": "^https?://"})]
FieldName = Annotated[str, AfterValidator(_field_name)]
ContentType = Annotated[str, AfterValidator(matching(CONTENT_TYPE, "a content type in lower case, as audio/mpeg"))]
Pin = Annotated[str, AfterValidator(_pin)]
SecretReference = Annotated[
    str, BeforeValidator(require_reference), WithJsonSchema({"type": "string", "pattern": "^(env|file):."})
]
Country = Annotated[str, BeforeValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
Days = Annotated[int, BeforeValidator(_days), WithJsonSchema({"type": "string", "examples": ["30 days", "1 year"]})]
_QUANTITY_SCHEMA: Final = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}
Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema({**_QUANTITY_SCHEMA, "examples": [90, "90 s"]})]
WholeSeconds = Annotated[
    int,
    BeforeValidator(_whole_seconds),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}], "examples": [30, "30 s"]}),
]
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema({**_QUANTITY_SCHEMA, "examples": [65536, "64 KiB"]})]
Until = Annotated[
    date,
    BeforeValidator(_until),
    WithJsonSchema({"type": "string", "pattern": "^until [0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
Node = Annotated[str, AfterValidator(matching(NODE, "lower-case letters, digits, '.', '_' and '-'"))]
Origin = Annotated[str, AfterValidator(matching(ORIGIN, "one printable line without spaces and '+'"))]
Detector = Annotated[str, AfterValidator(matching(DETECTOR, "in capitals, such as CUSTOMER_NO"))]
