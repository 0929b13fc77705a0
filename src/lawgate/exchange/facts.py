"""What an exchange knows about itself: filled in by events, read when an entry is drafted.

Rule: facts are about one exchange. What many share (a purpose, a connection, a policy) is encoded
once in its ``Grounds`` and only referred to here.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from lawgate.domain.decision import Verdict
from lawgate.domain.errors import Refusal
from lawgate.domain.identity import Principal
from lawgate.domain.ids import ExchangeId
from lawgate.domain.message import CutText
from lawgate.domain.processing import Connection, Purpose, RecordLevel
from lawgate.ports import IndexRow, RetentionClass, WindowJournal

UNDECIDED_RETENTION: Final = RetentionClass(content_d=1, evidence_d=365)
"""For refusals that come before a purpose is known: they hold no content."""

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Grounds:
    """A purpose on a connection under a policy, with its part of the record already encoded."""

    purpose: Purpose
    connection: Connection
    retention: RetentionClass
    encoded: msgspec.Raw


def grounds(purpose: Purpose, connection: Connection, policy_digest: str) -> Grounds:
    """Encode once what every record under this purpose and connection says (Art. 5(2), 30 GDPR)."""
    recipient = connection.recipient
    encoded = _encoder.encode(
        {
            "purpose": purpose.name,
            "title": purpose.title,
            "lawful_basis": purpose.lawful_basis.value,
            "lawful_basis_iri": purpose.lawful_basis.iri,
            "law": purpose.law,
            "assessment": purpose.assessment,
            "special_category_conditions": purpose.special_categories,
            "data_subjects": purpose.subjects,
            "data_categories": purpose.categories,
            "record": purpose.record.value,
            "connection": connection.name,
            "protocol": connection.protocol.value,
            "recipient": {
                "name": recipient.name,
                "role": recipient.role.value,
                "country": recipient.country,
                "contract": recipient.contract,
                "safeguard": recipient.safeguard.value if recipient.safeguard else None,
            },
            "policy": policy_digest,
        }
    )
    kept = RetentionClass(purpose.retention.content_d, purpose.retention.evidence_d)
    return Grounds(purpose, connection, kept, msgspec.Raw(encoded))


class RequestFacts(msgspec.Struct, frozen=True, gc=False):
    """What inspection found. Digests are SHA-256 in hexadecimal, sizes are in bytes."""

    operation: str
    method: str
    path: str
    model: str | None
    stream: bool
    content_type: str | None
    received_sha256: str
    received_b: int
    counts: dict[str, int]
    tools: bool = False
    not_inspected: int = 0
    """String leaves or whole bodies that passed unread, because the connection allows it."""
    subject: str | None = None
    """``Lawgate-Subject`` as the caller asserted it."""


class MaskedFacts(msgspec.Struct, frozen=True, gc=False):
    """The request as it is going out. ``cut`` is ``None`` when the body is not text."""

    cut: CutText | None
    forwarded_sha256: str
    forwarded_b: int
    profile: str | None
    detection: str
    """Digest of the detectors' definitions."""
    opaque: bytes | None = None
    """A body that is not text, kept whole when the purpose records in full."""


class AnswerFacts(msgspec.Struct, frozen=True, gc=False):
    """What there is of an answer. ``cut`` for a whole body, ``windows`` for a stream."""

    at: float
    status: int | None = None
    content_type: str | None = None
    cut: CutText | None = None
    windows: WindowJournal | None = None
    streamed: bool = False
    received_sha256: str | None = None
    received_b: int = 0
    released_sha256: str | None = None
    released_b: int = 0
    counts: dict[str, int] = {}
    not_inspected: int = 0
    events: int = 0
    opaque: bytes | None = None
    profile: str | None = None
    first_byte_ms: int | None = None


@dataclass(slots=True)
class Facts:
    """Everything that the entries of one exchange are drafted from."""

    exchange: ExchangeId
    received_at: float
    connection: str | None = None
    principal: Principal | None = None
    grounds: Grounds | None = None
    request: RequestFacts | None = None
    masked: MaskedFacts | None = None
    verdict: Verdict | None = None
    intent: str | None = None
    refusal: Refusal | None = None
    refused_at: float = 0.0
    outcome: str | None = None
    answer: AnswerFacts | None = None
    retention: RetentionClass = UNDECIDED_RETENTION
    recovered_index: IndexRow | None = None
    approvals: list[str] = field(default_factory=list)

    @property
    def record_level(self) -> RecordLevel:
        """How much content this exchange's purpose keeps."""
        return self.grounds.purpose.record if self.grounds else RecordLevel.METADATA
