"""The gateway's answer to "who asks": several token issuers and API keys behind one port.

Rule 1: the unverified ``iss`` picks among the configured issuers, and nothing else.
Rule 2: an API key's row is looked up on every request, so that revoking a key takes effect at once.
Rule 3: a verified token is remembered until its keys are due for renewal, so that a key which the
provider withdraws stops working when the new set arrives, and never later than a renewal interval
plus one fetch. While the provider is down, for ``STALE_KEYS_CACHE_S`` at a time.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from lawgate.domain.errors import Code, ConfigurationError, RefusedError, StoreUnavailableError, refuse
from lawgate.domain.identity import Principal
from lawgate.identify import api_key
from lawgate.identify.cache import TokenCache
from lawgate.identify.claims import principal_from
from lawgate.identify.issuer import IssuerPolicy
from lawgate.identify.jwt import UnknownKeyError, parse_token, verified_claims
from lawgate.idp.oidc import OidcIssuer
from lawgate.ports import ApiKeyLookup, Presented

STALE_KEYS_CACHE_S: Final = 30

_UNKNOWN_ISSUER: Final = "The access token is not valid here; obtain a new one for this gateway and try again."
_NO_KEYS: Final = "API keys cannot be checked just now; try again shortly."


class TokenIdentifier:
    """Implements ``ports.Identifier``. A new configuration makes a new one, with an empty cache.

    The ``OidcIssuer`` of an unchanged provider may be handed to the new identifier, which spares a
    fetch and an outage if the provider is down just then.
    """

    def __init__(
        self,
        issuers: Sequence[tuple[IssuerPolicy, OidcIssuer]],
        api_keys: ApiKeyLookup,
        cache: TokenCache | None = None,
    ) -> None:
        self._cache: Final = TokenCache() if cache is None else cache
        self._api_keys: Final = api_keys
        self._issuers: Final = {policy.issuer: (policy, source) for policy, source in issuers}
        if len(self._issuers) != len(issuers):
            raise ConfigurationError("an issuer is configured twice; merge its entries")
        for policy, source in issuers:
            if source.issuer != policy.issuer:
                raise ConfigurationError(f"issuer {policy.issuer} was given the keys of {source.issuer}")
            source.on_withdrawal = self._cache.drop

    def cached(self, presented: Presented, now: float) -> Principal | None:
        """Return the principal without waiting, or ``None``: then ``identify`` decides, or says why not."""
        token = presented.token
        if not api_key.is_api_key(token):
            return self._cache.get(token, now)
        try:
            return self._by_api_key(token, now)
        except RefusedError:
            return None

    async def identify(self, presented: Presented, now: float) -> Principal:
        """Verify in full; may fetch keys. Raises ``RefusedError``."""
        token = presented.token
        if api_key.is_api_key(token):
            return self._by_api_key(token, now)
        return await self._by_token(token, now)

    async def prefetch(self, now: float) -> dict[str, str]:
        """Fetch every issuer's keys; return a sentence for each that has none, by issuer."""
        sources = [source for _, source in self._issuers.values()]
        await asyncio.gather(*(_tried(source, now) for source in sources))
        return {source.issuer: source.failure or "no keys yet" for source in sources if not source.usable(now)}

    async def aclose(self) -> None:
        """End the fetches under way."""
        for _, source in self._issuers.values():
            await source.aclose()

    def _by_api_key(self, token: str, now: float) -> Principal:
        key = api_key.parse(token)
        try:
            row = self._api_keys.lookup(key.id)
        except StoreUnavailableError as error:
            raise refuse(Code.IDENTITY_UNAVAILABLE, _NO_KEYS, detail=str(error)) from None
        return api_key.verify(row, key, now)

    async def _by_token(self, token: str, now: float) -> Principal:
        unverified = parse_token(token)
        trusted = self._issuers.get(unverified.issuer)
        if trusted is None:
            raise refuse(Code.CREDENTIAL_INVALID, _UNKNOWN_ISSUER, detail="'iss' is not a configured issuer")
        policy, source = trusted
        keys = await source.current(now)
        try:
            claims = verified_claims(unverified, keys, policy)
        except UnknownKeyError:
            claims = verified_claims(unverified, await source.after_unknown_key(now), policy)
        principal = principal_from(claims, policy, now)
        self._cache.put(token, principal, max(source.fresh_until, now + STALE_KEYS_CACHE_S), now)
        return principal


async def _tried(source: OidcIssuer, now: float) -> None:
    with suppress(RefusedError):  # the source says itself what failed
        await source.current(now)
