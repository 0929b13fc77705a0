"""Sections of a valid file -> the frozen values that the rest of Lawgate works with.

Rule: nothing is checked here; what arrives has passed the schema and its meaning.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lawgate.config import schema
from lawgate.config.meaning import issuer_policy
from lawgate.config.secret import Secrets
from lawgate.config.settings import (
    Config,
    IssuerSettings,
    Listen,
    ListenAddress,
    ServerTls,
    StoreSettings,
)
from lawgate.config.text import split_address
from lawgate.decide.policy import compile_policy
from lawgate.decide.rule import Approvers, Condition, Rule
from lawgate.domain.limits import Limits
from lawgate.domain.processing import (
    Connection,
    Controller,
    MaskProfile,
    Observation,
    Purpose,
    Recipient,
    Retention,
)
from lawgate.mask.custom import CustomDetector

KEK_FILE: Final = "kek.json"
"""Where the key-encryption key is, in the directory of the keys, unless the file says otherwise."""

BUILT_IN_PROFILES: Final[Mapping[str, MaskProfile]] = MappingProxyType(
    {operator: MaskProfile(operator, operator) for operator in schema.OPERATORS}
)
"""One profile for each operator, by its name; a file may define its own under the same name."""


def assemble(model: schema.FileSection, path: Path, secrets: Secrets, warnings: tuple[str, ...]) -> Config:
    """The configuration of a valid file; ``path`` is absolute, and relative files start beside it."""
    directory = path.parent
    connections = {name: _connection(name, section, directory) for name, section in model.connections.items()}
    purposes = {name: _purpose(name, section) for name, section in model.purposes.items()}
    profiles = {**BUILT_IN_PROFILES, **{name: _profile(name, lines) for name, lines in model.masking.profiles.items()}}
    rules = tuple(_rule(section) for section in model.rules)
    observe = None if model.observe is None else Observation(model.observe)
    return Config(
        path=path,
        version=model.version,
        listen=_listen(model.listen, directory),
        store=_store(model.store, directory),
        controller=Controller(model.controller.name, model.controller.contact, model.controller.dpo),
        identity=tuple(_issuer(section, directory) for section in model.identity),
        connections=MappingProxyType(connections),
        purposes=MappingProxyType(purposes),
        profiles=MappingProxyType(profiles),
        detectors=tuple(CustomDetector(item.name, item.pattern, item.category) for item in model.masking.detectors),
        rules=rules,
        observe=observe,
        limits=Limits(**model.limits.model_dump()),
        log_level=model.logging.level,
        secrets=secrets,
        policy=compile_policy(purposes.values(), connections, profiles, rules, observe),
        warnings=warnings,
    )


def _beside(directory: Path, name: str | None) -> str | None:
    return None if name is None else str(directory / name)


def _listen(section: schema.ListenSection, directory: Path) -> Listen:
    tls = section.tls
    served = None
    if tls is not None:
        client_ca = _beside(directory, tls.client_ca)
        served = ServerTls(str(directory / tls.certificate), str(directory / tls.key), client_ca)
    return Listen(ListenAddress(*split_address(section.data)), ListenAddress(*split_address(section.control)), served)


def _store(section: schema.StoreSection, directory: Path) -> StoreSettings:
    keys = directory / section.keys
    kek_file = directory / section.kek_file if section.kek_file else keys / KEK_FILE
    return StoreSettings(directory / section.evidence, keys, kek_file, section.node, section.origin)


def _issuer(section: schema.IssuerSection, directory: Path) -> IssuerSettings:
    ca_file = _beside(directory, section.ca_file)
    return IssuerSettings(issuer_policy(section), ca_file, section.allow_cleartext)


def _connection(name: str, section: schema.ConnectionSection, directory: Path) -> Connection:
    recipient = section.recipient
    scheme = section.credential_scheme
    if scheme is None:
        scheme = "Bearer" if section.credential_header == "authorization" else ""
    return Connection(
        name=name,
        protocol=section.protocol,
        upstream=section.upstream,
        recipient=Recipient(recipient.name, recipient.role, recipient.country, recipient.contract, recipient.safeguard),
        credential_ref=section.credential,
        credential_header=section.credential_header,
        credential_scheme=scheme,
        allow_not_inspected=tuple(section.allow_not_inspected),
        cors_origins=tuple(section.cors_origins),
        send_exchange_id=section.send_exchange_id,
        ca_file=_beside(directory, section.ca_file),
        pin_sha256=tuple(section.pin_sha256),
        client_certificate=_beside(directory, section.client_certificate),
        client_key=_beside(directory, section.client_key),
        proxy=section.proxy,
    )


def _purpose(name: str, section: schema.PurposeSection) -> Purpose:
    return Purpose(
        name=name,
        title=section.title,
        lawful_basis=section.lawful_basis,
        groups=tuple(section.allow.groups),
        connections=tuple(dict.fromkeys(section.allow.connections)),
        retention=Retention(section.retention.content, section.retention.evidence),
        record=section.record,
        subjects=tuple(section.data.subjects),
        categories=tuple(section.data.categories),
        special_categories=tuple(section.special_categories),
        law=section.law,
        assessment=section.assessment,
        undeclared_special_category=section.undeclared_special_category,
        mask_request=section.mask.request,
        mask_answer=section.mask.answer,
    )


def _profile(name: str, lines: Mapping[str, str]) -> MaskProfile:
    by_detector = {detector: operator for detector, operator in lines.items() if detector != "default"}
    return MaskProfile(name, lines["default"], MappingProxyType(by_detector))


def _rule(section: schema.RuleSection) -> Rule:
    when = section.condition
    condition = Condition(
        risk_at_least=when.risk_at_least,
        detectors=tuple(when.detectors),
        connections=tuple(when.connections),
        purposes=tuple(when.purposes),
        groups=tuple(when.groups),
        operations=tuple(when.operations),
        models=tuple(when.models),
        recipient_outside_eea=when.recipient_outside_eea,
        not_inspected=when.not_inspected,
        stream=when.stream,
        tools=when.tools,
    )
    approvers = section.approvers
    released_by = None if approvers is None else Approvers(tuple(approvers.groups), approvers.quorum)
    return Rule(section.name, condition, section.then, section.message, released_by)
