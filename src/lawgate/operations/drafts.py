"""Entries about what people do with the evidence and with API keys.

Rule 1: who did it and to what goes into the sealed ``meta`` part; the leaf says only that it happened.
Rule 2: an entry *about* an exchange names it in its index and has no state: it is no step of its journey.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lawgate.domain.ids import ExchangeId
from lawgate.operations.actor import Actor
from lawgate.ports import EntryDraft, IndexRow, PartDraft, RetentionClass

ACCESS: Final = "access"
KEY: Final = "key"
META: Final = "meta"

ACCESS_RETENTION: Final = RetentionClass(content_d=1095, evidence_d=1095)
"""Three years: as long as claims about a reading can usually be raised (for instance, section 195 BGB)."""
KEY_RETENTION: Final = RetentionClass(content_d=3650, evidence_d=3650)
"""Records name the key that asked, so what the key was must outlive every record: ten years."""

_encode: Final = msgspec.json.Encoder().encode


def access_draft(
    actor: Actor, action: str, ts: int, *, exchange: str | None = None, details: Mapping[str, Any]
) -> EntryDraft:
    """``action`` is ``list``, ``show`` or ``proof``; ``details`` say what was asked for and how much was found."""
    meta = {"action": action, "by": actor.meta(), "exchange": exchange, **details}
    index = IndexRow(exchange=None if exchange is None else ExchangeId(exchange), principal=actor.principal)
    return EntryDraft(ACCESS, ts, ACCESS_RETENTION, (PartDraft(META, _encode(meta)),), index)


def key_draft(
    actor: Actor, action: str, ts: int, *, principal: str, purpose: str, details: Mapping[str, Any]
) -> EntryDraft:
    """``action`` is ``create`` or ``revoke``; ``principal`` is the key's ``issuer|subject``."""
    meta = {"action": action, "by": actor.meta(), "principal": principal, "purpose": purpose, **details}
    index = IndexRow(principal=principal, purpose=purpose)
    return EntryDraft(KEY, ts, KEY_RETENTION, (PartDraft(META, _encode(meta)),), index)
