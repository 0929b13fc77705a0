"""What holds for every token, key set and key, with PyJWT as a second opinion."""

import json

import jwt as pyjwt
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lawgate.domain.errors import RefusedError
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify import api_key
from lawgate.identify.cache import LIFETIME_S_MAX, TokenCache
from lawgate.identify.issuer import CLAIM_PATH_SEGMENTS_MAX, parse_claim_path
from lawgate.identify.jwt import parse_token, verified_claims, verify_access_token
from lawgate.identify.keys import KeySetError, parse_key_set
from tests.token_mint import (
    ABSENT,
    AUDIENCE,
    ISSUER,
    NOW,
    POLICY,
    claims_of,
    compact,
    header_of,
    jwk,
    key_set,
    token,
)

JWKS = {"RS256": jwk("RS256", "r"), "ES256": jwk("ES256", "e"), "EdDSA": jwk("EdDSA", "o")}
KIDS = {"RS256": "r", "PS256": "r", "RS512": "r", "ES256": "e", "EdDSA": "o"}
KEYS = key_set(*JWKS.values())

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
TIMES = st.integers(NOW - 90_000, NOW + 90_000) | st.floats(NOW - 100, NOW + 100)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from([ISSUER, ISSUER + "/"]) | JSON,
        "aud": st.sampled_from([AUDIENCE, [AUDIENCE], ["x", AUDIENCE]]) | JSON,
        "sub": st.text(max_size=8) | JSON,
        "exp": TIMES | JSON,
        "iat": TIMES | JSON,
        "nbf": TIMES | JSON,
        "jti": JSON,
        "client_id": st.sampled_from(["a", "b"]) | JSON,
        "azp": st.sampled_from(["a", "b"]) | JSON,
        "groups": st.lists(st.text(max_size=4), max_size=4) | JSON,
        "extra": JSON,
    },
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "aud": st.sampled_from([AUDIENCE, [AUDIENCE], ["x", AUDIENCE]]),
        "sub": st.text("abc-|@ é漢", min_size=1, max_size=8),
        "exp": st.integers(NOW - 20, NOW + 80_000) | st.floats(NOW, NOW + 100),
        "nbf": st.integers(NOW - 90_000, NOW + 30),
        "groups": st.lists(st.text("abc /:", min_size=1, max_size=4), max_size=4),
        "extra": JSON,
    },
)
"""Claims that are nearly always good, where a quarrel with PyJWT would be hardest to see."""
GOOD = token(header={"kid": "r"})


def accepted(text: str) -> Principal | None:
    """What the verifier makes of a token; anything but a principal or a refusal fails the test."""
    try:
        return verify_access_token(text, KEYS, POLICY, NOW)
    except RefusedError:
        return None


@settings(max_examples=200, deadline=None)
@given(alg=st.sampled_from(sorted(KIDS)), claims=LIKELY | CLAIMS)
@example(alg="RS256", claims={})
@example(alg="ES256", claims={"groups": "one", "nbf": NOW - 5})
@example(alg="EdDSA", claims={"aud": ["x", AUDIENCE], "exp": NOW + 60.5})
def test_what_we_accept_pyjwt_accepts_with_the_same_claims(alg: str, claims: dict[str, object]) -> None:
    text = token(alg, {"kid": KIDS[alg]}, claims)
    principal = accepted(text)
    if principal is None:
        return
    family = JWKS["RS256" if alg[1] == "S" and alg[0] in "RP" else alg]
    theirs = pyjwt.decode(
        text,
        key=pyjwt.PyJWK(family, algorithm=alg),
        algorithms=[alg],
        audience=AUDIENCE,
        issuer=ISSUER,
        # PyJWT reads the clock itself; the unit tests pin our times.
        options={
            "require": ["exp", "iss", "aud", "sub"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        },
    )
    assert theirs == verified_claims(parse_token(text), KEYS, POLICY)
    assert (theirs["iss"], theirs["sub"], int(theirs["exp"])) == (
        principal.issuer,
        principal.subject,
        principal.expires_at,
    )


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), change=st.text(max_size=2), cut=st.integers(0, 2))
def test_an_altered_token_is_refused(at: int, change: str, cut: int) -> None:
    altered = GOOD[:at] + change + GOOD[at + cut :]
    assume(altered != GOOD)
    assert accepted(altered) is None


@settings(max_examples=150, deadline=None)
@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "x5c", "z"]), JSON), claims=CLAIMS)
def test_any_signed_header_is_taken_or_refused_in_words(header: dict[str, object], claims: dict[str, object]) -> None:
    head = json.dumps(header_of(kid="r") | header).encode()
    principal = accepted(compact(head, json.dumps(claims_of(**claims)).encode()))
    if principal is not None:
        assert header.get("alg", "RS256") == "RS256"
        assert "crit" not in header


@settings(max_examples=200, deadline=None)
@given(text=st.text() | st.builds(lambda *parts: ".".join(parts), st.text(), st.text(), st.text()))
def test_any_text_is_refused_in_words(text: str) -> None:
    assert accepted(text) is None


@settings(max_examples=200, deadline=None)
@given(
    keys=st.lists(
        st.builds(
            lambda good, odd: good | odd,
            st.sampled_from([{}, *JWKS.values()]),
            st.dictionaries(st.sampled_from(["kty", "use", "kid", "alg", "n", "e", "crv", "x", "y", "k", "d"]), JSON),
        )
        | JSON,
        max_size=4,
    )
)
def test_any_key_set_is_refused_or_holds_public_keys_only(keys: list[object]) -> None:
    try:
        parsed = parse_key_set(json.dumps({"keys": keys}).encode())
    except KeySetError:
        return
    assert parsed.keys
    for key in parsed.keys:
        assert not key.jose.is_private
        assert not any(name.startswith("HS") for name in key.algorithms)


@given(document=st.binary(max_size=64))
def test_any_bytes_are_no_key_set(document: bytes) -> None:
    try:
        parse_key_set(document)
    except KeySetError:
        return
    raise AssertionError(document)


NAMES = st.text(min_size=1, max_size=6).filter(lambda name: not name.startswith(("https://", "http://")))


@given(names=st.lists(NAMES, min_size=1, max_size=CLAIM_PATH_SEGMENTS_MAX))
def test_every_claim_can_be_named(names: list[str]) -> None:
    text = ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in names)
    assume(not text.startswith(("https://", "http://")))
    assert parse_claim_path(text) == tuple(names)


@given(
    id_bytes=st.binary(min_size=12, max_size=12),
    secret_bytes=st.binary(min_size=32, max_size=32),
    at=st.integers(0, 65),
    other=st.characters(),
)
def test_an_api_key_survives_its_text_and_no_typing_error_does(
    id_bytes: bytes, secret_bytes: bytes, at: int, other: str
) -> None:
    key = api_key.generate(id_bytes, secret_bytes)
    assert api_key.parse(key.text) == key
    mistyped = key.text[:at] + other + key.text[at + 1 :]
    assume(mistyped != key.text)
    try:
        api_key.parse(mistyped)
    except RefusedError:
        return
    raise AssertionError(mistyped)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "drop"]), st.integers(0, 9), st.integers(0, 400), st.sampled_from(["a", "b"])
    ),
    max_size=60,
)


@given(steps=STEPS, size=st.integers(1, 12))
def test_the_cache_never_says_what_was_not_verified_or_is_over(
    steps: list[tuple[str, int, int, str]], size: int
) -> None:
    cache = TokenCache(size)
    truth: dict[str, tuple[float, Principal]] = {}
    now = float(NOW)
    for verb, number, seconds, issuer in steps:
        now += seconds / 10
        text = f"t{number}"
        if verb == "put":
            principal = Principal(issuer, text, CredentialKind.OIDC, (), NOW + 30 + seconds)
            cache.put(text, principal, now + seconds, now)
            until = min(now + seconds, principal.expires_at, now + LIFETIME_S_MAX)
            if until > now:
                truth[text] = (until, principal)
        elif verb == "drop":
            cache.drop(issuer)
            truth = {key: entry for key, entry in truth.items() if entry[1].issuer != issuer}
        elif (found := cache.get(text, now)) is not None:
            assert now < truth[text][0]
            assert found.subject == text
        assert len(cache) <= max(size, 2)


def test_the_good_token_of_these_properties_is_good() -> None:
    assert accepted(GOOD) is not None
    assert accepted(token("EdDSA", {"kid": "o", "x5c": ABSENT})) is not None
