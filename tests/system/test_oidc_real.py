"""Tokens of a real provider through discovery, its key set and the verifier; nothing stands in for anything."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jwt as pyjwt
import pytest

from lawgate.domain.errors import Code, RefusedError
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify.issuer import IssuerPolicy, parse_claim_path
from lawgate.idp.fetch import HttpFetch
from lawgate.idp.identifier import TokenIdentifier
from lawgate.idp.oidc import REFRESH_S, STALE_S_MAX, UNKNOWN_KEY_COOLDOWN_S, OidcIssuer
from lawgate.ports import ApiKeyRow, Presented
from tests.system.oidc_provider import OidcProvider, running_provider


class NoApiKeys:
    """An installation that has given out no API key."""

    def lookup(self, key_id: str) -> ApiKeyRow | None:
        assert not key_id.startswith("lgk_")
        return None


@dataclass
class Gateway:
    """The identifier as the gateway would hold it, with its clock moved by hand."""

    provider: OidcProvider
    groups: str = "groups"
    ahead_s: float = 0.0

    def __post_init__(self) -> None:
        policy = IssuerPolicy(self.provider.issuer, ("lawgate",), parse_claim_path(self.groups))
        self.policy = replace(policy, lifetime_s_max=2 * 86_400)
        self.identifier = TokenIdentifier([(self.policy, OidcIssuer(policy.issuer, HttpFetch()))], NoApiKeys())

    def now(self) -> float:
        return time.time() + self.ahead_s

    async def identify(self, token: str) -> Principal:
        return await self.identifier.identify(Presented(token, "authorization"), self.now())

    def cached(self, token: str) -> Principal | None:
        return self.identifier.cached(Presented(token, "authorization"), self.now())

    async def refused(self, token: str) -> Code:
        with pytest.raises(RefusedError) as caught:
            await self.identify(token)
        return caught.value.refusal.code


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with running_provider(lifetime_s=86_400) as running:
        yield running


def test_a_client_credentials_token_is_a_principal(provider: OidcProvider) -> None:
    async def story() -> None:
        gateway = Gateway(provider)
        token = provider.token("support-desk")
        principal = await gateway.identify(token)
        assert principal == Principal(
            issuer=provider.issuer,
            subject="support-desk",
            credential=CredentialKind.OIDC,
            groups=("support",),
            expires_at=principal.expires_at,
            client="support-desk",
        )
        assert 86_000 < principal.expires_at - gateway.now() <= 86_400
        assert gateway.cached(token) is principal

    run(story())


def test_pyjwt_agrees_about_a_real_token(provider: OidcProvider) -> None:
    token = provider.token("claims-desk")
    client = pyjwt.PyJWKClient(f"{provider.issuer}/jwks")
    key = client.get_signing_key_from_jwt(token)
    claims = pyjwt.decode(token, key, algorithms=["RS256"], audience="lawgate", issuer=provider.issuer)
    assert claims["groups"] == ["claims", "support"]


@pytest.mark.parametrize(
    ("client", "path", "groups"),
    [
        ("support-desk", "groups", ("support",)),
        ("claims-desk", "groups", ("claims", "support")),
        ("claims-desk", "realm_access.roles", ("claims",)),
        ("no-groups", "groups", ()),
        ("unknown-groups", "groups", None),
        ("many-groups", "groups", None),
    ],
)
def test_groups_are_read_from_where_the_provider_puts_them(
    provider: OidcProvider, client: str, path: str, groups: tuple[str, ...] | None
) -> None:
    async def story() -> None:
        assert (await Gateway(provider, path).identify(provider.token(client))).groups == groups

    run(story())


def test_a_token_for_another_resource_is_refused(provider: OidcProvider) -> None:
    async def story() -> None:
        assert await Gateway(provider).refused(provider.token("support-desk", "urn:billing")) is Code.CREDENTIAL_INVALID

    run(story())


def test_an_expired_token_is_told_so(provider: OidcProvider) -> None:
    async def story() -> None:
        gateway = Gateway(provider)
        token = provider.token("support-desk")
        await gateway.identify(token)
        gateway.ahead_s = 86_400 + 31
        assert gateway.cached(token) is None
        assert await gateway.refused(token) is Code.CREDENTIAL_EXPIRED

    run(story())


def test_an_altered_token_is_refused(provider: OidcProvider) -> None:
    async def story() -> None:
        head, body, signature = provider.token("support-desk").split(".")
        other = provider.token("claims-desk").split(".")[1]
        gateway = Gateway(provider)
        assert await gateway.refused(f"{head}.{other}.{signature}") is Code.CREDENTIAL_INVALID
        assert await gateway.refused(f"{head}.{body}.") is Code.CREDENTIAL_INVALID

    run(story())


def test_an_elliptic_curve_provider_works_the_same() -> None:
    async def story() -> None:
        with running_provider("ES256") as provider:
            assert (await Gateway(provider).identify(provider.token("support-desk"))).groups == ("support",)

    run(story())


def test_rotation_withdrawal_and_an_outage() -> None:
    async def story() -> None:
        with running_provider(lifetime_s=86_400) as provider:
            gateway = Gateway(provider)
            first = provider.token("support-desk")
            await gateway.identify(first)

            # A new key, the old one still published: the new token makes the gateway ask once.
            provider.rotate(keep=True)
            second = provider.token("support-desk")
            assert (await gateway.identify(second)).subject == "support-desk"
            assert gateway.cached(first) is not None

            # Another new key within the cooldown: unknown until it is over, then the withdrawn ones are gone.
            provider.rotate(keep=False)
            third = provider.token("support-desk")
            assert await gateway.refused(third) is Code.CREDENTIAL_INVALID
            gateway.ahead_s += UNKNOWN_KEY_COOLDOWN_S
            assert (await gateway.identify(third)).subject == "support-desk"
            assert gateway.cached(first) is None
            assert await gateway.refused(first) is Code.CREDENTIAL_INVALID

            # The provider is down: its keys serve on, to a cap, and then nobody is let in.
            provider.down()
            gateway.ahead_s += REFRESH_S + 1
            assert (await gateway.identify(third)).subject == "support-desk"
            gateway.ahead_s += STALE_S_MAX
            assert gateway.cached(third) is None
            assert await gateway.refused(third) is Code.IDENTITY_UNAVAILABLE
            provider.down(False)
            gateway.ahead_s += 5
            assert (await gateway.identify(third)).subject == "support-desk"

    run(story())


def test_a_provider_that_calls_itself_otherwise_is_not_trusted(provider: OidcProvider) -> None:
    async def story() -> None:
        # The same server by another name: its document says 127.0.0.1, the configuration localhost.
        issuer = OidcIssuer(provider.issuer.replace("127.0.0.1", "localhost"), HttpFetch())
        with pytest.raises(RefusedError) as caught:
            await issuer.current(time.time())
        assert caught.value.refusal.detail == "the discovery document names another issuer than the configured one"

    run(story())
