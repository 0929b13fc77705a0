"""Who asks."""

from dataclasses import dataclass
from enum import StrEnum


class CredentialKind(StrEnum):
    """How a principal proved who they are."""

    OIDC = "oidc"
    API_KEY = "api_key"
    OS_USER = "os_user"


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    ``groups`` is ``None`` when membership could not be learnt, which refuses (law 3);
    an empty tuple means that the issuer says "no groups". ``expires_at`` is in seconds since the
    epoch. ``purpose`` is set when the credential itself is bound to one purpose (an API key).
    """

    issuer: str
    subject: str
    credential: CredentialKind
    groups: tuple[str, ...] | None
    expires_at: int
    name: str | None = None
    client: str | None = None
    purpose: str | None = None
    verified: bool = True

    @property
    def id(self) -> str:
        """``issuer|subject``: unique, because a subject is unique only within its issuer."""
        return f"{self.issuer}|{self.subject}"
