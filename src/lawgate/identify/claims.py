"""What a verified token must say before its bearer is a principal.

Rule 1: every claim that we use is of its declared type; nothing is converted ("123" is no date).
Rule 2: absent and empty differ. No groups claim, or one that the issuer says is elsewhere, is
"unknown" (``None``, refused later by law 3); an empty array is "no groups".
Rule 3: no URL in a token is ever called (``_claim_sources`` of an Entra overage names one).
"""

from typing import Final

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify.issuer import IssuerPolicy

SUBJECT_LENGTH_MAX: Final = 256
"""OpenID Connect Core section 2 bounds ``sub`` at 255."""
GROUPS_MAX: Final = 1000
"""Entra stops at 200 and says "overage"; large Keycloak realms reach hundreds."""
GROUP_LENGTH_MAX: Final = 256
AUDIENCES_MAX: Final = 100
DATE_S_MAX: Final = 253_402_300_800
"""The year 10000: beyond it a date is a mistake or an attack (``exp = 1e308``)."""

_NOT_ACCESS: Final = ("at_hash", "c_hash", "s_hash", "events")
"""Marks of an ID token (OpenID Connect Core section 3.3.2.11) and of an event (RFC 8417 section 2.2)."""
_INVALID: Final = "The access token is not valid here; obtain a new one for this gateway and try again."
_EXPIRED: Final = "The access token has expired; obtain a new one and try again."
_NOT_YET: Final = "The access token is not valid yet; check the clock of the client and of the identity provider."


def principal_from(claims: dict[str, object], policy: IssuerPolicy, now: float) -> Principal:
    """Steps 10 to 17: from signed claims to a principal. Raises ``RefusedError``."""
    # 10. Issuer, exactly (RFC 9068 section 4, RFC 8725 section 3.8).
    if claims.get("iss") != policy.issuer:
        raise _invalid("'iss' is not the configured issuer")
    # 11. Audience: this gateway is named (RFC 9068 section 4, RFC 8725 section 3.9).
    _require_audience(claims, policy)
    # 12. The client it was issued to (RFC 9068 section 2.2, OpenID Connect Core section 2 for 'azp').
    client = _client(claims, policy)
    # 13. Not another kind of token, and no key that we would have to check (RFC 7800, 8705, 9449 section 7.1).
    if "cnf" in claims:
        raise _invalid("sender-constrained tokens ('cnf') are not verified here, and must not pass as bearer tokens")
    if any(name in claims for name in _NOT_ACCESS):
        raise _invalid("the claims are those of an ID token or an event")
    # 14. Not before, and issued in the past (RFC 7519 sections 4.1.5 and 4.1.6).
    _require_begun(claims, policy, now)
    # 15. Expiry, required, and a bounded life (RFC 7519 section 4.1.4, RFC 9068 section 2.2).
    expires_at = _expiry(claims, policy, now)
    # 16. Subject, and the token's own id where it has one (RFC 7519 section 4.1.2, RFC 9068 section 2.2).
    subject = claims.get("sub")
    if not _is_name(subject, SUBJECT_LENGTH_MAX):
        raise _invalid("'sub' is not 1 to 256 printable characters")
    if not isinstance(claims.get("jti", ""), str):
        raise _invalid("'jti' is not a string")  # RFC 7519 section 4.1.7
    # 17. Groups (RFC 9068 section 2.2.3.1 and the provider's own places).
    groups = groups_from(claims, policy.groups_path)
    return Principal(
        issuer=policy.issuer,
        subject=str(subject),
        credential=CredentialKind.OIDC,
        groups=groups,
        expires_at=expires_at,
        name=_display_name(claims, policy.name_claim),
        client=client,
    )


def groups_from(claims: dict[str, object], path: tuple[str, ...]) -> tuple[str, ...] | None:
    """Group names in the token's order, each once; ``None`` where the token does not tell."""
    if _is_overage(claims, path):
        return None
    value: object = claims
    for name in path:
        if not isinstance(value, dict):
            raise _invalid("the groups claim is not where the configuration says")
        value = value.get(name)
        if value is None:
            return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > GROUPS_MAX:
        raise _invalid("the groups claim is not an array of at most 1000 names")
    if not all(_is_name(name, GROUP_LENGTH_MAX) for name in names):
        raise _invalid("a group is not 1 to 256 printable characters")
    return tuple(dict.fromkeys(names))


def _is_overage(claims: dict[str, object], path: tuple[str, ...]) -> bool:
    """Whether the issuer says that the groups are elsewhere (OpenID Connect Core section 5.6.2, Entra)."""
    if path == ("groups",) and claims.get("hasgroups", False) is not False:
        return True
    elsewhere = claims.get("_claim_names", {})
    return not isinstance(elsewhere, dict) or path[0] in elsewhere


def _require_audience(claims: dict[str, object], policy: IssuerPolicy) -> None:
    audience = claims.get("aud")
    names = [audience] if isinstance(audience, str) else audience
    if not isinstance(names, list) or len(names) > AUDIENCES_MAX or not all(isinstance(name, str) for name in names):
        raise _invalid("'aud' is neither a string nor an array of strings")
    if not any(name in policy.audiences for name in names):
        raise _invalid("'aud' does not name this gateway")


def _client(claims: dict[str, object], policy: IssuerPolicy) -> str | None:
    """Return the client; where two claims name it they agree, and an allow-list needs at least one."""
    named = [claims[name] for name in ("client_id", "azp") if name in claims]
    if not all(_is_name(name, SUBJECT_LENGTH_MAX) for name in named):
        raise _invalid("'client_id' or 'azp' is not 1 to 256 printable characters")
    if any(name != named[0] for name in named):
        raise _invalid("'client_id' and 'azp' differ")
    if policy.clients is not None and (not named or named[0] not in policy.clients):
        raise _invalid("the token was issued to a client that is not allowed")
    return str(named[0]) if named else None


def _require_begun(claims: dict[str, object], policy: IssuerPolicy, now: float) -> None:
    for name in ("nbf", "iat"):
        if name in claims and _date(claims, name) > now + policy.leeway_s:
            raise refuse(Code.CREDENTIAL_INVALID, _NOT_YET, detail=f"{name!r} is in the future")


def _expiry(claims: dict[str, object], policy: IssuerPolicy, now: float) -> int:
    expires_at = _date(claims, "exp")
    if expires_at + policy.leeway_s <= now:
        raise refuse(Code.CREDENTIAL_EXPIRED, _EXPIRED, detail="'exp' has passed")
    begun_at = _date(claims, "iat") if "iat" in claims else now
    if expires_at - min(begun_at, now) > policy.lifetime_s_max + policy.leeway_s:
        raise _invalid("the token lives longer than the configured maximum")
    return int(expires_at)


def _date(claims: dict[str, object], name: str) -> float:
    """Return a NumericDate: a JSON number of seconds, finite and sane (RFC 7519 section 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"{name!r} is not a number")
    if not 0 <= value < DATE_S_MAX:  # false for NaN and infinity too
        raise _invalid(f"{name!r} is not a date")
    return value


def _display_name(claims: dict[str, object], claim: str | None) -> str | None:
    """Return a name for people to read, if the configuration wants one and it is fit to show; it decides nothing."""
    name = None if claim is None else claims.get(claim)
    return name if isinstance(name, str) and _is_name(name, SUBJECT_LENGTH_MAX) else None


def _is_name(value: object, length_max: int) -> bool:
    """Whether a value is text that can be shown, stored and compared: no NUL, control or lone surrogate."""
    return isinstance(value, str) and 0 < len(value) <= length_max and value.isprintable()


def _invalid(detail: str) -> RefusedError:
    return refuse(Code.CREDENTIAL_INVALID, _INVALID, detail=detail)
