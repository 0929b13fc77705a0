"""Tokens and API keys through the port, with every time an argument."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from lawgate.domain.errors import Code, ConfigurationError, RefusedError, StoreUnavailableError
from lawgate.domain.identity import Principal
from lawgate.identify import api_key
from lawgate.identify.issuer import IssuerPolicy
from lawgate.identify.metadata import discovery_url
from lawgate.idp.fetch import FetchError
from lawgate.idp.identifier import TokenIdentifier
from lawgate.idp.oidc import OidcIssuer
from lawgate.ports import ApiKeyRow, Identifier, Presented
from tests.token_mint import ISSUER, NOW, POLICY, jwk, jwks, token

OTHER = "https://login.fabrikam.example"
KEY = api_key.generate(bytes(range(12)), bytes(range(32)))
ROW = ApiKeyRow(KEY.id, KEY.secret_hash, "billing-batch", "Finance", "bill", (), NOW, NOW + 999)


class Keys(dict[str, ApiKeyRow]):
    """API keys in memory; ``broken`` is a store that cannot be read."""

    broken = False

    def lookup(self, key_id: str) -> ApiKeyRow | None:
        if self.broken:
            raise StoreUnavailableError("the key database is locked")
        return self.get(key_id)


class World:
    """Two issuers, one with RSA keys and one with EC keys, and an identifier that trusts both."""

    def __init__(self) -> None:
        self.jwks = {ISSUER: jwks(jwk("RS256", "k1")), OTHER: jwks(jwk("ES256", "k1"))}
        self.down: set[str] = set()
        self.fetched: list[str] = []
        self.keys = Keys({KEY.id: ROW})
        self.identifier = TokenIdentifier(
            [(replace(POLICY, issuer=issuer), OidcIssuer(issuer, self.fetch)) for issuer in (ISSUER, OTHER)], self.keys
        )

    async def fetch(self, url: str) -> bytes:
        issuer = OTHER if url.startswith(OTHER) else ISSUER
        self.fetched.append(url)
        if issuer in self.down:
            raise FetchError(f"{url} answered 500")
        if url == discovery_url(issuer):
            return json.dumps({"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}).encode()
        return self.jwks[issuer]

    async def identify(self, text: str, now: float = NOW) -> Principal:
        return await self.identifier.identify(Presented(text, "authorization"), now)

    def cached(self, text: str, now: float = NOW) -> Principal | None:
        return self.identifier.cached(Presented(text, "authorization"), now)

    async def refused(self, text: str, now: float = NOW) -> tuple[Code, str | None]:
        with pytest.raises(RefusedError) as caught:
            await self.identify(text, now)
        return caught.value.refusal.code, caught.value.refusal.detail


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_the_issuer_in_the_token_picks_whose_keys_verify_it() -> None:
    async def story() -> None:
        world = World()
        assert (await world.identify(token())).issuer == ISSUER
        assert (await world.identify(token("ES256", claims={"iss": OTHER}))).issuer == OTHER
        # Signed by one issuer in the name of the other.
        assert (await world.refused(token("RS256", claims={"iss": OTHER})))[0] is Code.CREDENTIAL_INVALID
        assert await world.refused(token(claims={"iss": "https://login.evil.example"})) == (
            Code.CREDENTIAL_INVALID,
            "'iss' is not a configured issuer",
        )
        assert not any("evil" in url for url in world.fetched)

    run(story())


def test_a_verified_token_is_known_at_once_and_a_bad_one_never() -> None:
    async def story() -> None:
        world = World()
        good, bad = token(), token(index=1)
        assert world.cached(good) is None
        principal = await world.identify(good)
        assert world.cached(good, NOW + 299) is principal
        await world.refused(bad)
        assert world.cached(bad) is None

    run(story())


def test_a_token_is_forgotten_when_its_keys_are_due() -> None:
    async def story() -> None:
        world = World()
        await world.identify(token(), NOW)
        text = token(claims={"exp": NOW + 3000})
        await world.identify(text, NOW + 200)
        assert world.cached(text, NOW + 299) is not None
        assert world.cached(text, NOW + 300) is None

    run(story())


def test_while_the_provider_is_down_a_token_is_known_for_half_a_minute() -> None:
    async def story() -> None:
        world = World()
        await world.identify(token(), NOW)
        world.down.add(ISSUER)
        text = token(claims={"exp": NOW + 3000})
        await world.identify(text, NOW + 1000)
        assert world.cached(text, NOW + 1029) is not None
        assert world.cached(text, NOW + 1030) is None

    run(story())


def test_a_rotated_key_is_fetched_when_a_token_names_it() -> None:
    async def story() -> None:
        world = World()
        await world.identify(token())
        world.jwks[ISSUER] = jwks(jwk("RS256", "k1"), jwk("ES256", "k2"))
        assert (await world.identify(token("ES256", {"kid": "k2"}), NOW + 1)).subject == "u-4711"
        assert world.fetched.count(f"{ISSUER}/jwks") == 2

    run(story())


def test_a_withdrawn_key_takes_its_tokens_along() -> None:
    async def story() -> None:
        world = World()
        old, other = token(), token("ES256", claims={"iss": OTHER})
        await world.identify(old)
        await world.identify(other)
        world.jwks[ISSUER] = jwks(jwk("RS256", "k2", 1))
        await world.identify(token("RS256", {"kid": "k2"}, index=1), NOW + 1)
        assert world.cached(old, NOW + 1) is None
        assert world.cached(other, NOW + 1) is not None
        assert (await world.refused(old, NOW + 2))[0] is Code.CREDENTIAL_INVALID

    run(story())


def test_tokens_with_made_up_key_ids_cause_one_fetch() -> None:
    async def story() -> None:
        world = World()
        await world.identify(token())
        for number in range(100):
            assert (await world.refused(token(header={"kid": f"x{number}"}), NOW + 1))[0] is Code.CREDENTIAL_INVALID
        assert world.fetched.count(f"{ISSUER}/jwks") == 2

    run(story())


def test_one_provider_that_is_down_leaves_the_other() -> None:
    async def story() -> None:
        world = World()
        world.down.add(ISSUER)
        assert await world.identifier.prefetch(NOW) == {ISSUER: f"{discovery_url(ISSUER)} answered 500"}
        assert (await world.refused(token()))[0] is Code.IDENTITY_UNAVAILABLE
        assert (await world.identify(token("ES256", claims={"iss": OTHER}))).issuer == OTHER
        world.down.clear()
        assert await world.identifier.prefetch(NOW + 5) == {}
        await world.identifier.aclose()

    run(story())


def test_an_api_key_is_looked_up_every_time() -> None:
    async def story() -> None:
        world = World()
        assert (await world.identify(KEY.text)).purpose == "bill"
        assert world.cached(KEY.text) is not None
        world.keys[KEY.id] = replace(ROW, revoked_at=NOW)
        assert world.cached(KEY.text) is None
        assert await world.refused(KEY.text) == (Code.CREDENTIAL_INVALID, "the API key is revoked")
        world.keys[KEY.id] = ROW
        assert await world.refused(KEY.text, NOW + 999) == (Code.CREDENTIAL_EXPIRED, "the API key has expired")
        assert world.fetched == []

    run(story())


def test_a_store_that_cannot_be_read_is_no_reason_to_trust_a_key() -> None:
    async def story() -> None:
        world = World()
        world.keys.broken = True
        assert world.cached(KEY.text) is None
        assert (await world.refused(KEY.text))[0] is Code.IDENTITY_UNAVAILABLE

    run(story())


def test_an_opaque_token_is_refused() -> None:
    async def story() -> None:
        world = World()
        assert await world.refused("gho_16C7e42F292c6912E7710c838347Ae178B4a") == (
            Code.CREDENTIAL_INVALID,
            "not three segments",
        )
        assert world.fetched == []

    run(story())


def test_an_issuer_twice_or_with_anothers_keys_is_a_configuration_error() -> None:
    world = World()
    source = OidcIssuer(ISSUER, world.fetch)
    with pytest.raises(ConfigurationError, match="twice"):
        TokenIdentifier([(POLICY, source), (POLICY, source)], world.keys)
    with pytest.raises(ConfigurationError, match="keys of"):
        TokenIdentifier([(IssuerPolicy(OTHER, ("lawgate",)), source)], world.keys)


def test_it_is_an_identifier() -> None:
    port: Identifier = World().identifier
    assert port.cached(Presented("x", "api-key"), NOW) is None
