from types import MappingProxyType
from typing import Any

import pytest

from lawgate.decide.risk import RiskProfile, assess, profile_risk
from lawgate.domain.processing import Connection, MaskProfile, Protocol, Recipient, RecipientRole, Safeguard
from tests.unit.decide.world import PROFILES, asked, connection, purpose


def profile(
    mask: MaskProfile | None = PROFILES["replace"], *, to: Connection | None = None, **more: Any
) -> RiskProfile:
    return profile_risk(purpose("p", "g", **more), to or connection("llm"), mask)


def names(given: RiskProfile, **facts: Any) -> dict[str, int]:
    return {factor.name: factor.weight for factor in assess(given, asked(**facts))}


def test_an_ordinary_request_has_no_risk() -> None:
    assert names(profile()) == {}


def test_what_is_known_beforehand() -> None:
    recipient = Recipient("X", RecipientRole.CONTROLLER, "US", "C", Safeguard.DEROGATION)
    to = Connection("x", Protocol.OPENAI, "https://x.example", recipient)
    assert names(profile(to=to, special_categories=("9-2-h",))) == {
        "special_categories": 30,
        "recipient_outside_eea": 20,
        "transfer_by_derogation": 10,
        "recipient_is_controller": 15,
    }


@pytest.mark.parametrize(("found", "weight"), [(1, 5), (4, 5), (5, 15), (19, 15), (20, 30), (10_000, 30)])
def test_identifiers_weigh_by_steps(found: int, weight: int) -> None:
    assert names(profile(), counts={"EMAIL": found}) == {"identifiers": weight}


@pytest.mark.parametrize(
    ("mask", "left"),
    [("replace", 0), ("keep", 30), ("keep-iban", 20), ("only-iban", 20)],
)
def test_unmasked_originals_are_those_that_the_profile_keeps(mask: str, left: int) -> None:
    weights = names(profile(PROFILES[mask]), counts={"EMAIL": 1, "IBAN": 4})
    assert weights["identifiers"] == 15
    assert weights.get("unmasked_originals", 0) == left


def test_without_a_profile_everything_leaves() -> None:
    assert names(profile(None), counts={"EMAIL": 20})["unmasked_originals"] == 40


def test_a_profile_that_keeps_everything_in_many_words_keeps_everything() -> None:
    mask = MaskProfile("k", "keep", MappingProxyType({"IBAN": "keep"}))
    assert names(profile(mask), counts={"IBAN": 1})["unmasked_originals"] == 20


def test_uninspected_bulk_and_tools() -> None:
    weights = names(profile(), not_inspected=2, tools=True, body_bytes=64 * 1024)
    assert weights == {"not_inspected": 30, "tool_use": 10, "bulk_input": 10}
    assert names(profile(), body_bytes=64 * 1024 - 1) == {}
    assert names(profile(), body_bytes=512 * 1024) == {"bulk_input": 20}


def test_each_factor_says_why_in_a_sentence() -> None:
    factors = assess(profile(PROFILES["keep"]), asked(counts={"EMAIL": 3}, tools=True, not_inspected=1))
    assert all(factor.reason.endswith(".") and " " in factor.reason for factor in factors)
    assert "3 identifiers" in factors[0].reason
