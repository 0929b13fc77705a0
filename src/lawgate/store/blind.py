"""Blind indexes: equal values can be found, values cannot be read.

Rule: HMAC-SHA-256 under the index key, over ``type || 0 || value``, cut to 16 bytes: fewer would let a
false match disclose another person's data.
"""

import hmac
from typing import Final

BLIND_B: Final = 16
PRINCIPAL: Final = "principal"


def blind_principal(key: bytes, principal: str) -> bytes:
    """What the index holds for a principal's id."""
    return _blind(key, PRINCIPAL, principal)


def blind_subject(key: bytes, subject: str) -> bytes:
    """What the index holds for a data subject written as ``type=value`` (or ``value`` without a type)."""
    kind, equals, value = subject.partition("=")
    return _blind(key, kind if equals else "", value if equals else subject)


def _blind(key: bytes, kind: str, value: str) -> bytes:
    message = kind.encode("utf-8", "surrogatepass") + b"\0" + value.encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256")[:BLIND_B]
