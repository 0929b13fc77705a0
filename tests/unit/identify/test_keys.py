import pytest

from lawgate.identify.algorithms import ALGORITHMS
from lawgate.identify.keys import KeySetError, parse_key_set
from tests.token_mint import ABSENT, jwk, jwks, key_set, number


def test_every_family_is_read_with_the_algorithms_it_may_verify() -> None:
    keys = key_set(*(jwk(alg, alg) for alg in ("RS256", "ES256", "ES384", "ES512", "EdDSA")))
    assert frozenset().union(*(key.algorithms for key in keys.keys)) == ALGORITHMS
    assert [key.kid for key in keys.fitting(None, "PS512")] == ["RS256"]
    assert [key.kid for key in keys.fitting("ES384", "ES384")] == ["ES384"]
    assert keys.fitting("ES384", "ES256") == ()


def test_no_algorithm_is_symmetric_or_none() -> None:
    assert not any(name.startswith("HS") or name == "none" for name in ALGORITHMS)


def test_a_key_that_names_its_algorithm_verifies_that_one_only() -> None:
    keys = key_set(jwk("RS256", alg="RS256"))
    assert keys.fitting("k1", "RS256")
    assert not keys.fitting("k1", "PS256")


def test_keys_without_use_and_id_are_usable() -> None:
    assert key_set(jwk("RS256", ABSENT, use=ABSENT)).fitting(None, "RS256")
    assert key_set(jwk(use=ABSENT, key_ops=["verify"])).fitting("k1", "RS256")


def test_keys_that_cannot_verify_are_left_out_with_a_reason() -> None:
    keys = key_set(jwk(), jwk("RS256", "enc", use="enc"), {"kty": "ML-DSA", "kid": "pq"}, {"kty": "RSA", "kid": 7})
    assert [key.kid for key in keys.keys] == ["k1"]
    assert dict(keys.unusable) == {
        "enc": "'use' is not 'sig'",
        "pq": "'kty' or 'crv' is not one that verifies here",
        "": "'kid' is not a string of 1 to 256 characters",
    }
    assert keys.knows("enc")
    assert not keys.knows("k9")


def test_a_set_without_a_usable_key_says_why() -> None:
    with pytest.raises(KeySetError, match="RSA modulus of 1024 bits"):
        parse_key_set(jwks(jwk(n=number((1 << 1023) + 1))))


def test_a_withdrawn_key_is_noticed_and_an_added_one_is_no_loss() -> None:
    one, two = jwk("RS256", "k1"), jwk("ES256", "k2")
    assert key_set(one, two).lost(key_set(one))
    assert not key_set(one).lost(key_set(one, two))
    assert not key_set(one).lost(key_set(one | {"kid": "renamed"}))
    assert key_set(one).lost(key_set(jwk("RS256", "k1", 1)))


def test_repr_shows_no_key_material() -> None:
    assert str(jwk()["n"]) not in repr(key_set())
