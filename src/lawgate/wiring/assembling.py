"""One frozen configuration -> the objects that an exchange uses.

Rule: everything here is built anew for each accepted configuration and swapped as a whole; what must
outlive a reload (store, pool, issuers' keys) is handed in.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lawgate.config.settings import Config, IssuerSettings
from lawgate.domain.processing import Connection, MaskProfile, Purpose
from lawgate.domain.processing import Protocol as WireName
from lawgate.exchange.content import withheld_members
from lawgate.exchange.facts import grounds
from lawgate.gateway.in_force import InForce, PurposeInForce, Route
from lawgate.idp.fetch import HttpFetch
from lawgate.idp.identifier import TokenIdentifier
from lawgate.idp.oidc import OidcIssuer
from lawgate.mask.engine import Detection, compile_detection
from lawgate.mask.masker import Masker
from lawgate.ports import ApiKeyLookup
from lawgate.upstream.endpoint import Endpoint
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.target import Proxy, UpstreamTarget, UpstreamTls
from lawgate.wire.protocol import wire_for

_MASK_KEY_LABEL: Final = b"lawgate/v1/mask"


@dataclass(frozen=True, slots=True)
class Assembled:
    """What one configuration became."""

    in_force: InForce
    identifier: TokenIdentifier
    targets: frozenset[UpstreamTarget]


def mask_key(index_key: bytes) -> bytes:
    """The key of pseudonyms: the same on every node of an installation and after every restart."""
    return hmac.digest(index_key, _MASK_KEY_LABEL, hashlib.sha256)


def assemble(
    config: Config,
    *,
    pool: UpstreamPool,
    api_keys: ApiKeyLookup,
    index_key: bytes,
    issuers: dict[IssuerSettings, OidcIssuer],
) -> Assembled:
    """Build everything; ``issuers`` keeps the fetched keys of providers that did not change.

    Raises ``ConfigurationError``.
    """
    detection = compile_detection(custom=config.detectors)
    maskers = _Maskers(detection, config.profiles, mask_key(index_key))
    digest = config.policy.digest
    targets: list[UpstreamTarget] = []
    routes: dict[str, Route] = {}
    for name, connection in config.connections.items():
        target, endpoint = _endpoint(connection, config, pool)
        targets.append(target)
        used = [purpose for purpose in config.purposes.values() if name in purpose.connections]
        routes[name] = Route(
            connection, wire_for(connection.protocol), endpoint, _purposes(used, connection, maskers, digest)
        )
    in_force = InForce(
        digest=config.digest,
        policy=config.policy,
        routes=routes,
        limits=config.limits,
        detection_digest=detection.digest,
        fallback_wire=wire_for(WireName.OPENAI),
    )
    return Assembled(in_force, _identifier(config.identity, api_keys, issuers), frozenset(targets))


class _Maskers:
    """One masker per profile, shared by the purposes that name it."""

    def __init__(self, detection: Detection, profiles: Mapping[str, MaskProfile], key: bytes) -> None:
        self._detection = detection
        self._profiles = profiles
        self._key = key
        self._made: dict[str | None, Masker] = {}

    def get(self, profile: str | None) -> Masker:
        masker = self._made.get(profile)
        if masker is None:
            named = None if profile is None else self._profiles[profile]
            masker = self._made[profile] = Masker(self._detection, named, self._key)
        return masker

    def withheld(self, profile: str | None, connection: Connection) -> frozenset[str]:
        if profile is None:
            return frozenset()
        return withheld_members(wire_for(connection.protocol), self._profiles[profile])


def _purposes(
    used: Iterable[Purpose], connection: Connection, maskers: _Maskers, policy_digest: str
) -> dict[str, PurposeInForce]:
    return {
        purpose.name: PurposeInForce(
            grounds(purpose, connection, policy_digest),
            maskers.get(purpose.mask_request),
            maskers.get(purpose.mask_answer),
            maskers.withheld(purpose.mask_answer, connection),
        )
        for purpose in used
    }


def _endpoint(connection: Connection, config: Config, pool: UpstreamPool) -> tuple[UpstreamTarget, Endpoint]:
    tls = UpstreamTls(connection.ca_file, connection.pin_sha256, connection.client_certificate, connection.client_key)
    proxy = Proxy.from_url(connection.proxy) if connection.proxy else None
    target, prefix = UpstreamTarget.from_url(connection.upstream, tls, proxy)
    return target, Endpoint(pool, target, prefix, _credential(connection, config))


def _credential(connection: Connection, config: Config) -> list[tuple[bytes, bytes]]:
    if connection.credential_ref is None:
        return []
    secret = config.secrets.get(connection.credential_ref)
    scheme = connection.credential_scheme
    value = f"{scheme} {secret}" if scheme else secret
    return [(connection.credential_header.lower().encode("ascii"), value.encode("ascii"))]


def _identifier(
    settings: Iterable[IssuerSettings], api_keys: ApiKeyLookup, known: dict[IssuerSettings, OidcIssuer]
) -> TokenIdentifier:
    pairs = []
    for each in settings:
        source = known.get(each)
        if source is None:
            fetch = HttpFetch(ca_file=each.ca_file, allow_http=each.allow_cleartext)
            source = known[each] = OidcIssuer(each.policy.issuer, fetch, allow_http=each.allow_cleartext)
        pairs.append((each.policy, source))
    return TokenIdentifier(pairs, api_keys)
