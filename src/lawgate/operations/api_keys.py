"""API keys for tools that can hold only a static credential: made, listed, revoked.

Rule 1: a secret is returned once and kept nowhere; what is stored is its hash.
Rule 2: making one is recorded before it works; revoking works first, and is then recorded: each errs to
    the safe side if the process dies in between.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.identify.api_key import ID_LENGTH, ISSUER, SECRET_BYTES, generate
from lawgate.operations.actor import Actor
from lawgate.operations.drafts import key_draft
from lawgate.operations.errors import KeyRequestError, NotFoundError
from lawgate.operations.place import Place
from lawgate.operations.visit import Visit, require_owner
from lawgate.ports import ApiKeyRow
from lawgate.store.api_keys import ApiKeyTable

EXPIRES_S_MAX: Final = 2 * 366 * 86_400
"""Two years; a credential that nobody renews is one that nobody looks after."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a new key is to be. Times are in whole seconds since the epoch."""

    principal: str
    purpose: str
    owner: str
    groups: tuple[str, ...]
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """``text`` is what the owner puts into their tool; nobody can show it again."""

    row: ApiKeyRow
    text: str = field(repr=False)


async def create_key(visit: Visit, actor: Actor, wanted: NewKey) -> CreatedKey:
    """Record, then store, a new key. Raises ``KeyRequestError`` or ``EvidenceError``."""
    _require_sound(wanted)
    key = generate(secrets.token_bytes(ID_LENGTH), secrets.token_bytes(SECRET_BYTES))
    row = ApiKeyRow(
        key.id,
        key.secret_hash,
        wanted.principal,
        wanted.owner,
        wanted.purpose,
        wanted.groups,
        wanted.created_at,
        wanted.expires_at,
    )
    details = {"key": key.id, "owner": row.owner, "groups": row.groups, "expires_at": row.expires_at}
    principal = f"{ISSUER}|{row.principal}"
    await visit.record(
        key_draft(actor, "create", row.created_at, principal=principal, purpose=row.purpose, details=details)
    )
    # A crash here leaves an entry about a key that never worked.
    visit.store.api_keys.create(row)
    return CreatedKey(row, key.text)


async def revoke_key(visit: Visit, actor: Actor, key_id: str, now: int) -> bool:
    """Revoke at once; false if that was done before. Raises ``NotFoundError`` or ``EvidenceError``."""
    table = visit.store.api_keys
    row = table.lookup(key_id)
    if row is None:
        raise NotFoundError(f"no API key has the id {key_id!r}; 'lawgate key list' shows all of them")
    if not table.revoke(key_id, now):
        return False
    principal = f"{ISSUER}|{row.principal}"
    draft = key_draft(actor, "revoke", now, principal=principal, purpose=row.purpose, details={"key": key_id})
    try:
        await visit.record(draft)
    except EvidenceError as error:
        raise EvidenceError(f"key {key_id} is revoked, but no entry could be made of it: {error}") from error
    return True


def list_keys(place: Place) -> list[ApiKeyRow]:
    """Every key that ever was, oldest first. Raises ``EvidenceError``."""
    require_owner(place.paths.evidence, os.geteuid())
    if not place.paths.access.exists():
        return []
    with closing(ApiKeyTable(place.paths)) as table:
        return table.rows()


def key_state(row: ApiKeyRow, now: float) -> str:
    """``live``, ``expired`` or ``revoked``."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= now else "live"


def _require_sound(wanted: NewKey) -> None:
    for name, value in (("principal", wanted.principal), ("owner", wanted.owner), *_named_groups(wanted.groups)):
        if not value.strip() or not value.isprintable() or len(value) > 200:  # noqa: PLR2004 - a name, not a text
            raise KeyRequestError(f"--{name} must be a printable name of at most 200 characters")
    if wanted.expires_at <= wanted.created_at:
        raise KeyRequestError("--expires must lie ahead, such as 90d")
    if wanted.expires_at - wanted.created_at > EXPIRES_S_MAX:
        raise KeyRequestError("--expires must be within two years; renew the key then")


def _named_groups(groups: Iterable[str]) -> list[tuple[str, str]]:
    return [("groups", group) for group in groups]
