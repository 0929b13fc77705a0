"""The configuration in force, as frozen values.

Rule 1: nothing here changes after loading; a reload makes another `Config`.
Rule 2: no secret is part of a repr, a view or a digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lawgate.config.secret import Secrets
from lawgate.decide.canonical import Plain, digest, plain
from lawgate.decide.policy import Policy
from lawgate.decide.rule import Rule
from lawgate.domain.limits import Limits
from lawgate.domain.processing import Connection, Controller, MaskProfile, Observation, Purpose
from lawgate.identify.issuer import IssuerPolicy
from lawgate.mask.custom import CustomDetector


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """``port`` 0 lets the system choose one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Absolute paths of PEM files; with ``client_ca``, clients must show a certificate."""

    certificate: str
    key: str
    client_ca: str | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    data: ListenAddress
    control: ListenAddress
    tls: ServerTls | None = None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Absolute paths; ``origin`` is ``None`` when the store's own is used."""

    evidence: Path
    keys: Path
    kek_file: Path
    node: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """An issuer: what its tokens must say, and how its keys are fetched."""

    policy: IssuerPolicy
    ca_file: str | None = None
    allow_cleartext: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration file, valid and whole. ``policy`` is compiled from it."""

    path: Path = field(repr=False)
    version: int
    listen: Listen
    store: StoreSettings
    controller: Controller
    identity: tuple[IssuerSettings, ...]
    connections: Mapping[str, Connection]
    purposes: Mapping[str, Purpose]
    profiles: Mapping[str, MaskProfile]
    detectors: tuple[CustomDetector, ...]
    rules: tuple[Rule, ...]
    observe: Observation | None
    limits: Limits
    log_level: str
    secrets: Secrets = field(repr=False, compare=False)
    policy: Policy = field(repr=False, compare=False)
    warnings: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def public_view(self) -> dict[str, Plain]:
        """The effective configuration for the log's entry: references to secrets, never secrets."""
        view = plain(self)
        assert isinstance(view, dict), "a dataclass becomes an object"
        return view

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the public view: equal configurations have equal digests."""
        return digest(self.public_view())
