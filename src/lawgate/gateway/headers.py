"""Which header fields cross the gateway.

Rule 1: a field crosses only if it is on a list. Everything else may carry what nobody inspected: a
        cookie, an address in ``X-Forwarded-For``, a credential, a validator of a body we changed.
Rule 2: ``Content-Encoding`` crosses both ways: a coded body passes only unread, and then as it came.
Rule 3: the client's credential never crosses (it is not on the list, under any of its names).
"""

from collections.abc import Iterable
from typing import Final

Field = tuple[bytes, bytes]

_REQUEST: Final = frozenset(
    {
        b"accept",
        b"content-type",
        b"content-encoding",
        b"user-agent",
        b"idempotency-key",
        b"traceparent",
        b"tracestate",
        b"prefer",
    }
)
_REQUEST_PREFIXES: Final = (b"openai-", b"anthropic-", b"x-stainless-")
_ANSWER: Final = frozenset(
    {
        b"content-type",
        b"content-encoding",
        b"content-language",
        b"cache-control",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"x-request-id",
        b"request-id",
        b"allow",
    }
)
_ANSWER_PREFIXES: Final = (b"openai-", b"anthropic-", b"x-ratelimit-")

EXCHANGE_ID: Final = b"lawgate-exchange-id"
IDENTITY_ENCODING: Final[Field] = (b"accept-encoding", b"identity")


def request_fields(fields: Iterable[Field], exchange: str | None) -> list[Field]:
    """What the upstream gets, before its own credential. ``exchange``: the id to send along."""
    kept = [field for field in fields if field[0] in _REQUEST or field[0].startswith(_REQUEST_PREFIXES)]
    kept.append(IDENTITY_ENCODING)
    if exchange is not None:
        kept.append((EXCHANGE_ID, exchange.encode("ascii")))
    return kept


def answer_fields(fields: Iterable[Field], exchange: str) -> list[Field]:
    """What the client gets."""
    kept = [field for field in fields if field[0] in _ANSWER or field[0].startswith(_ANSWER_PREFIXES)]
    kept.append((EXCHANGE_ID, exchange.encode("ascii")))
    return kept


def as_fields(headers: Iterable[tuple[str, str]]) -> list[Field]:
    """Header fields of ours as bytes; they are ASCII."""
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
