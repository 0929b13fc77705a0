from dataclasses import replace

import pytest
from joserfc.errors import ExceededSizeError

from lawgate.domain.errors import RefusedError
from lawgate.identify.algorithms import ALGORITHMS
from lawgate.identify.jwt import _REGISTRY, UnknownKeyError, parse_token, verify_access_token
from tests.token_mint import ABSENT, ISSUER, NOW, POLICY, jwk, key_set, token

ALL = {"RS256": "r", "ES256": "e2", "ES384": "e3", "ES512": "e5", "EdDSA": "o"}
KEYS = key_set(*(jwk(alg, kid) for alg, kid in ALL.items()))
KIDS = {alg: ALL.get(alg, "o" if alg == "Ed25519" else "r") for alg in sorted(ALGORITHMS)}


@pytest.mark.parametrize(("alg", "kid"), KIDS.items())
def test_each_algorithm_verifies(alg: str, kid: str) -> None:
    assert verify_access_token(token(alg, {"kid": kid}), KEYS, POLICY, NOW).subject == "u-4711"


@pytest.mark.parametrize(("alg", "kid"), KIDS.items())
def test_each_algorithm_needs_the_right_key(alg: str, kid: str) -> None:
    with pytest.raises(RefusedError) as caught:
        verify_access_token(token(alg, {"kid": kid}, index=1), KEYS, POLICY, NOW)
    assert caught.value.refusal.detail == "the signature, or a header member, is not valid"


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_is_compared_as_a_media_type(kind: str) -> None:
    assert verify_access_token(token(header={"typ": kind, "kid": "r"}), KEYS, POLICY, NOW).subject == "u-4711"


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("JWT", True),
        (ABSENT, True),
        ("at+jwt", True),
        ("logout+jwt", False),
        ("dpop+jwt", False),
        ("secevent+jwt", False),
    ],
)
def test_an_issuer_may_be_let_off_the_type(kind: object, *, passes: bool) -> None:
    policy = replace(POLICY, require_at_jwt=False)
    text = token(header={"typ": kind, "kid": "r"})
    if passes:
        assert verify_access_token(text, KEYS, policy, NOW).subject == "u-4711"
    else:
        with pytest.raises(RefusedError):
            verify_access_token(text, KEYS, policy, NOW)


def test_an_issuer_may_be_held_to_some_algorithms() -> None:
    policy = replace(POLICY, algorithms=frozenset({"ES256"}))
    assert verify_access_token(token("ES256", {"kid": "e2"}), KEYS, policy, NOW).subject == "u-4711"
    with pytest.raises(RefusedError):
        verify_access_token(token("RS256", {"kid": "r"}), KEYS, policy, NOW)


def test_a_key_id_that_the_set_has_not_asks_for_a_newer_set() -> None:
    for header in ({"kid": "new"}, {"kid": ABSENT}):
        with pytest.raises(UnknownKeyError):
            verify_access_token(token(header=header), key_set(jwk("ES256", "e2")), POLICY, NOW)


def test_the_issuer_is_read_before_it_is_true_and_the_text_is_hidden() -> None:
    text = token()
    unverified = parse_token(text)
    assert unverified.issuer == ISSUER
    assert text not in repr(unverified)
    assert parse_token(token(claims={"iss": 7})).issuer == ""


def test_an_rsa_signature_of_8192_bits_is_within_the_bounds_and_no_longer_one_is() -> None:
    # Making such a key takes seconds, so the bound that joserfc is given is asked directly.
    _REGISTRY.validate_signature_size(b"A" * 1366)
    with pytest.raises(ExceededSizeError):
        _REGISTRY.validate_signature_size(b"A" * 1367)


def test_a_long_header_is_taken() -> None:
    assert verify_access_token(token(header={"kid": "r", "x5c": ["M" * 2000]}), KEYS, POLICY, NOW).subject == "u-4711"
