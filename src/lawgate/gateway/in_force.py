"""The configuration in force: everything an exchange needs, prepared once and swapped as a whole.

Rule 1: an exchange takes one ``InForce`` at its start and keeps it to its end, so that a reload never
        changes the rules under a request.
Rule 2: what can be computed when the configuration is accepted is not computed per request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lawgate.decide.policy import Policy
from lawgate.domain.limits import Limits
from lawgate.domain.processing import Connection
from lawgate.exchange.facts import Grounds
from lawgate.mask.masker import Masker
from lawgate.ports import Upstream
from lawgate.wire.protocol import Wire


@dataclass(frozen=True, slots=True)
class PurposeInForce:
    """A purpose on one connection, ready to mask and to record."""

    grounds: Grounds
    request_masker: Masker
    answer_masker: Masker
    withhold: frozenset[str]
    """Members of answers that repeat the text in pieces, and leave as ``null`` where answers are masked."""
    clean_targets: set[str] = field(default_factory=set)
    """Request targets in which nothing personal was found, so that they need no second look."""


@dataclass(frozen=True, slots=True)
class Route:
    """A connection, ready to be used."""

    connection: Connection
    wire: Wire
    upstream: Upstream
    purposes: Mapping[str, PurposeInForce]


@dataclass(frozen=True, slots=True)
class InForce:
    """One accepted configuration. ``digest`` is the one that its entry in the log carries."""

    digest: str
    policy: Policy
    routes: Mapping[str, Route]
    limits: Limits
    detection_digest: str
    fallback_wire: Wire
    """Shapes the refusals of requests that name no connection of ours."""
