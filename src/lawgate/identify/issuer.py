"""What an installation accepts from one issuer of tokens.

Rule 1: a policy is valid once built; a policy that would accept too much raises at load.
Rule 2: the issuer and the audience are compared character by character, never normalised
(RFC 7519 section 2, "StringOrURI"; RFC 9068 section 4).
"""

from dataclasses import dataclass
from typing import Final

from lawgate.domain.errors import ConfigurationError
from lawgate.identify.algorithms import ALGORITHMS
from lawgate.identify.metadata import require_issuer_url

LIFETIME_S_MAX: Final = 86_400
"""A day: above the 60 to 90 minutes of Entra and the hour of Okta, below a token that never dies."""
LEEWAY_S: Final = 30
LEEWAY_S_MAX: Final = 300
""""No more than a few minutes", RFC 7519 section 4.1.4."""
CLAIM_PATH_SEGMENTS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class IssuerPolicy:
    """One configured issuer: what its tokens must say.

    ``audiences`` are the names this gateway answers to, of which a token must hold one. ``clients``,
    when given, are the only values that ``azp`` and ``client_id`` may have. ``groups_path`` is where
    the group names are, outermost member first (see ``parse_claim_path``). ``require_at_jwt`` is
    the RFC 9068 type; without it tokens typed ``JWT`` or untyped pass too, which some providers need.
    ``name_claim`` is the claim to keep as the caller's name; by default none is kept (Art. 5(1)(c) GDPR).
    """

    issuer: str
    audiences: tuple[str, ...]
    groups_path: tuple[str, ...] = ("groups",)
    algorithms: frozenset[str] = ALGORITHMS
    clients: frozenset[str] | None = None
    require_at_jwt: bool = True
    lifetime_s_max: int = LIFETIME_S_MAX
    leeway_s: int = LEEWAY_S
    name_claim: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would make verification meaningless."""
        require_issuer_url(self.issuer)
        faults = {
            "needs at least one non-empty audience": not self.audiences or not all(self.audiences),
            "needs a claim that holds the groups": not self.groups_path or not all(self.groups_path),
            "needs a name for the claim that holds names, or none at all": self.name_claim == "",
            "has an empty list of clients": self.clients is not None and not self.clients,
            "needs at least one algorithm": not self.algorithms,
            "needs a positive maximum lifetime": self.lifetime_s_max <= 0,
            f"needs a leeway of 0 to {LEEWAY_S_MAX} seconds": not 0 <= self.leeway_s <= LEEWAY_S_MAX,
            f"may use only these algorithms: {', '.join(sorted(ALGORITHMS))}": not self.algorithms <= ALGORITHMS,
        }
        for fault, present in faults.items():
            if present:
                raise ConfigurationError(f"issuer {self.issuer} {fault}")


def parse_claim_path(text: str) -> tuple[str, ...]:
    r"""Split ``realm_access.roles`` into member names; raises ``ConfigurationError``.

    ``\.`` is a dot inside a name and ``\\`` a backslash. A text that starts with ``https://`` or
    ``http://`` is one name, dots and all: namespaced claims are URLs.
    """
    if text.startswith(("https://", "http://")):
        return (text,)
    names = [""]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            names[-1] += _escaped(next(characters, ""), text)
        elif character == ".":
            names.append("")
        else:
            names[-1] += character
    if not all(names) or len(names) > CLAIM_PATH_SEGMENTS_MAX:
        raise ConfigurationError(
            f"claim path {text!r} needs 1 to {CLAIM_PATH_SEGMENTS_MAX} names with single dots between them"
        )
    return tuple(names)


def _escaped(character: str, text: str) -> str:
    if character not in {".", "\\"} or not character:
        raise ConfigurationError(
            f"claim path {text!r} has a backslash that is followed by neither a dot nor a backslash"
        )
    return character
