import pytest

from lawgate.domain.processing import Protocol
from lawgate.wire.generic import GenericWire
from lawgate.wire.openai import OpenAiWire
from lawgate.wire.protocol import wire_for


@pytest.mark.parametrize("protocol", list(Protocol))
def test_every_protocol_of_a_configuration_has_a_wire(protocol: Protocol) -> None:
    assert wire_for(protocol).operation("POST", "/nobody/knows/this") == "generic"


def test_protocols_have_their_own_wire() -> None:
    assert isinstance(wire_for(Protocol.OPENAI), OpenAiWire)
    assert isinstance(wire_for(Protocol.GENERIC), GenericWire)
