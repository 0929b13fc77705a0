"""Tokens that verified a short while ago.

Rule 1: a token is never kept, only its SHA-256, which is also what a look-up computes.
Rule 2: only good tokens are kept. Bad ones are verified each time (under 0.1 ms), so that a flood of
them can push no good one out.
Rule 3: an entry lives at most ``LIFETIME_S_MAX`` and never past ``exp``; what must be checked on every
request (an API key's revocation, say) is not cached here at all.
Rule 4: when an issuer withdraws a key or its policy changes, all its entries go at once. Callers put an
entry in the same step as the verification, so none from before such a change can follow it.

Eviction is by two halves: what was used since the young half last filled survives, the rest goes.
That is close to least-recently-used and costs nothing on a hit.
"""

from hashlib import sha256
from typing import Final

from lawgate.domain.identity import Principal

LIFETIME_S_MAX: Final = 300
"""As long as keys are cached (identity-and-policy.md); a group that was taken away lasts no longer than this."""
ENTRIES_MAX: Final = 20_000
"""About 1 kB each with its principal: 20 MB at the very most, 10,000 active callers at the least."""


class TokenCache:
    """Verified principals by the token's hash; bounded, and pure: ``now`` is passed in."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._half = max(1, entries_max // 2)
        self._young: dict[bytes, tuple[float, Principal]] = {}
        self._old: dict[bytes, tuple[float, Principal]] = {}

    def __len__(self) -> int:
        """Entries held, good or expired."""
        return len(self._young) + len(self._old)

    def get(self, token: str, now: float) -> Principal | None:
        """Return the principal of a token that verified less than its lifetime ago."""
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        entry = self._young.get(digest)
        if entry is None:
            entry = self._old.get(digest)
            if entry is None:
                return None
            self._keep(digest, entry)
        if entry[0] <= now:
            self._forget(digest)
            return None
        return entry[1]

    def put(self, token: str, principal: Principal, until: float, now: float) -> None:
        """Remember a verified token until ``until``, its expiry or the longest lifetime, whichever is first."""
        good_until = min(until, principal.expires_at, now + LIFETIME_S_MAX)
        if good_until > now:
            self._keep(sha256(token.encode("utf-8", "surrogatepass")).digest(), (good_until, principal))

    def drop(self, issuer: str) -> None:
        """Forget every token of an issuer."""
        self._young = {key: entry for key, entry in self._young.items() if entry[1].issuer != issuer}
        self._old = {key: entry for key, entry in self._old.items() if entry[1].issuer != issuer}

    def _keep(self, digest: bytes, entry: tuple[float, Principal]) -> None:
        if len(self._young) >= self._half and digest not in self._young:
            self._old = self._young
            self._young = {}
        self._young[digest] = entry
        self._old.pop(digest, None)

    def _forget(self, digest: bytes) -> None:
        self._young.pop(digest, None)
        self._old.pop(digest, None)
