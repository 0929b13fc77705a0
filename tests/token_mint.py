"""An issuer for tests: signs whatever it is told to, so that forged and odd tokens have good signatures too.

It signs with cryptography alone, so that neither joserfc nor PyJWT judges its own work.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from lawgate.identify.issuer import IssuerPolicy
from lawgate.identify.keys import KeySet, parse_key_set

NOW: Final = 1_800_000_000
ISSUER: Final = "https://login.northwind.example"
AUDIENCE: Final = "lawgate"
POLICY: Final = IssuerPolicy(ISSUER, (AUDIENCE,))
ABSENT: Final = object()
"""As a claim's or header member's value: leave it out."""

HASHES: Final[Mapping[str, type[SHA256] | type[SHA384] | type[SHA512]]] = {"256": SHA256, "384": SHA384, "512": SHA512}
CURVES: Final = {
    "ES256": (ec.SECP256R1(), "P-256", 32),
    "ES384": (ec.SECP384R1(), "P-384", 48),
    "ES512": (ec.SECP521R1(), "P-521", 66),
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8 if length is None else length, "big"))


@cache
def private_key(family: str, index: int = 0) -> PrivateKey:
    """A key for RSA, ES256, ES384, ES512 or Ed25519; ``index`` tells several of a family apart."""
    del index
    if family == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if family in CURVES:
        return ec.generate_private_key(CURVES[family][0])
    return ed25519.Ed25519PrivateKey.generate()


def family_of(alg: str) -> str:
    return "RSA" if alg[:2] in {"RS", "PS"} else "Ed25519" if alg == "EdDSA" else alg


def jwk(alg: str = "RS256", kid: object = "k1", index: int = 0, /, **more: object) -> dict[str, object]:
    """The public JWK of the key that signs ``alg``."""
    public = private_key(family_of(alg), index).public_key()
    members: dict[str, object] = {"kid": kid, "use": "sig"}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        members |= {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        _, crv, size = CURVES[alg]
        members |= {"kty": "EC", "crv": crv, "x": number(point.x, size), "y": number(point.y, size)}
    else:
        members |= {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    return without_absent(members | more)


def jwks(*keys: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def key_set(*keys: Mapping[str, object]) -> KeySet:
    return parse_key_set(jwks(*(keys or (jwk(),))))


def sign(signing_input: bytes, alg: str, key: PrivateKey) -> bytes:
    digest = HASHES.get(alg[2:], SHA256)()
    if isinstance(key, rsa.RSAPrivateKey):
        if alg.startswith("PS"):
            salted = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
            return key.sign(signing_input, salted, digest)
        return key.sign(signing_input, padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(digest)))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return key.sign(signing_input)


def compact(header: bytes, payload: bytes, alg: str = "RS256", index: int = 0) -> str:
    """Sign these very bytes."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(sign(signing_input.encode(), alg, private_key(family_of(alg), index)))}"


def without_absent(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def header_of(alg: str = "RS256", /, **changes: object) -> dict[str, object]:
    return without_absent({"alg": alg, "typ": "at+jwt", "kid": "k1"} | changes)


def claims_of(**changes: object) -> dict[str, object]:
    return without_absent(
        {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "u-4711",
            "client_id": "support-desk",
            "iat": NOW - 60,
            "exp": NOW + 600,
            "jti": "j-1",
            "groups": ["support"],
        }
        | changes
    )


def token(
    alg: str = "RS256",
    header: Mapping[str, object] | None = None,
    claims: Mapping[str, object] | None = None,
    index: int = 0,
) -> str:
    """A good token but for ``header`` and ``claims``; ``index`` picks the signing key."""
    head = header_of(alg, **(header or {}))
    body = claims_of(**(claims or {}))
    return compact(json.dumps(head).encode(), json.dumps(body).encode(), alg, index)
