"""Verify an access token: the guard around joserfc, in numbered steps.

Rule 1: nothing in a token says how to verify it. ``alg`` and ``kid`` only select among what the
configuration and the provider's key set already allow; ``jku``, ``jwk``, ``x5u`` and ``x5c`` are
never followed (RFC 8725 sections 3.1 and 3.10).
Rule 2: claims are read from the bytes that the signature covers, after it verified.
Rule 3: a caller learns that a token is bad or has expired; the record learns why; neither learns
what it said. A refusal's detail is a constant sentence of this package.
"""

from dataclasses import dataclass, field
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.identity import Principal
from lawgate.identify.algorithms import ALGORITHMS
from lawgate.identify.claims import principal_from
from lawgate.identify.encoding import UnreadableError, decode_base64url, decode_object
from lawgate.identify.issuer import IssuerPolicy
from lawgate.identify.keys import KID_LENGTH_MAX, KeySet, VerificationKey

TOKEN_LENGTH_MAX: Final = 16_384
"""Characters. h11 and nginx bound a whole header block alike; Entra tokens with 200 groups are near 10 kB."""
HEADER_LENGTH_MAX: Final = 4096
"""Base64url characters. joserfc allows 512, which an ``x5c`` or ``jku`` that we ignore already exceeds."""
SIGNATURE_LENGTH_MAX: Final = 1366
"""Base64url characters of an RSA signature of 8192 bits, the largest key we take; joserfc allows 1024."""
SEGMENTS: Final = 3
ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
"""RFC 9068 section 2.1; compared without case, as media types are (RFC 7515 section 4.1.9)."""
UNTYPED: Final = frozenset({"", "jwt", "application/jwt"})
"""What an issuer with ``require_at_jwt`` off may send besides; never ``logout+jwt`` or ``dpop+jwt``."""

_INVALID: Final = "The access token is not valid here; obtain a new one for this gateway and try again."


class UnknownKeyError(RefusedError):
    """The token names a key that the set has not: fetching the set once more may help."""

    def __init__(self) -> None:
        super().__init__(_invalid("no key of the issuer fits the token's 'kid' and 'alg'").refusal)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token of the right shape. Nothing in it is true yet; ``issuer`` only picks who to ask."""

    text: str = field(repr=False)
    algorithm: str
    kid: str | None
    type: str
    issuer: str


class _Registry(JWSRegistry):
    """joserfc's algorithms reduced to ours, with sizes raised on purpose.

    Its strict header check is off because unknown members must be ignored (RFC 7515 section 4);
    ``crit`` is refused before. ``EdDSA`` runs as ``Ed25519``, the one curve that we import for it.
    """

    max_header_length = HEADER_LENGTH_MAX
    max_payload_length = TOKEN_LENGTH_MAX
    max_signature_length = SIGNATURE_LENGTH_MAX

    def get_alg(self, name: str) -> JWSAlgModel:
        return self.algorithms["Ed25519" if name == "EdDSA" else name]


_REGISTRY: Final = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def verify_access_token(token: str, keys: KeySet, issuer: IssuerPolicy, now: float) -> Principal:
    """Verify a token in full; ``now`` in seconds since the epoch.

    Raises ``RefusedError`` (``credential_invalid``, ``credential_expired``) and, when another key set
    might help, its subclass ``UnknownKeyError``.
    """
    return principal_from(verified_claims(parse_token(token), keys, issuer), issuer, now)


def parse_token(token: str) -> UnverifiedToken:
    """Steps 1 to 5: the shape, before any key is looked at. Raises ``RefusedError``."""
    # 1. Size, before anything is decoded.
    if len(token) > TOKEN_LENGTH_MAX:
        raise _invalid("longer than 16384 characters")
    # 2. Compact serialization: three segments (RFC 7515 section 3.1; five would be encrypted).
    segments = token.split(".")
    if len(segments) != SEGMENTS:
        raise _invalid("not three segments")
    # 3. Strict base64url and JSON without duplicate members (RFC 7515 sections 2, 4; RFC 7519 section 7.2).
    try:
        header = decode_object(decode_base64url(segments[0]))
        claims = decode_object(decode_base64url(segments[1]))
        decode_base64url(segments[2])
    except UnreadableError as error:
        raise _invalid(f"a segment is {error}") from None
    # 4. Extensions that must be understood are not: refuse (RFC 7515 section 4.1.11, RFC 7797 section 6).
    if "crit" in header or "b64" in header:
        raise _invalid("'crit' or 'b64' in the header")
    # 5. The members that select. An array or a number here is not a clumsy string.
    issuer = claims.get("iss")
    return UnverifiedToken(
        token,
        algorithm=_header_text(header, "alg", required=True),
        kid=_kid(header),
        type=_header_text(header, "typ", required=False),
        issuer=issuer if isinstance(issuer, str) else "",
    )


def verified_claims(token: UnverifiedToken, keys: KeySet, policy: IssuerPolicy) -> dict[str, object]:
    """Steps 6 to 9: type, algorithm, key and signature; returns the claims that were signed."""
    # 6. An ID token, a logout token or a DPoP proof is not an access token (RFC 9068 section 4, RFC 8725
    #    section 3.11).
    kind = token.type.lower()
    if kind not in ACCESS_TOKEN_TYPES and (policy.require_at_jwt or kind not in UNTYPED):
        raise _invalid("'typ' is not at+jwt")
    # 7. Algorithms are the configuration's, never 'none' and never an HMAC (RFC 8725 sections 3.1, 3.2).
    if token.algorithm not in policy.algorithms:
        raise _invalid("'alg' is not allowed for this issuer")
    # 8. Exactly one key fits by id, type and algorithm (RFC 7515 section 4.1.4, RFC 8725 section 3.1).
    key = _one_key(token, keys)
    # 9. The signature, and only then the claims, from the very bytes it covers (RFC 7515 section 5.2).
    try:
        signed = jws.deserialize_compact(token.text, key.jose, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        raise _invalid("the signature, or a header member, is not valid") from None
    return decode_object(signed.payload)


def _one_key(token: UnverifiedToken, keys: KeySet) -> VerificationKey:
    fitting = keys.fitting(token.kid, token.algorithm)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise _invalid("more than one key fits the token")
    if token.kid is not None and keys.knows(token.kid):
        raise _invalid("the key that the token names may not verify it")
    raise UnknownKeyError


def _kid(header: dict[str, object]) -> str | None:
    kid = _header_text(header, "kid", required="kid" in header)
    if len(kid) > KID_LENGTH_MAX:
        raise _invalid("'kid' is too long")
    return kid or None


def _header_text(header: dict[str, object], name: str, *, required: bool) -> str:
    value = header.get(name, "")
    if not isinstance(value, str) or (required and not value):
        raise _invalid(f"{name!r} is not a non-empty string")
    return value


def _invalid(detail: str) -> RefusedError:
    return refuse(Code.CREDENTIAL_INVALID, _INVALID, detail=detail)
