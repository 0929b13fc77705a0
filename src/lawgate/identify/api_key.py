"""API keys for machines that can hold only a static secret.

``lgk_<id>_<secret><check>``: the id (12 characters of base32) names the key's row and is no secret;
the secret is 256 random bits in base 62; the check is a CRC-32, so that a mistyped key is refused
before any look-up, and scanners that search code for leaked keys have few false alarms.

Rule 1: the key is shown once. What is stored is SHA-256 of the secret. A slow hash protects secrets
that people choose; nobody can try 2^256 of them, and a slow hash on every request would only help
an attacker who floods (OWASP and NIST SP 800-63B section 5.1.2.2 ask a salted slow hash below 112 bits).
Rule 2: unknown, wrong and revoked look the same to the caller. Expired is told only to a holder of the secret.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from zlib import crc32

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.ports import ApiKeyRow

PREFIX: Final = "lgk_"
ISSUER: Final = "lawgate:api-key"
"""Issuer of principals that an API key speaks for; no configured issuer can be called so (it is no URL)."""
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
"""Base-62 digits that hold 256 bits."""
CHECK_LENGTH: Final = 6
SECRET_BYTES: Final = 32

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + CHECK_LENGTH
_ID_END: Final = len(PREFIX) + ID_LENGTH
_ID_CHARACTERS: Final = frozenset(_BASE32)
_SECRET_CHARACTERS: Final = frozenset(_BASE62)
_NO_SECRET: Final = bytes(32)
"""Compared against when the id is unknown, so that both refusals take the same time."""
_INVALID: Final = "The API key is not valid here; ask for a new one."
_EXPIRED: Final = "The API key has expired; ask for a new one."


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is handed to its owner, once; ``str(key)`` has no secret in it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What the owner puts into their tool."""
        body = f"{PREFIX}{self.id}_{self.secret}"
        return body + _check(body)

    @property
    def secret_hash(self) -> bytes:
        """What is stored."""
        return sha256(self.secret.encode("ascii")).digest()


def generate(id_bytes: bytes, secret_bytes: bytes) -> ApiKey:
    """Make a key from 12 and 32 random bytes, which the caller draws from the system."""
    if len(id_bytes) != ID_LENGTH or len(secret_bytes) != SECRET_BYTES:
        raise ValueError(f"an API key needs {ID_LENGTH} and {SECRET_BYTES} random bytes")
    key_id = "".join(_BASE32[byte % 32] for byte in id_bytes)
    return ApiKey(key_id, _base62(int.from_bytes(secret_bytes, "big"), SECRET_LENGTH))


def is_api_key(token: str) -> bool:
    """Whether a credential says that it is one of these keys (a JWT starts with ``ey``)."""
    return token.startswith(PREFIX)


def parse(token: str) -> ApiKey:
    """Read a presented key; raises ``RefusedError`` if it is not one or is mistyped."""
    if len(token) != _LENGTH or not token.startswith(PREFIX) or token[_ID_END] != "_":
        raise _invalid("not the form of an API key")
    key = ApiKey(token[len(PREFIX) : _ID_END], token[_ID_END + 1 : -CHECK_LENGTH])
    if not (_ID_CHARACTERS.issuperset(key.id) and _SECRET_CHARACTERS.issuperset(key.secret)):
        raise _invalid("not the form of an API key")
    if token != key.text:
        raise _invalid("the check digits of the API key do not fit")
    return key


def verify(row: ApiKeyRow | None, key: ApiKey, now: float) -> Principal:
    """Return the service principal of a presented key's row. Raises ``RefusedError``.

    ``now`` is in seconds since the epoch. The steps are in the order that tells a stranger least.
    """
    # 1. The secret, in constant time, against something even when the id is unknown.
    matches = compare_digest(key.secret_hash, row.secret_hash if row is not None else _NO_SECRET)
    if row is None or not matches or row.id != key.id:
        raise _invalid("unknown API key or wrong secret")
    # 2. Revocation, whatever date it bears: a revoked key stays revoked if the clock goes back.
    if row.revoked_at is not None:
        raise _invalid("the API key is revoked")
    # 3. Expiry.
    if row.expires_at <= now:
        raise refuse(Code.CREDENTIAL_EXPIRED, _EXPIRED, detail="the API key has expired")
    return Principal(
        issuer=ISSUER,
        subject=row.principal,
        credential=CredentialKind.API_KEY,
        groups=row.groups,
        expires_at=row.expires_at,
        name=row.principal,
        client=row.id,
        purpose=row.purpose,
    )


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def _check(body: str) -> str:
    return _base62(crc32(body.encode("ascii")), CHECK_LENGTH)


def _invalid(detail: str) -> RefusedError:
    return refuse(Code.CREDENTIAL_INVALID, _INVALID, detail=detail)
