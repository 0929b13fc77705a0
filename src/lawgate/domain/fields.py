"""HTTP field lines (RFC 9110 section 5): what both sides of the gateway write and pass on.

Rule 1: names are lower-case bytes, values are bytes without surrounding white space.
Rule 2: no value can end its line: CR, LF and NUL refuse the whole head (section 5.5).
Rule 3: what concerns one connection never crosses to the other (section 7.6.1), and cannot be written
    by a caller at all: the transports alone say how long a body is and what becomes of a connection.
"""

import re
from collections.abc import Sequence
from typing import Final

from lawgate.domain.errors import LawgateError

Fields = Sequence[tuple[bytes, bytes]]

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
ORIGIN_FORM: Final = re.compile(rb"/[!$-~]*")
"""A request target (RFC 9112 section 3.2.1): visible ASCII without ``"`` and ``#``."""

_NAMES_KNOWN_MAX: Final = 1024
_names_known: set[bytes] = set()

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
"""RFC 9110 section 7.6.1, with what RFC 7540 and older proxies added."""

_OURS: Final = frozenset({b"host", b"content-length", b"expect", b"date", b"alt-svc"})
"""We name the host, frame the body, answer expectations and date answers ourselves; ``Alt-Svc``
(RFC 7838) would lead clients around the gateway."""

NEVER_FORWARDED: Final = HOP_BY_HOP | _OURS
"""Fields that do not cross the gateway, and that ``encode`` refuses to write."""


class FieldError(LawgateError):
    """A field line that must not be written; the value is not repeated."""


def encode(fields: Fields) -> bytes:
    """Field lines as bytes, each ended by CRLF; raises ``FieldError`` on injection.

    Counting what the whole block has of CR, LF and NUL, against two per line, is one scan at memory
    speed; looking into each value would cost more than writing it.
    """
    block = b""
    for name, value in fields:
        if name not in _names_known:
            _check_name(name)
        block += b"%b: %b\r\n" % (name, value)
    if len(block) - len(block.translate(None, b"\r\n\0")) != 2 * len(fields):
        raise FieldError("a header value holds CR, LF or NUL: remove it before sending")
    return block


def _check_name(name: bytes) -> None:
    if not _TOKEN.fullmatch(name):
        raise FieldError("a header name is not a lower-case token (RFC 9110 section 5.6.2)")
    if name in NEVER_FORWARDED:
        raise FieldError(f"{name.decode()} is the transport's to write: pass headers through forwardable() first")
    if len(_names_known) < _NAMES_KNOWN_MAX:
        _names_known.add(name)


def forwardable(fields: Fields) -> list[tuple[bytes, bytes]]:
    """The fields that may cross the gateway, in order.

    Drops hop-by-hop fields, those that ``Connection`` names, those that we write ourselves, and names
    with an underscore, which some servers read as a hyphen (``content_length``; nginx drops them too).
    """
    kept = [field for field in fields if field[0] not in NEVER_FORWARDED and b"_" not in field[0]]
    named = _named_by_connection(fields)
    return [field for field in kept if field[0] not in named] if named else kept


def _named_by_connection(fields: Fields) -> frozenset[bytes]:
    values = [value for name, value in fields if name == b"connection"]
    if not values:
        return frozenset()
    return frozenset(option.strip().lower() for value in values for option in value.split(b","))
