"""Which declared purpose a request serves (Art. 5(1)(b) GDPR).

Rule 1: one allowed purpose is used, of several the caller names one, none refuses.
Rule 2: a caller learns the names of the purposes that are allowed to them, and of no other; asking for one that
exists and for one that does not gives the same answer.
"""

from typing import Final

from lawgate.decide.policy import Grant, Policy
from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.identity import Principal
from lawgate.domain.processing import Purpose

NAMES_SHOWN_MAX: Final = 20
"""Names in a refusal, so that it stays one sentence."""


def choose_purpose(policy: Policy, principal: Principal, connection_name: str, requested: str | None) -> Purpose:
    """The purpose of this request; ``requested`` is the ``Lawgate-Purpose`` header.

    Raises ``RefusedError`` with ``groups_unknown``, ``purpose_none``, ``purpose_required`` or
    ``purpose_not_allowed``.
    """
    grants = policy.grants.get(connection_name, ())
    if principal.purpose is not None:  # the credential itself is the grant, and the only one
        allowed = [grant.purpose for grant in grants if grant.purpose.name == principal.purpose]
    else:
        allowed = _by_groups(grants, principal)
    if not allowed:
        raise refuse(
            Code.PURPOSE_NONE,
            "No declared purpose lets you use this connection: ask those who run this gateway for access.",
        )
    if requested is not None:
        return _named(allowed, requested)
    if len(allowed) > 1:
        raise refuse(
            Code.PURPOSE_REQUIRED,
            f"Say what this request is for in the Lawgate-Purpose header, one of: {_names(allowed)}.",
        )
    return allowed[0]


def _by_groups(grants: tuple[Grant, ...], principal: Principal) -> list[Purpose]:
    groups = principal.groups
    if groups is None:
        raise _groups_unknown()
    return [grant.purpose for grant in grants if not grant.groups.isdisjoint(groups)]


def _groups_unknown() -> RefusedError:
    return refuse(
        Code.GROUPS_UNKNOWN,
        "Your group membership could not be learnt from your token: ask those who run your identity provider "
        "to put your groups into it.",
    )


def _named(allowed: list[Purpose], requested: str) -> Purpose:
    for purpose in allowed:
        if purpose.name == requested:
            return purpose
    raise refuse(
        Code.PURPOSE_NOT_ALLOWED,
        f"The purpose in the Lawgate-Purpose header is not open to you here; you may use: {_names(allowed)}.",
    )


def _names(allowed: list[Purpose]) -> str:
    shown = ", ".join(purpose.name for purpose in allowed[:NAMES_SHOWN_MAX])
    return shown if len(allowed) <= NAMES_SHOWN_MAX else f"{shown} and {len(allowed) - NAMES_SHOWN_MAX} more"
