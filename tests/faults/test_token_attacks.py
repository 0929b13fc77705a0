"""Tokens and key sets that somebody forged, or that a provider got wrong. Each row stays for ever.

A row says how the token differs from a good one and which guard must catch it: a row that is refused
for another reason proves nothing, so the reason is compared too.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from hmac import digest as hmac_digest

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lawgate.domain.errors import Code, RefusedError
from lawgate.identify.jwt import verify_access_token
from lawgate.identify.keys import KeySet, KeySetError, parse_key_set
from tests.token_mint import (
    ABSENT,
    NOW,
    POLICY,
    b64,
    claims_of,
    compact,
    header_of,
    jwk,
    jwks,
    key_set,
    number,
    private_key,
    token,
)

KEYS = key_set(jwk("RS256", "k1"), jwk("ES256", "k2"), jwk("EdDSA", "k3"))


def refused(text: str, keys: KeySet = KEYS) -> tuple[Code, str]:
    with pytest.raises(RefusedError) as caught:
        verify_access_token(text, keys, POLICY, NOW)
    refusal = caught.value.refusal
    assert repr(caught.value) in {
        "RefusedError('credential_invalid')",
        "RefusedError('credential_expired')",
        "UnknownKeyError('credential_invalid')",
    }
    assert refusal.detail is not None
    return refusal.code, refusal.detail


HEADERS = {
    "an ID token": ({"typ": "JWT"}, "'typ'"),
    "no type": ({"typ": ABSENT}, "'typ'"),
    "a logout token": ({"typ": "logout+jwt"}, "'typ'"),
    "a DPoP proof": ({"typ": "dpop+jwt"}, "'typ'"),
    "type with a parameter": ({"typ": "at+jwt; v=1"}, "'typ'"),
    "type in an array": ({"typ": ["at+jwt"]}, "'typ'"),
    "no algorithm": ({"alg": ABSENT}, "'alg'"),
    "algorithm none": ({"alg": "none"}, "'alg' is not allowed"),
    "algorithm nOnE": ({"alg": "nOnE"}, "'alg' is not allowed"),
    "algorithm in an array": ({"alg": ["RS256"]}, "'alg'"),
    "algorithm HS256": ({"alg": "HS256"}, "'alg' is not allowed"),
    "algorithm ES256K": ({"alg": "ES256K"}, "'alg' is not allowed"),
    "algorithm RS1": ({"alg": "RS1"}, "'alg' is not allowed"),
    "another algorithm of the same key": ({"alg": "PS256"}, "signature"),
    "an algorithm of another key type": ({"alg": "ES256"}, "may not verify"),
    "unknown key id": ({"kid": "k9"}, "no key"),
    "empty key id": ({"kid": ""}, "'kid'"),
    "key id of another type": ({"kid": 1}, "'kid'"),
    "key id null": ({"kid": None}, "'kid'"),
    "key id that is a path": ({"kid": "../../../../dev/null"}, "no key"),
    "key id of 257 characters": ({"kid": "k" * 257}, "'kid' is too long"),
    "critical extension": ({"crit": ["exp"], "exp": NOW + 600}, "'crit'"),
    "empty critical list": ({"crit": []}, "'crit'"),
    "unencoded payload": ({"b64": False}, "'b64'"),
    "own URL that is none": ({"jku": 7}, "signature"),
}


@pytest.mark.parametrize(("header", "reason"), HEADERS.values(), ids=HEADERS)
def test_header_is_refused(header: Mapping[str, object], reason: str) -> None:
    code, detail = refused(token(header=header))
    assert code is Code.CREDENTIAL_INVALID
    assert reason in detail


CLAIMS = {
    "no issuer": ({"iss": ABSENT}, "'iss'"),
    "another issuer": ({"iss": "https://login.evil.example"}, "'iss'"),
    "issuer with a slash more": ({"iss": "https://login.northwind.example/"}, "'iss'"),
    "issuer in capitals": ({"iss": "https://LOGIN.northwind.example"}, "'iss'"),
    "issuer in an array": ({"iss": ["https://login.northwind.example"]}, "'iss'"),
    "no audience": ({"aud": ABSENT}, "'aud'"),
    "another audience": ({"aud": "billing"}, "'aud'"),
    "audience that contains ours": ({"aud": "lawgate-billing"}, "'aud'"),
    "empty audience": ({"aud": []}, "'aud'"),
    "audience with a number in it": ({"aud": ["lawgate", 1]}, "'aud'"),
    "audience in an object": ({"aud": {"lawgate": True}}, "'aud'"),
    "101 audiences": ({"aud": ["lawgate"] * 101}, "'aud'"),
    "clients that differ": ({"client_id": "a", "azp": "b"}, "differ"),
    "client of another type": ({"client_id": 7}, "'client_id'"),
    "client null": ({"azp": None, "client_id": ABSENT}, "'client_id' or 'azp'"),
    "no expiry": ({"exp": ABSENT}, "'exp' is not a number"),
    "expiry in a string": ({"exp": str(NOW + 600)}, "'exp' is not a number"),
    "expiry true": ({"exp": True}, "'exp' is not a number"),
    "expiry null": ({"exp": None}, "'exp' is not a number"),
    "expiry never": ({"exp": 1e308}, "'exp' is not a date"),
    "expiry an integer of 400 digits": ({"exp": 10**400}, "'exp' is not a date"),
    "expiry below zero": ({"exp": -1}, "'exp' is not a date"),
    "expiry in milliseconds": ({"exp": (NOW + 600) * 1000}, "'exp' is not a date"),
    "expiry in 24 hours and a minute": ({"exp": NOW + 86_400 + 60}, "longer than"),
    "issued 24 hours and a minute before its expiry": ({"iat": NOW - 86_000, "exp": NOW + 460}, "longer than"),
    "a long life hidden by a late start": ({"iat": NOW + 30, "exp": NOW + 86_400 + 60}, "longer than"),
    "not before, in a minute": ({"nbf": NOW + 60}, "'nbf' is in the future"),
    "not before in a string": ({"nbf": str(NOW)}, "'nbf' is not a number"),
    "issued in a minute": ({"iat": NOW + 60}, "'iat' is in the future"),
    "issued null": ({"iat": None}, "'iat' is not a number"),
    "no subject": ({"sub": ABSENT}, "'sub'"),
    "empty subject": ({"sub": ""}, "'sub'"),
    "subject a number": ({"sub": 4711}, "'sub'"),
    "subject null": ({"sub": None}, "'sub'"),
    "subject with NUL": ({"sub": "admin\0"}, "'sub'"),
    "subject with a line feed": ({"sub": "a\nb"}, "'sub'"),
    "subject with a direction override": ({"sub": "a\u202eb"}, "'sub'"),
    "subject with a lone surrogate": ({"sub": "a\ud800"}, "'sub'"),
    "subject of 257 characters": ({"sub": "s" * 257}, "'sub'"),
    "token id a number": ({"jti": 7}, "'jti'"),
    "token id null": ({"jti": None}, "'jti'"),
    "bound to a DPoP key": ({"cnf": {"jkt": "x"}}, "'cnf'"),
    "an ID token with the access token's type": ({"at_hash": "x"}, "ID token"),
    "a security event with the access token's type": ({"events": {}}, "ID token or an event"),
    "groups in an object": ({"groups": {"support": True}}, "groups claim"),
    "groups a number": ({"groups": 1}, "groups claim"),
    "groups true": ({"groups": True}, "groups claim"),
    "a group that is a number": ({"groups": ["support", 1]}, "a group"),
    "a group that is null": ({"groups": [None]}, "a group"),
    "a group in an array": ({"groups": [["support"]]}, "a group"),
    "an empty group": ({"groups": [""]}, "a group"),
    "a group with NUL": ({"groups": ["support\0"]}, "a group"),
    "1001 groups": ({"groups": ["g"] * 1001}, "groups claim"),
}


@pytest.mark.parametrize(("claims", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_claim_is_refused(claims: Mapping[str, object], reason: str) -> None:
    code, detail = refused(token(claims=claims))
    assert code is Code.CREDENTIAL_INVALID
    assert reason in detail


@pytest.mark.parametrize("exp", [NOW - 31, NOW - 30, NOW - 30.5, 0])
def test_an_expired_token_is_told_so(exp: float) -> None:
    assert refused(token(claims={"exp": exp, "iat": ABSENT})) == (Code.CREDENTIAL_EXPIRED, "'exp' has passed")


HEADER = json.dumps(header_of()).encode()
PAYLOAD = json.dumps(claims_of()).encode()
GOOD = compact(HEADER, PAYLOAD)
HEAD, BODY, SIGNATURE = GOOD.split(".")

BYTES = {
    "a type twice in the header": (HEADER[:-1] + b', "typ": "at+jwt"}', PAYLOAD, "twice"),
    "a subject twice": (HEADER, PAYLOAD[:-1] + b', "sub": "admin"}', "twice"),
    "a member twice deep inside": (HEADER, PAYLOAD[:-1] + b', "a": [{"b": 1, "b": 2}]}', "twice"),
    "a member twice, once by an escape": (HEADER, PAYLOAD[:-1] + b', "\\u0073ub": "admin"}', "twice"),
    "expiry NaN": (HEADER, PAYLOAD.replace(str(NOW + 600).encode(), b"NaN"), "NaN"),
    "expiry Infinity": (HEADER, PAYLOAD.replace(str(NOW + 600).encode(), b"Infinity"), "NaN or Infinity"),
    "expiry 1e999": (HEADER, PAYLOAD.replace(str(NOW + 600).encode(), b"1e999"), "'exp' is not a date"),
    "expiry of 5000 digits": (HEADER, PAYLOAD.replace(str(NOW + 600).encode(), b"9" * 5000), "not JSON"),
    "claims in an array": (HEADER, b"[" + PAYLOAD + b"]", "array where an object"),
    "claims null": (HEADER, b"null", "null where an object"),
    "no claims": (HEADER, b"{}", "'iss'"),
    "claims in UTF-16": (HEADER, PAYLOAD.decode().encode("utf-16"), "not UTF-8"),
    "claims with a byte order mark": (HEADER, b"\xef\xbb\xbf" + PAYLOAD, "not JSON"),
    "claims in Latin-1": (HEADER, PAYLOAD.replace(b"4711", b"\xfc"), "not UTF-8"),
    "claims nested 3000 deep": (HEADER, PAYLOAD[:-1] + b', "a": ' + b"[" * 3000 + b"]" * 3000 + b"}", "too many"),
    "two objects": (HEADER, PAYLOAD + PAYLOAD, "not JSON"),
    "header in UTF-16": (HEADER.decode().encode("utf-16"), PAYLOAD, "not UTF-8"),
    "header of 4 kB": (HEADER[:-1] + b', "x": "' + b"x" * 4096 + b'"}', PAYLOAD, "signature, or a header"),
}


@pytest.mark.parametrize(("header", "payload", "reason"), BYTES.values(), ids=BYTES)
def test_signed_bytes_are_refused(header: bytes, payload: bytes, reason: str) -> None:
    code, detail = refused(compact(header, payload))
    assert code is Code.CREDENTIAL_INVALID
    assert reason in detail


TEXTS = {
    "nothing": ("", "three segments"),
    "two dots": ("..", "base64url"),
    "no signature": (f"{HEAD}.{BODY}.", "base64url"),
    "no third segment": (f"{HEAD}.{BODY}", "three segments"),
    "five segments, as if encrypted": (f"{GOOD}.{BODY}.{SIGNATURE}", "three segments"),
    "a detached payload": (f"{HEAD}..{SIGNATURE}", "base64url"),
    "padding": (f"{HEAD}.{BODY}.{SIGNATURE}==", "base64url"),
    "a line feed at the end": (f"{GOOD}\n", "base64url"),
    "a space within": (f"{HEAD}.{BODY} .{SIGNATURE}", "base64url"),
    "base64 in place of base64url": (f"{HEAD}.{BODY}.+/{SIGNATURE[2:]}", "base64url"),
    "a letter that looks alike": (f"{HEAD}.{BODY}.\u0410{SIGNATURE[1:]}", "base64url"),
    "an impossible length": (f"{HEAD}.{BODY}.{SIGNATURE[:1]}", "impossible length"),
    "stray bits at the end": (f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}", "stray bits"),
    "a cut signature": (f"{HEAD}.{BODY}.{SIGNATURE[:-6]}", "signature"),
    "other claims under the same signature": (f"{HEAD}.{b64(PAYLOAD.replace(b'4711', b'0001'))}.{SIGNATURE}", "signat"),
    "JSON serialization": (json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}), "three segments"),
    "17 kB": ("a" * 17_000, "longer than"),
}


@pytest.mark.parametrize(("text", "reason"), TEXTS.values(), ids=TEXTS)
def test_text_is_refused(text: str, reason: str) -> None:
    code, detail = refused(text)
    assert code is Code.CREDENTIAL_INVALID
    assert reason in detail


def test_a_public_key_is_no_hmac_secret() -> None:
    # CVE-2015-9235 and its many siblings: HS256 with the public key's text as the secret.
    public = private_key("RSA").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing_input = f"{b64(json.dumps(header_of('HS256')).encode())}.{BODY}"
    forged = f"{signing_input}.{b64(hmac_digest(public, signing_input.encode(), sha256))}"
    assert refused(forged) == (Code.CREDENTIAL_INVALID, "'alg' is not allowed for this issuer")


@pytest.mark.parametrize("member", ["jwk", "jku", "x5c"])
def test_a_key_in_the_token_is_never_used(member: str) -> None:
    brought = {"jwk": jwk("RS256", "k1", 1), "jku": "https://evil.example/jwks", "x5c": ["MIIB"]}[member]
    forged = token(header={member: brought}, index=1)
    assert "signature" in refused(forged)[1]


def test_a_key_in_the_token_does_no_harm_to_a_good_one() -> None:
    text = token(header={"jku": "https://login.northwind.example/jwks", "x5t": "abc", "unknown": {"a": 1}})
    assert verify_access_token(text, KEYS, POLICY, NOW).subject == "u-4711"


def test_psychic_signature_is_refused() -> None:
    # CVE-2022-21449: r = s = 0 verified in Java.
    head = b64(json.dumps(header_of("ES256", kid="k2")).encode())
    assert "signature" in refused(f"{head}.{BODY}.{b64(bytes(64))}")[1]


def test_der_signature_is_refused() -> None:
    head = b64(json.dumps(header_of("ES256", kid="k2")).encode())
    assert "signature" in refused(f"{head}.{BODY}.{b64(bytes.fromhex('3006020101020101'))}")[1]


def test_an_encryption_key_does_not_verify() -> None:
    keys = key_set(jwk("RS256", "enc-1", use="enc"), jwk("ES256", "k2"))
    assert refused(token(header={"kid": "enc-1"}), keys)[1] == "the key that the token names may not verify it"


def test_without_a_key_id_exactly_one_key_must_fit() -> None:
    text = token(header={"kid": ABSENT})
    assert verify_access_token(text, key_set(jwk("RS256"), jwk("ES256", "k2")), POLICY, NOW).subject == "u-4711"
    two = key_set(jwk("RS256", "k1"), jwk("RS256", "k2", 1))
    assert refused(text, two)[1] == "more than one key fits the token"


def test_one_key_id_for_two_keys_is_ambiguous() -> None:
    keys = key_set(jwk("RS256", "k1"), jwk("RS256", "k1", 1))
    assert refused(token(), keys)[1] == "more than one key fits the token"


RSA = jwk("RS256")
KEY_SETS = {
    "symmetric": jwks({"kty": "oct", "k": b64(b"secret" * 8), "kid": "k1"}),
    "symmetric beside asymmetric": jwks(RSA, {"kty": "oct", "k": b64(b"secret" * 8), "kid": "k2"}),
    "symmetric without its value": jwks(RSA, {"kty": "oct", "kid": "k2"}),
    "a private key": jwks(RSA | {"d": "AQAB"}),
    "empty": jwks(),
    "no array": b'{"keys": {"a": 1}}',
    "an array of strings": b'{"keys": ["a"]}',
    "no object": b"[]",
    "two arrays": b'{"keys": [], "keys": []}',
    "not JSON": b"<html>",
    "101 keys": jwks(*[RSA] * 101),
    "RSA of 1024 bits": jwks(RSA | {"n": number((1 << 1023) + 1)}),
    "RSA of 2047 bits": jwks(RSA | {"n": number((1 << 2046) + 1)}),
    "RSA of 8193 bits": jwks(RSA | {"n": number((1 << 8192) + 1)}),
    "RSA exponent 1": jwks(RSA | {"e": number(1)}),
    "RSA exponent 3": jwks(RSA | {"e": number(3)}),
    "RSA exponent even": jwks(RSA | {"e": number(65538)}),
    "RSA exponent of 72 bits": jwks(RSA | {"e": number((1 << 71) + 1)}),
    "RSA modulus not base64url": jwks(RSA | {"n": "+++"}),
    "RSA modulus a number": jwks(RSA | {"n": 7}),
    "encryption only": jwks(RSA | {"use": "enc"}),
    "an unknown use": jwks(RSA | {"use": ["sig"]}),
    "operations without verify": jwks(RSA | {"key_ops": ["encrypt"]}),
    "operations in a string": jwks(RSA | {"key_ops": "verify"}),
    "an algorithm of another type": jwks(RSA | {"alg": "HS256"}),
    "an encryption algorithm": jwks(RSA | {"alg": "RSA-OAEP"}),
    "key id a number": jwks(RSA | {"kid": 1}),
    "key id of 257 characters": jwks(RSA | {"kid": "k" * 257}),
    "curve secp256k1": jwks(jwk("ES256") | {"crv": "secp256k1"}),
    "curve X25519": jwks(jwk("EdDSA") | {"crv": "X25519"}),
    "curve Ed448": jwks(jwk("EdDSA") | {"crv": "Ed448"}),
    "a point off its curve": jwks(jwk("ES256") | {"x": b64(bytes(31) + b"\1")}),
    "a point at infinity": jwks(jwk("ES256") | {"x": b64(bytes(32)), "y": b64(bytes(32))}),
    "an Ed25519 key of 31 bytes": jwks(jwk("EdDSA") | {"x": b64(bytes(31))}),
    "an unknown type": jwks({"kty": "ML-DSA", "kid": "pq"}),
    "no type": jwks({"kid": "k1"}),
}


@pytest.mark.parametrize("document", KEY_SETS.values(), ids=KEY_SETS)
def test_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(document)
