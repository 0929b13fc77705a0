"""Risk is a sum of named factors, each with the sentence that an approver reads.

Rule 1: every weight is in this file. Rule 2: a reason holds counts and names of detectors, never
content. The scale is open above 100; 60 is where the shipped example asks for a person.
"""

from dataclasses import dataclass
from typing import Final

from lawgate.decide.rule import DecisionInput
from lawgate.domain.decision import RiskFactor
from lawgate.domain.processing import Connection, MaskProfile, Purpose, RecipientRole, Safeguard
from lawgate.domain.territory import outside_eea

SPECIAL_CATEGORIES: Final = 30
OUTSIDE_EEA: Final = 20
DEROGATION: Final = 10
OWN_CONTROLLER: Final = 15
IDENTIFIERS: Final = ((20, 30), (5, 15), (1, 5))
"""(at least this many identifiers, weight), highest first."""
UNMASKED: Final = ((20, 40), (5, 30), (1, 20))
"""(at least this many originals that leave as they are, weight), highest first."""
NOT_INSPECTED: Final = 30
BULK_INPUT: Final = ((512 * 1024, 20), (64 * 1024, 10))
"""(body of at least this many bytes, weight), highest first."""
TOOLS: Final = 10

_UNREAD: Final = RiskFactor("not_inspected", NOT_INSPECTED, "Part of the request could not be read.")
_TOOLS: Final = RiskFactor("tool_use", TOOLS, "The model may call tools, which act outside this exchange.")


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """What is known of a purpose on a connection before any request: fixed factors, and what masking keeps."""

    fixed: tuple[RiskFactor, ...]
    fixed_weight: int
    keeps_all: bool
    kept: frozenset[str]
    """Detectors whose spans leave unmasked although the others' do not."""
    masked: frozenset[str] | None
    """When the default keeps: the detectors that are masked all the same; ``None``: the default masks."""


def profile_risk(purpose: Purpose, connection: Connection, mask: MaskProfile | None) -> RiskProfile:
    """Work out everything that does not depend on the request. ``mask`` is the request's; ``None`` masks nothing."""
    fixed = tuple(_fixed(purpose, connection))
    weight = sum(factor.weight for factor in fixed)
    if mask is None:
        return RiskProfile(fixed, weight, keeps_all=True, kept=frozenset(), masked=None)
    if mask.default == "keep":
        masked = frozenset(name for name, operator in mask.by_detector.items() if operator != "keep")
        return RiskProfile(fixed, weight, keeps_all=not masked, kept=frozenset(), masked=masked or None)
    kept = frozenset(name for name, operator in mask.by_detector.items() if operator == "keep")
    return RiskProfile(fixed, weight, keeps_all=False, kept=kept, masked=None)


def _fixed(purpose: Purpose, connection: Connection) -> list[RiskFactor]:
    """The factors of the purpose and of the recipient (Art. 9, 28 and 44 GDPR)."""
    factors = []
    recipient = connection.recipient
    if purpose.special_categories:
        reason = "The purpose declares special categories of data (Art. 9)."
        factors.append(RiskFactor("special_categories", SPECIAL_CATEGORIES, reason))
    if outside_eea(recipient.country):
        reason = f"The recipient is in {recipient.country}, outside the EEA (Chapter V)."
        factors.append(RiskFactor("recipient_outside_eea", OUTSIDE_EEA, reason))
    if recipient.safeguard is Safeguard.DEROGATION:
        reason = "The transfer rests on a derogation, which is for occasional transfers (Art. 49)."
        factors.append(RiskFactor("transfer_by_derogation", DEROGATION, reason))
    if recipient.role is RecipientRole.CONTROLLER:
        reason = "The recipient decides for itself what it does with the data."
        factors.append(RiskFactor("recipient_is_controller", OWN_CONTROLLER, reason))
    return factors


def assess(profile: RiskProfile, given: DecisionInput) -> tuple[RiskFactor, ...]:
    """The factors of one request, the fixed ones first."""
    if not (given.counts or given.not_inspected or given.tools or given.body_bytes >= BULK_INPUT[-1][0]):
        return profile.fixed
    factors = list(profile.fixed)
    if given.counts:
        _count_identifiers(profile, given, factors)
    if given.not_inspected:
        factors.append(_UNREAD)
    if given.tools:
        factors.append(_TOOLS)
    weight = _step(BULK_INPUT, given.body_bytes)
    if weight:
        factors.append(RiskFactor("bulk_input", weight, f"The request is {given.body_bytes // 1024} KiB long."))
    return tuple(factors)


def _count_identifiers(profile: RiskProfile, given: DecisionInput, factors: list[RiskFactor]) -> None:
    found = sum(given.counts.values())
    weight = _step(IDENTIFIERS, found)
    if weight:
        factors.append(RiskFactor("identifiers", weight, f"{found} identifiers were found in the request."))
    left = _unmasked(profile, given, found)
    weight = _step(UNMASKED, left)
    if weight:
        factors.append(RiskFactor("unmasked_originals", weight, f"{left} of them leave as they are, unmasked."))


def _unmasked(profile: RiskProfile, given: DecisionInput, found: int) -> int:
    """How many spans the request's masking profile lets through."""
    if profile.keeps_all:
        return found
    if profile.masked is not None:
        return sum(count for name, count in given.counts.items() if name not in profile.masked)
    if not profile.kept:
        return 0
    return sum(count for name, count in given.counts.items() if name in profile.kept)


def _step(steps: tuple[tuple[int, int], ...], value: int) -> int:
    for least, weight in steps:
        if value >= least:
            return weight
    return 0
