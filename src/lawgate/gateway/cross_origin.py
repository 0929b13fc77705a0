"""CORS (WHATWG Fetch): off unless a connection names exact origins; preflights are answered here."""

from typing import Final

from lawgate.domain.processing import Connection

_ALLOWED_FIELDS: Final = (
    b"authorization, x-api-key, api-key, content-type, accept, lawgate-purpose, lawgate-subject, "
    b"lawgate-justification, openai-organization, openai-project, idempotency-key, prefer"
)
_EXPOSED: Final = b"lawgate-exchange-id, retry-after, x-request-id"
_MAX_AGE_S: Final = b"600"


def allowed_origin(connection: Connection | None, origin: str | None) -> bytes | None:
    """The origin to echo, when the connection names exactly this one."""
    if connection is None or origin is None or origin not in connection.cors_origins:
        return None
    return origin.encode("ascii", "ignore")


def answer_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    """Fields that let a page of this origin read an answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"origin"),
    ]


def preflight_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    """Fields of the local answer to a preflight."""
    return [
        *answer_headers(origin),
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", _ALLOWED_FIELDS),
        (b"access-control-max-age", _MAX_AGE_S),
    ]
