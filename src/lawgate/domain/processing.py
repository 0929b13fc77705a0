"""Why they may: purposes, lawful bases, recipients and connections as a controller declares them."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

DPV_GDPR: Final = "https://w3id.org/dpv/legal/eu/gdpr#"
"""W3C Data Privacy Vocabulary, GDPR extension (2.3)."""


class LawfulBasis(StrEnum):
    """Art. 6(1) GDPR, written ``6-1-a`` to ``6-1-f``."""

    CONSENT = "6-1-a"
    CONTRACT = "6-1-b"
    LEGAL_OBLIGATION = "6-1-c"
    VITAL_INTERESTS = "6-1-d"
    PUBLIC_TASK = "6-1-e"
    LEGITIMATE_INTERESTS = "6-1-f"

    @property
    def iri(self) -> str:
        """The DPV IRI that the record and the exports carry."""
        return f"{DPV_GDPR}A{self.value}"


class RecordLevel(StrEnum):
    """How much of the content a purpose keeps: everything, no originals, or no bodies."""

    FULL = "full"
    MASKED = "masked"
    METADATA = "metadata"


class RecipientRole(StrEnum):
    PROCESSOR = "processor"
    JOINT_CONTROLLER = "joint_controller"
    CONTROLLER = "controller"
    INTERNAL = "internal"


class Safeguard(StrEnum):
    """Chapter V GDPR: what allows a transfer outside the EEA."""

    ADEQUACY = "adequacy"
    SCC = "scc"
    BCR = "bcr"
    DEROGATION = "derogation"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives the data behind a connection. ``country`` is ISO 3166-1 alpha-2."""

    name: str
    role: RecipientRole
    country: str
    contract: str | None = None
    safeguard: Safeguard | None = None


class Protocol(StrEnum):
    """What the upstream speaks."""

    OPENAI = "openai"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Connection:
    """One upstream inference API, named by the first segment of the request's path."""

    name: str
    protocol: Protocol
    upstream: str
    recipient: Recipient
    credential_ref: str | None = None
    credential_header: str = "authorization"
    credential_scheme: str = "Bearer"
    allow_not_inspected: tuple[str, ...] = ()
    """Content types that may pass unread; each record they touch says so."""
    cors_origins: tuple[str, ...] = ()
    send_exchange_id: bool = True
    ca_file: str | None = None
    pin_sha256: tuple[str, ...] = ()
    """Accepted SHA-256 digests (hex) of the upstream's leaf certificate; empty: no pinning."""
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that content and evidence are kept."""

    content_d: int
    evidence_d: int


@dataclass(frozen=True, slots=True)
class Purpose:
    """One declared purpose with its lawful basis (Art. 5(1)(b), 6, 9, 10, 30 GDPR)."""

    name: str
    title: str
    lawful_basis: LawfulBasis
    groups: tuple[str, ...]
    connections: tuple[str, ...]
    retention: Retention
    record: RecordLevel = RecordLevel.FULL
    subjects: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    special_categories: tuple[str, ...] = ()
    """Conditions of Art. 9(2), written ``9-2-a`` to ``9-2-j``."""
    law: str | None = None
    assessment: str | None = None
    undeclared_special_category: str = "refuse"
    mask_request: str | None = None
    """Name of the masking profile for requests; ``None``: nothing is masked."""
    mask_answer: str | None = None


@dataclass(frozen=True, slots=True)
class Controller:
    """Art. 4(7) GDPR; appears in the register and in evidence bundles."""

    name: str
    contact: str
    dpo: str | None = None


@dataclass(frozen=True, slots=True)
class MaskProfile:
    """Which operator each detector's spans get; ``default`` for those not named.

    An operator is one of ``redact``, ``replace``, ``mask``, ``hmac``, ``keep``.
    """

    name: str
    default: str
    by_detector: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def operator(self, detector: str) -> str:
        """The operator for a detector's name."""
        return self.by_detector.get(detector, self.default)


@dataclass(frozen=True, slots=True)
class Observation:
    """``observe: until <date>``: rules report without acting until then (UTC, exclusive)."""

    until: date
