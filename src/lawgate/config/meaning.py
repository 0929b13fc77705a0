"""What keys mean together, and what the law asks of them: each check is a generator of findings.

Rule 1: a check reads only sections that the schema accepted, so that one fault is reported once;
    names are looked up in the file itself, so that a faulty connection still counts as declared.
Rule 2: what the law forbids is an error with its article; what is only unwise is a warning.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import PurePath
from typing import Final

from lawgate.config import schema, text
from lawgate.config.parts import Parts
from lawgate.config.problem import Finding, Path, WrongValueError, nearest, shown
from lawgate.domain.decision import Outcome
from lawgate.domain.errors import ConfigurationError
from lawgate.domain.limits import Limits
from lawgate.domain.processing import LawfulBasis, RecipientRole, Safeguard
from lawgate.domain.territory import ADEQUATE, outside_eea
from lawgate.identify.issuer import IssuerPolicy, parse_claim_path
from lawgate.identify.metadata import is_loopback, may_fetch
from lawgate.mask.custom import CustomDetector, custom_detector
from lawgate.wire.content_type import ContentKind, content_kind

NEED_LAW: Final = frozenset({LawfulBasis.LEGAL_OBLIGATION.value, LawfulBasis.PUBLIC_TASK.value}) | frozenset(
    f"9-2-{letter}" for letter in "bghij"
)
"""Bases and conditions that rest on a provision of Union or Member State law (Art. 6(3), 9(2))."""
SPECIAL: Final = frozenset(
    "health genetic biometric racial-origin ethnic-origin political-opinions religious-beliefs "
    "philosophical-beliefs trade-union-membership sex-life sexual-orientation".split()
)
"""Data categories that are special (Art. 9(1)) by the name that people give them here."""
CRIMINAL: Final = "criminal"
"""Art. 10."""


def findings(parts: Parts, *, detectors: frozenset[str] | None, today: date | None) -> Iterator[Finding]:
    """Everything that is wrong or unwise. ``detectors`` are those built in; ``None`` leaves their names unchecked."""
    yield from _listening(parts)
    yield from _storing(parts)
    yield from _issuers(parts)
    for name, connection in parts.connections.items():
        yield from _connection(("connections", name), connection)
    for name, purpose in parts.purposes.items():
        yield from _purpose(parts, ("purposes", name), purpose)
    yield from _slugs(parts)
    yield from _detectors(parts, detectors)
    yield from _rules(parts, detectors)
    yield from _bounds(parts)
    if parts.observe and today and parts.observe <= today:
        yield Finding(("observe",), "has passed: rules act; remove it", warning=True)


def _listening(parts: Parts) -> Iterator[Finding]:
    listen = parts.listen
    if listen is None:
        return
    (data_host, data_port), (control_host, control_port) = map(text.split_address, (listen.data, listen.control))
    if (data_host, data_port) == (control_host, control_port) and data_port:
        yield Finding(("listen", "control"), "is the address of `data` too; give each its own port")
    if not is_loopback(data_host) and listen.tls is None:
        what = "takes tokens in clear from other machines; set `listen.tls`, or let only a TLS proxy reach it"
        yield Finding(("listen", "data"), what, warning=True)
    if not is_loopback(control_host):
        what = "is open to other machines, and health and metrics ask for no sign-in; restrict who reaches it"
        yield Finding(("listen", "control"), what, warning=True)


def _storing(parts: Parts) -> Iterator[Finding]:
    if parts.store is None:
        return
    evidence, keys = PurePath(parts.store.evidence), PurePath(parts.store.keys)
    if evidence == keys or evidence in keys.parents or keys in evidence.parents:
        yield Finding(
            ("store", "keys"),
            "must not be, hold or lie in the evidence's directory: one backup would keep what erasure must destroy",
        )
    kek = PurePath(parts.store.kek_file) if parts.store.kek_file else None
    if kek is not None and evidence in kek.parents:
        yield Finding(("store", "kek_file"), "must not lie in the evidence's directory")


def _issuers(parts: Parts) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for position, issuer in parts.identity.items():
        at: Path = ("identity", position)
        if issuer.issuer in seen:
            yield Finding((*at, "issuer"), f"is issuer {seen[issuer.issuer] + 1} of this list already; keep one")
        seen.setdefault(issuer.issuer, position)
        try:
            issuer_policy(issuer)
        except ConfigurationError as error:
            yield Finding(at, str(error))
            continue
        if not may_fetch(issuer.issuer, allow_http=issuer.allow_cleartext):
            yield Finding((*at, "issuer"), "must be https: keys that come in clear can be swapped")
        elif not may_fetch(issuer.issuer, allow_http=False):
            yield Finding((*at, "issuer"), "fetches keys in clear: whoever is between can forge callers", warning=True)


def issuer_policy(issuer: schema.IssuerSection) -> IssuerPolicy:
    """The issuer as identification takes it; raises ``ConfigurationError``."""
    return IssuerPolicy(
        issuer.issuer,
        tuple(issuer.audience),
        parse_claim_path(issuer.groups_claim),
        frozenset(issuer.algorithms),
        None if issuer.clients is None else frozenset(issuer.clients),
        not issuer.accept_any_typ,
        issuer.lifetime_s_max,
        issuer.leeway_s,
        issuer.name_claim,
    )


def _connection(at: Path, connection: schema.ConnectionSection) -> Iterator[Finding]:
    yield from _recipient((*at, "recipient"), connection.recipient)
    if text.in_clear(connection.upstream):
        if connection.allow_cleartext:
            yield Finding((*at, "upstream"), "sends personal data in clear over a network", warning=True)
        else:
            what = "must be https, or `allow_cleartext: true` must say that the network is trusted (Art. 32)"
            yield Finding((*at, "upstream"), what)
    if (connection.client_certificate is None) != (connection.client_key is None):
        yield Finding(at, "needs `client_certificate` and `client_key` together")
    if connection.proxy is not None and not _is_plain_proxy(connection.proxy):
        yield Finding((*at, "proxy"), "must be http://host:port (TLS to the upstream runs inside)")
    for media in connection.allow_not_inspected:
        if content_kind(media) is not ContentKind.UNKNOWN:
            what = f"lets {media} pass unread where it cannot be read, as when it is compressed"
            yield Finding((*at, "allow_not_inspected"), what, warning=True)


def _is_plain_proxy(url: str) -> bool:
    parts = text.split_url(url)
    return parts.scheme == "http" and not parts.path


def _recipient(at: Path, recipient: schema.RecipientSection) -> Iterator[Finding]:
    """Chapter V and Art. 26, 28 GDPR."""
    if outside_eea(recipient.country):
        if recipient.safeguard is None:
            what = (
                f"is missing: {recipient.country} is outside the EEA (Art. 44); one of adequacy, scc, bcr, derogation"
            )
            yield Finding((*at, "safeguard"), what)
        elif recipient.safeguard is Safeguard.ADEQUACY and recipient.country not in ADEQUATE:
            what = f"no adequacy decision for {recipient.country} is known to this version (Art. 45)"
            yield Finding((*at, "safeguard"), what, warning=True)
    if recipient.contract is None and recipient.role is RecipientRole.PROCESSOR:
        yield Finding(at, "names no `contract`, which a processor needs (Art. 28(3))", warning=True)
    if recipient.contract is None and recipient.role is RecipientRole.JOINT_CONTROLLER:
        yield Finding(at, "names no `contract`, the arrangement of joint controllers (Art. 26)", warning=True)


def _purpose(parts: Parts, at: Path, purpose: schema.PurposeSection) -> Iterator[Finding]:
    for position, name in enumerate(purpose.allow.connections):
        yield from _known((*at, "allow", "connections", position), name, parts.connection_names, "connection")
    for side, name in (("request", purpose.mask.request), ("answer", purpose.mask.answer)):
        yield from _known((*at, "mask", side), name, parts.profile_names, "masking profile")
    yield from _legal_grounds(at, purpose)
    if purpose.retention.evidence < purpose.retention.content:
        yield Finding(
            (*at, "retention", "evidence"), "must be at least as long as `content`: evidence outlives content"
        )
    if "undeclared_special_category" in purpose.model_fields_set:
        what = "has no effect yet: no detector for special categories is built"
        yield Finding((*at, "undeclared_special_category"), what, warning=True)


def _legal_grounds(at: Path, purpose: schema.PurposeSection) -> Iterator[Finding]:
    """Art. 6, 9 and 10 GDPR."""
    grounds = [purpose.lawful_basis.value, *purpose.special_categories]
    needing = [ground for ground in grounds if ground in NEED_LAW]
    categories = {category.casefold().replace(" ", "-").replace("_", "-") for category in purpose.data.categories}
    if CRIMINAL in categories:
        needing.append("criminal data (Art. 10)")
    if needing and purpose.law is None:
        yield Finding((*at, "law"), f"is missing: {', '.join(needing)} rests on a provision of law; name it")
    if purpose.lawful_basis is LawfulBasis.LEGITIMATE_INTERESTS and purpose.assessment is None:
        yield Finding((*at, "assessment"), "is missing: 6-1-f needs the balancing test; refer to it")
    special = sorted(categories & SPECIAL)
    if special and not purpose.special_categories:
        what = f"is missing: {', '.join(special)} is a special category (Art. 9(1)); name the condition of Art. 9(2)"
        yield Finding((*at, "special_categories"), what)
    for category in sorted(categories - SPECIAL - {CRIMINAL}):
        meant = nearest(category, SPECIAL | {CRIMINAL})
        if meant is not None and abs(len(meant) - len(category)) <= 1 and meant[0] == category[0]:
            what = f"{shown(category)} is taken for an ordinary category"
            yield Finding((*at, "data", "categories"), what, meant, warning=True)


def _known(at: Path, name: str, names: frozenset[str], kind: str) -> Iterator[Finding]:
    if name not in names:
        yield Finding(at, f"{shown(name)} is not a {kind} of this file", nearest(name, names))


def _slugs(parts: Parts) -> Iterator[Finding]:
    for section, names in (("connections", parts.connection_names), ("purposes", parts.purpose_names)):
        for name in sorted(names):
            try:
                text.matching(text.SLUG, "")(name)
            except WrongValueError:
                what = "must be lower-case letters, digits, '-' and '_', at most 63, to stand in a path and a header"
                yield Finding((section, name), what, text.slug_of(name), at_key=True)


def _detectors(parts: Parts, built_in: frozenset[str] | None) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, detector in parts.patterns.items():
        at: Path = ("masking", "detectors", position)
        if detector.name in seen:
            yield Finding((*at, "name"), f"{detector.name} is in this list already; rename one")
        elif built_in and detector.name in built_in:
            yield Finding((*at, "name"), f"{detector.name} is built in; choose another name")
        seen.add(detector.name)
        try:
            custom_detector(CustomDetector(detector.name, detector.pattern, detector.category))
        except ValueError as error:
            yield Finding((*at, "pattern"), str(error).removeprefix("pattern "))
    for profile in sorted(
        {name for name, _ in parts.profile_detectors} | (parts.profile_names - set(schema.OPERATORS))
    ):
        keys = {key for name, key in parts.profile_detectors if name == profile}
        if "default" not in keys:
            what = "has no `default`: the operator for detectors that it does not name"
            yield Finding(("masking", "profiles", profile), what, at_key=True)
        if built_in is not None:
            for key in sorted(keys - built_in - seen - {"default"}):
                what = "is not a detector"
                yield Finding(
                    ("masking", "profiles", profile, key),
                    what,
                    nearest(key, built_in | seen | {"default"}),
                    at_key=True,
                )


def _rules(parts: Parts, built_in: frozenset[str] | None) -> Iterator[Finding]:
    seen: set[str] = set()
    own = {detector.name for detector in parts.patterns.values()}
    groups = frozenset(group for purpose in parts.purposes.values() for group in purpose.allow.groups)
    for position, rule in parts.rules.items():
        at: Path = ("rules", position)
        if rule.name in seen:
            yield Finding(
                (*at, "name"), f"{shown(rule.name)} is the name of an earlier rule; records must tell them apart"
            )
        seen.add(rule.name)
        yield from _rule_references(parts, (*at, "if"), rule.condition, None if built_in is None else built_in | own)
        yield from _consequence(at, rule)
        if not rule.condition.model_dump(exclude_defaults=True):
            yield Finding((*at, "if"), "has no condition; for a rule that always applies write `risk_at_least: 0`")
        for group in rule.condition.groups:
            if groups and group not in groups:
                what = f"no purpose allows the group {shown(group)}"
                yield Finding((*at, "if", "groups"), what, nearest(group, groups), warning=True)


def _rule_references(
    parts: Parts, at: Path, condition: schema.IfSection, detectors: frozenset[str] | None
) -> Iterator[Finding]:
    named = (
        ("connections", condition.connections, parts.connection_names, "connection"),
        ("purposes", condition.purposes, parts.purpose_names, "purpose"),
    )
    for key, names, known, kind in named:
        for place, name in enumerate(names):
            yield from _known((*at, key, place), name, known, kind)
    if detectors is not None:
        for place, name in enumerate(condition.detectors):
            if name not in detectors:
                yield Finding((*at, "detectors", place), f"{shown(name)} is not a detector", nearest(name, detectors))


def _consequence(at: Path, rule: schema.RuleSection) -> Iterator[Finding]:
    if rule.then is Outcome.HOLD:
        if rule.approvers is None:
            yield Finding((*at, "approvers"), "is missing: say who may release what is held")
        what = "approvals are not built yet: until they are, what is held is refused with approval_unavailable"
        yield Finding((*at, "then"), what, warning=True)
    elif rule.approvers is not None:
        yield Finding((*at, "approvers"), "is only for `then: hold`", at_key=True)
    if rule.then is Outcome.PERMIT:
        yield Finding((*at, "then"), "only records a match: purposes permit, and rules restrict", warning=True)


def _bounds(parts: Parts) -> Iterator[Finding]:
    if not parts.limits:
        return
    try:
        Limits(**parts.limits)  # type: ignore[arg-type]
    except ConfigurationError as error:
        yield Finding(("limits",), str(error).removeprefix("limits: "))
