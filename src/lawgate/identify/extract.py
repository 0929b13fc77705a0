"""Find the one credential among a request's headers.

Rule 1: one request, one credential. The same one in two headers is one (Azure clients do that);
two different ones are refused, because the gateway and whoever reads its record could differ on who asked.
Rule 2: a header that is there and is not a credential refuses: it is never skipped for the next.
"""

import re
from collections.abc import Callable
from typing import Final

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.identify.jwt import TOKEN_LENGTH_MAX
from lawgate.ports import Presented

CREDENTIAL_HEADERS: Final = ("authorization", "x-api-key", "api-key")
"""Where the OpenAI, Anthropic and Azure clients put a credential; all three are stripped before forwarding."""

_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""``b64token`` of RFC 6750 section 2.1."""
_BEARER: Final = "bearer "
_ONE: Final = "Send one credential only, as 'Authorization: Bearer', 'x-api-key' or 'api-key'."
_MALFORMED: Final = (
    "Send the credential as 'Authorization: Bearer <token>', or as the value of 'x-api-key' or 'api-key'."
)


def credential_from(get: Callable[[str], str | None]) -> Presented | None:
    """Return the credential, or ``None`` if there is none; raises ``RefusedError`` (``credential_invalid``).

    ``get`` looks a header up by its lower-case name. Where a header came more than once it must
    return the values joined by a comma (RFC 9110 section 5.3), which is no credential and refuses.
    """
    found: Presented | None = None
    for header in CREDENTIAL_HEADERS:
        value = get(header)
        if value is None:
            continue
        token = _token(header, value)
        if found is not None and found.token != token:
            raise _invalid(_ONE, "two different credentials in one request")
        if found is None:
            found = Presented(token, header)
    return found


def _token(header: str, value: str) -> str:
    token = value
    if header == "authorization":
        # The scheme is compared without case (RFC 9110 section 11.1), then one or more spaces.
        if value[: len(_BEARER)].lower() != _BEARER:
            raise _invalid(_MALFORMED, "the Authorization scheme is not Bearer")
        token = value[len(_BEARER) :].lstrip(" ")
    if len(token) > TOKEN_LENGTH_MAX or _TOKEN68.fullmatch(token) is None:
        raise _invalid(_MALFORMED, f"the value of {header} is not a token")
    return token


def _invalid(message: str, detail: str) -> RefusedError:
    return refuse(Code.CREDENTIAL_INVALID, message, detail=detail)
