"""The keys of one OpenID Connect provider, kept fresh.

Rule 1: keys are used as they are for ``REFRESH_S``. Then they are used once more while new ones are
fetched behind the request, until ``STALE_S_MAX``; from then on the provider's tokens are refused with
``identity_unavailable`` (law 3).
Rule 2: one fetch at a time, whoever waits for it; a caller that leaves does not end it.
Rule 3: a token with an unknown ``kid`` makes us ask once, then not again for ``UNKNOWN_KEY_COOLDOWN_S``:
strangers choose the ``kid`` and must not choose our traffic. A failed fetch is tried again after ``RETRY_S``.
Rule 4: each fetch walks both documents, discovery then keys, so a provider may move its keys.
Rule 5: a document that fails its checks changes nothing: the old keys live on until they are stale.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from lawgate.domain.errors import Code, LawgateError, RefusedError, refuse
from lawgate.identify.keys import KeySet, parse_key_set
from lawgate.identify.metadata import discovery_url, jwks_uri_from, require_issuer_url
from lawgate.idp.fetch import Fetch

REFRESH_S: Final = 300
STALE_S_MAX: Final = 3600
UNKNOWN_KEY_COOLDOWN_S: Final = 30
RETRY_S: Final = 5

_NEVER: Final = float("-inf")
_UNAVAILABLE: Final = "The identity provider's keys cannot be had just now; try again shortly."


class OidcIssuer:
    """One provider: its keys by discovery, or at ``jwks_uri`` where it publishes no discovery document.

    ``on_withdrawal`` is called with the issuer when new keys no longer hold one that was trusted.
    Times (``now``) are in seconds since the epoch. An instance belongs to one event loop.
    """

    def __init__(self, issuer: str, fetch: Fetch, *, allow_http: bool = False, jwks_uri: str | None = None) -> None:
        require_issuer_url(issuer)
        self.issuer: Final = issuer
        self.on_withdrawal: Callable[[str], None] | None = None
        self._fetch = fetch
        self._allow_http = allow_http
        self._jwks_uri = jwks_uri
        self._keys: KeySet | None = None
        self._fetched_at = _NEVER
        self._tried_at = _NEVER
        self._asked_for_unknown_at = _NEVER
        self._under_way: asyncio.Task[None] | None = None
        self._failure: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the last fetch brought no keys, in one sentence for operators; ``None`` when it did."""
        return self._failure

    @property
    def fresh_until(self) -> float:
        """When the keys in use are due for renewal."""
        return self._fetched_at + REFRESH_S

    def usable(self, now: float) -> bool:
        """Whether there are keys that are not stale."""
        return self._keys is not None and self._age_s(now) < STALE_S_MAX

    async def current(self, now: float) -> KeySet:
        """Return the keys to verify with; raises ``RefusedError`` (``identity_unavailable``)."""
        due = self._age_s(now) >= REFRESH_S
        if due and (self._under_way is not None or _apart_s(now, self._tried_at) >= RETRY_S):
            fetching = self._fetching(now)
            if not self.usable(now):
                await asyncio.shield(fetching)
        return self._usable_keys(now)

    async def after_unknown_key(self, now: float) -> KeySet:
        """Return the keys after asking the provider once more, unless that was done a moment ago.

        Raises ``RefusedError`` (``identity_unavailable``) if the provider does not answer: the key may be
        good, and nobody can know.
        """
        if self._under_way is None and _apart_s(now, self._asked_for_unknown_at) >= UNKNOWN_KEY_COOLDOWN_S:
            self._asked_for_unknown_at = now
            self._fetching(now)
        if self._under_way is not None:
            await asyncio.shield(self._under_way)
        if self._failure is not None:
            raise self._unavailable()
        return self._usable_keys(now)

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way})

    def _usable_keys(self, now: float) -> KeySet:
        if self._keys is None or not self.usable(now):
            raise self._unavailable()
        return self._keys

    def _age_s(self, now: float) -> float:
        return _apart_s(now, self._fetched_at)

    def _fetching(self, now: float) -> "asyncio.Task[None]":
        if self._under_way is None:
            self._tried_at = now
            self._under_way = asyncio.get_running_loop().create_task(self._renew(now))
        return self._under_way

    async def _renew(self, now: float) -> None:
        try:
            keys = await self._fetched_keys()
        except LawgateError as error:
            self._failure = str(error)
        else:
            self._accept(keys, now)
        finally:
            self._under_way = None

    async def _fetched_keys(self) -> KeySet:
        uri = self._jwks_uri
        if uri is None:
            document = await self._fetch(discovery_url(self.issuer))
            uri = jwks_uri_from(document, self.issuer, allow_http=self._allow_http)
        return parse_key_set(await self._fetch(uri))

    def _accept(self, keys: KeySet, now: float) -> None:
        withdrawn = self._keys is not None and self._keys.lost(keys)
        self._keys = keys
        self._fetched_at = now
        self._failure = None
        if withdrawn and self.on_withdrawal is not None:
            self.on_withdrawal(self.issuer)

    def _unavailable(self) -> RefusedError:
        return refuse(Code.IDENTITY_UNAVAILABLE, _UNAVAILABLE, detail=self._failure)


def _apart_s(now: float, then: float) -> float:
    """Seconds between two times, whichever is first: a clock that was set back makes keys old, not young."""
    return abs(now - then)
