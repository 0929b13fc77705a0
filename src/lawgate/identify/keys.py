"""A provider's JWK Set, reduced to the keys that may verify a signature.

Rule 1: a set that shows a secret is refused whole: symmetric keys (RFC 8725 section 3.1: mixing them
with public keys is how an RSA key becomes an HMAC secret) and private members.
Rule 2: a key that cannot or may not verify is left out, and the reason is kept for people. Providers
publish encryption keys and new key types beside the ones we need (RFC 7517 section 5).
Rule 3: what reaches joserfc is rebuilt from the members that we checked, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from lawgate.domain.errors import LawgateError
from lawgate.identify.algorithms import CURVE_ALGORITHMS, RSA_ALGORITHMS
from lawgate.identify.encoding import UnreadableError, decode_base64url, decode_object

VerifyingKey = RSAKey | ECKey | OKPKey

KEYS_MAX: Final = 100
"""Google publishes 2, Entra about 10, a large Keycloak realm about 20."""
KID_LENGTH_MAX: Final = 256
RSA_BITS_MIN: Final = 2048
"""RFC 7518 section 3.3."""
RSA_BITS_MAX: Final = 8192
"""Verification grows with the square of the size; OpenSSL itself stops at 16384."""
RSA_EXPONENT_MIN: Final = 65537
RSA_EXPONENT_BITS_MAX: Final = 64
"""FIPS 186-5 A.1.1 asks for 65537 or more; a long exponent is only a way to make us compute."""

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeySetError(LawgateError):
    """A JWK Set that must not be used; the message says why."""


class _UnfitError(Exception):
    """One key cannot verify signatures; the others may."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, the algorithms it may verify, and the digest that tells it from others."""

    kid: str | None
    algorithms: frozenset[str]
    jose: VerifyingKey = field(repr=False, compare=False)
    fingerprint: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one provider. ``unusable`` pairs the other keys' ids with the reason."""

    keys: tuple[VerificationKey, ...]
    unusable: tuple[tuple[str, str], ...] = ()

    def fitting(self, kid: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """The keys that a token with this ``kid`` (or none) and ``alg`` may have been signed with."""
        return tuple(key for key in self.keys if algorithm in key.algorithms and (kid is None or key.kid == kid))

    def knows(self, kid: str) -> bool:
        """Whether the provider's set has this id at all, usable or not: then asking again is no help."""
        return any(key.kid == kid for key in self.keys) or any(kid == other for other, _ in self.unusable)

    def lost(self, newer: "KeySet") -> bool:
        """Whether ``newer`` withdrew a key that this set trusted."""
        return not {key.fingerprint for key in self.keys} <= {key.fingerprint for key in newer.keys}


def parse_key_set(document: bytes) -> KeySet:
    """Read a JWK Set (RFC 7517 section 5); raises ``KeySetError`` if it must not be used."""
    try:
        members = decode_object(document).get("keys")
    except UnreadableError as error:
        raise KeySetError(f"the JWK Set is {error}") from None
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise KeySetError("the JWK Set has no array 'keys' of objects")
    if len(members) > KEYS_MAX:
        raise KeySetError(f"the JWK Set has more than {KEYS_MAX} keys")
    _refuse_secrets(members)
    usable, unusable = _sorted_out(members)
    if not usable:
        reasons = "; ".join(reason for _, reason in unusable) or "it is empty"
        raise KeySetError(f"the JWK Set has no key that can verify signatures: {reasons}")
    return KeySet(tuple(usable), tuple(unusable))


def _refuse_secrets(members: list[dict[str, object]]) -> None:
    for member in members:
        if member.get("kty") == "oct" or not _PRIVATE_MEMBERS.isdisjoint(member):
            raise KeySetError("the JWK Set holds symmetric or private keys; the provider must publish public keys only")


def _sorted_out(members: list[dict[str, object]]) -> tuple[list[VerificationKey], list[tuple[str, str]]]:
    usable: list[VerificationKey] = []
    unusable: list[tuple[str, str]] = []
    for member in members:
        try:
            usable.append(_key(member))
        except _UnfitError as error:
            kid = member.get("kid")
            unusable.append((kid if isinstance(kid, str) else "", str(error)))
    return usable, unusable


def _key(member: dict[str, object]) -> VerificationKey:
    kid = member.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= KID_LENGTH_MAX):
        raise _UnfitError(f"'kid' is not a string of 1 to {KID_LENGTH_MAX} characters")
    _require_signature_use(member)
    kty = _text(member, "kty")
    public, algorithms = _rsa(member) if kty == "RSA" else _curve(member, kty)
    fingerprint = sha256("|".join(f"{name}={value}" for name, value in sorted(public.items())).encode()).digest()
    return VerificationKey(kid, _narrowed(member, algorithms), _imported(kty, public), fingerprint)


def _require_signature_use(member: dict[str, object]) -> None:
    """``use`` and ``key_ops``, where present, must say that the key verifies (RFC 7517 sections 4.2, 4.3)."""
    if member.get("use", "sig") != "sig":
        raise _UnfitError("'use' is not 'sig'")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _UnfitError("'key_ops' has no 'verify'")


def _narrowed(member: dict[str, object], algorithms: frozenset[str]) -> frozenset[str]:
    """A key that names its ``alg`` verifies that one only (RFC 7517 section 4.4)."""
    declared = member.get("alg")
    if declared is None:
        return algorithms
    if not isinstance(declared, str) or declared not in algorithms:
        raise _UnfitError("'alg' does not go with the key's type")
    return frozenset({declared})


def _rsa(member: dict[str, object]) -> tuple[dict[str, str], frozenset[str]]:
    public = {"kty": "RSA", "n": _text(member, "n"), "e": _text(member, "e")}
    modulus, exponent = _number(public["n"]), _number(public["e"])
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX:
        raise _UnfitError(f"RSA modulus of {modulus.bit_length()} bits, not {RSA_BITS_MIN} to {RSA_BITS_MAX}")
    if exponent < RSA_EXPONENT_MIN or exponent.bit_length() > RSA_EXPONENT_BITS_MAX or exponent % 2 == 0:
        raise _UnfitError("RSA exponent is even, below 65537 or too long")
    return public, RSA_ALGORITHMS


def _curve(member: dict[str, object], kty: str) -> tuple[dict[str, str], frozenset[str]]:
    algorithms = CURVE_ALGORITHMS.get((kty, str(member.get("crv"))))
    if algorithms is None:
        raise _UnfitError("'kty' or 'crv' is not one that verifies here")
    names = ("crv", "x", "y") if kty == "EC" else ("crv", "x")
    return {"kty": kty, **{name: _text(member, name) for name in names}}, algorithms


def _imported(kty: str, public: dict[str, str]) -> VerifyingKey:
    """The key as joserfc holds it; a point off its curve fails here."""
    importers: dict[str, Callable[[dict[str, str]], VerifyingKey]] = {
        "RSA": cast("Callable[[dict[str, str]], VerifyingKey]", RSAKey.import_key),
        "EC": cast("Callable[[dict[str, str]], VerifyingKey]", ECKey.import_key),
        "OKP": cast("Callable[[dict[str, str]], VerifyingKey]", OKPKey.import_key),
    }
    try:
        return importers[kty](public)
    except (JoseError, ValueError, TypeError):
        raise _UnfitError("its numbers are not a public key") from None


def _text(member: dict[str, object], name: str) -> str:
    value = member.get(name)
    if not isinstance(value, str):
        raise _UnfitError(f"{name!r} is not a string")
    return value


def _number(text: str) -> int:
    try:
        return int.from_bytes(decode_base64url(text), "big")
    except UnreadableError as error:
        raise _UnfitError(f"a number is {error}") from None
