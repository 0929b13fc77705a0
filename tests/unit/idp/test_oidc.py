"""One provider's keys over time; every row of time is an argument."""

import asyncio
import json

import pytest

from lawgate.domain.errors import Code, ConfigurationError, RefusedError
from lawgate.identify.keys import KeySet
from lawgate.identify.metadata import discovery_url
from lawgate.idp.fetch import FetchError
from lawgate.idp.oidc import OidcIssuer
from tests.token_mint import ISSUER, NOW, jwk, jwks

JWKS_URI = "https://keys.northwind.example/jwks"


class Provider:
    """Documents by address; ``down`` and ``gate`` make it fail or wait."""

    def __init__(self) -> None:
        self.documents = {
            discovery_url(ISSUER): json.dumps({"issuer": ISSUER, "jwks_uri": JWKS_URI}).encode(),
            JWKS_URI: jwks(jwk("RS256", "k1")),
        }
        self.fetched: list[str] = []
        self.down = False
        self.gate: asyncio.Event | None = None

    async def __call__(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise FetchError(f"{url} answered 500")
        return self.documents[url]

    @property
    def rounds(self) -> int:
        return self.fetched.count(JWKS_URI) if not self.down else len(self.fetched)


def kids(keys: KeySet) -> list[str | None]:
    return [key.kid for key in keys.keys]


async def settled(issuer: OidcIssuer) -> None:
    """Let a fetch that nobody waits for come to its end."""
    if issuer._under_way is not None:
        await asyncio.wait({issuer._under_way}, timeout=5)


async def unavailable(issuer: OidcIssuer, now: float) -> str | None:
    with pytest.raises(RefusedError) as caught:
        await issuer.current(now)
    assert caught.value.refusal.code is Code.IDENTITY_UNAVAILABLE
    assert caught.value.refusal.retry_after_s is not None
    return caught.value.refusal.detail


def test_keys_are_found_by_discovery_and_kept_for_five_minutes() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        assert not issuer.usable(NOW)
        assert kids(await issuer.current(NOW)) == ["k1"]
        assert kids(await issuer.current(NOW + 299)) == ["k1"]
        assert provider.fetched == [discovery_url(ISSUER), JWKS_URI]
        assert issuer.fresh_until == NOW + 300

    asyncio.run(run())


def test_a_provider_without_discovery_has_its_keys_where_the_configuration_says() -> None:
    async def run() -> None:
        provider = Provider()
        await OidcIssuer(ISSUER, provider, jwks_uri=JWKS_URI).current(NOW)
        assert provider.fetched == [JWKS_URI]

    asyncio.run(run())


def test_keys_that_are_due_are_renewed_behind_the_request() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.documents[JWKS_URI] = jwks(jwk("ES256", "k2"))
        assert kids(await issuer.current(NOW + 300)) == ["k1"]
        await settled(issuer)
        assert kids(await issuer.current(NOW + 300)) == ["k2"]

    asyncio.run(run())


def test_many_callers_share_one_fetch() -> None:
    async def run() -> None:
        provider = Provider()
        provider.gate = asyncio.Event()
        issuer = OidcIssuer(ISSUER, provider)
        callers = [asyncio.create_task(issuer.current(NOW + number / 1000)) for number in range(50)]
        await asyncio.sleep(0)
        callers[0].cancel()  # whoever started it may leave
        provider.gate.set()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert all(isinstance(answer, KeySet) for answer in answers[1:])
        assert provider.rounds == 1

    asyncio.run(run())


def test_while_the_provider_is_down_keys_serve_for_an_hour_and_no_longer() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.down = True
        assert kids(await issuer.current(NOW + 3599)) == ["k1"]
        await settled(issuer)
        assert issuer.failure == f"{discovery_url(ISSUER)} answered 500"
        assert await unavailable(issuer, NOW + 3600) == issuer.failure
        provider.down = False
        assert kids(await issuer.current(NOW + 3605)) == ["k1"]
        assert issuer.failure is None

    asyncio.run(run())


def test_a_provider_that_is_down_is_asked_every_five_seconds_at_most() -> None:
    async def run() -> None:
        provider = Provider()
        provider.down = True
        issuer = OidcIssuer(ISSUER, provider)
        for tenth in range(100):
            await unavailable(issuer, NOW + tenth / 10)
        assert len(provider.fetched) == 2

    asyncio.run(run())


def test_an_unknown_key_asks_once_in_thirty_seconds() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.documents[JWKS_URI] = jwks(jwk("RS256", "k1"), jwk("ES256", "k2"))
        assert kids(await issuer.after_unknown_key(NOW + 1)) == ["k1", "k2"]
        assert provider.rounds == 2
        for second in range(2, 31):
            await issuer.after_unknown_key(NOW + second)
        assert provider.rounds == 2
        await issuer.after_unknown_key(NOW + 31)
        assert provider.rounds == 3

    asyncio.run(run())


def test_many_unknown_keys_at_once_are_one_fetch() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        await asyncio.gather(*(issuer.after_unknown_key(NOW + 1) for _ in range(50)))
        assert provider.rounds == 2

    asyncio.run(run())


def test_an_unknown_key_while_the_provider_is_down_is_nobodys_fault() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.down = True
        for now in (NOW + 1, NOW + 2):
            with pytest.raises(RefusedError) as caught:
                await issuer.after_unknown_key(now)
            assert caught.value.refusal.code is Code.IDENTITY_UNAVAILABLE
        assert kids(await issuer.current(NOW + 3)) == ["k1"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "document", "fault"),
    [
        (discovery_url(ISSUER), b'{"issuer": "https://login.evil.example", "jwks_uri": "x"}', "another issuer"),
        (discovery_url(ISSUER), b"<html>", "discovery document"),
        (JWKS_URI, b'{"keys": []}', "no key"),
        (JWKS_URI, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "symmetric"),
        (JWKS_URI, b"null", "JWK Set"),
    ],
)
def test_a_document_that_fails_its_checks_changes_nothing(address: str, document: bytes, fault: str) -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.documents[address] = document
        await issuer.current(NOW + 300)
        await settled(issuer)
        assert fault in str(issuer.failure)
        assert kids(await issuer.current(NOW + 301)) == ["k1"]

    asyncio.run(run())


def test_a_withdrawn_key_is_announced_and_an_added_one_is_not() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        heard: list[str] = []
        issuer.on_withdrawal = heard.append
        await issuer.current(NOW)
        provider.documents[JWKS_URI] = jwks(jwk("RS256", "k1"), jwk("ES256", "k2"))
        await issuer.after_unknown_key(NOW + 1)
        assert heard == []
        provider.documents[JWKS_URI] = jwks(jwk("ES256", "k2"))
        await issuer.after_unknown_key(NOW + 40)
        assert heard == [ISSUER]

    asyncio.run(run())


def test_a_clock_that_was_set_back_makes_keys_old_not_young() -> None:
    async def run() -> None:
        provider = Provider()
        issuer = OidcIssuer(ISSUER, provider)
        await issuer.current(NOW)
        provider.documents[JWKS_URI] = jwks(jwk("ES256", "k2"))
        assert kids(await issuer.current(NOW - 7200)) == ["k2"]

    asyncio.run(run())


def test_closing_ends_a_fetch_that_hangs() -> None:
    async def run() -> None:
        provider = Provider()
        provider.gate = asyncio.Event()
        issuer = OidcIssuer(ISSUER, provider)
        caller = asyncio.create_task(issuer.current(NOW))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await issuer.aclose()
        await asyncio.wait({caller}, timeout=1)
        assert caller.cancelled()
        await issuer.aclose()

    asyncio.run(run())


def test_what_is_no_issuer_cannot_be_asked() -> None:
    with pytest.raises(ConfigurationError):
        OidcIssuer("northwind", Provider())
