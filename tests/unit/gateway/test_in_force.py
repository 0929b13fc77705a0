"""A configuration in force is one value: it is swapped as a whole or not at all."""

from dataclasses import fields, is_dataclass

import pytest

from lawgate.gateway.in_force import InForce, PurposeInForce, Route
from tests.simulator import PlantedUpstream, in_force

MADE = in_force(PlantedUpstream(lambda *_step: None))


@pytest.mark.parametrize("value", [MADE, MADE.routes["llm"], MADE.routes["llm"].purposes["answer-customers"]])
def test_nothing_in_it_can_be_replaced(value: object) -> None:
    assert isinstance(value, InForce | Route | PurposeInForce)
    assert is_dataclass(value)
    for each in fields(value):
        with pytest.raises(AttributeError):
            setattr(value, each.name, None)


def test_a_purpose_in_force_belongs_to_its_route() -> None:
    route = MADE.routes["llm"]
    for name, purpose in route.purposes.items():
        assert purpose.grounds.purpose.name == name
        assert purpose.grounds.connection is route.connection


def test_two_configurations_share_no_purpose() -> None:
    other = in_force(PlantedUpstream(lambda *_step: None))
    assert other.routes["llm"].purposes["answer-customers"] is not MADE.routes["llm"].purposes["answer-customers"]
