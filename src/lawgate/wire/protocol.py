"""What the exchange asks of an inference protocol.

Rule 1: a wire knows shapes, never policy: it neither decides nor masks.
Rule 2: a path or an event that it does not know is the generic protocol's, which reads everything.
"""

from typing import Protocol

from lawgate.domain import processing
from lawgate.domain.errors import Refusal
from lawgate.wire.content_type import ContentKind
from lawgate.wire.generic import GenericWire
from lawgate.wire.openai import OpenAiWire

Header = tuple[str, str]


class Wire(Protocol):
    """One protocol: bytes and paths to words, refusals to its own error shape."""

    @property
    def skip(self) -> frozenset[str]:
        """Top-level members of an answer whose plain values the upstream makes up (``id``)."""
        ...

    @property
    def withhold(self) -> frozenset[str]:
        """Members of an answer that repeat its text in pieces that masking cannot follow."""
        ...

    @property
    def strict_events(self) -> bool:
        """Whether the data of every event but the terminal one must be JSON."""
        ...

    @property
    def has_terminal_event(self) -> bool:
        """Whether every stream of events ends in one that says so."""
        ...

    def operation(self, method: str, path: str) -> str:
        """What a request does, ``generic`` if the protocol does not name it; ``path`` is the upstream's."""
        ...

    def model(self, document: object) -> str | None:
        """The model that a decoded request body asks for."""
        ...

    def error(self, refusal: Refusal, exchange_id: str) -> tuple[bytes, list[Header]]:
        """A refusal as body and header fields that this protocol's clients understand."""
        ...

    def stream_error(self, refusal: Refusal, exchange_id: str, kind: ContentKind) -> bytes:
        """A refusal as the last event of a stream that has begun."""
        ...

    def is_terminal(self, data: str) -> bool:
        """Whether an event with this data ends the stream for every client."""
        ...

    def is_finish(self, path: tuple[str | int, ...]) -> bool:
        """Whether a string at ``path`` says that the choice around it is complete."""
        ...

    def stays_in_copy(self, name: str, value: object) -> bool:
        """Whether a plain member survives in a copy of an event that carries only held text."""
        ...


_WIRES: dict[processing.Protocol, Wire] = {
    processing.Protocol.OPENAI: OpenAiWire(),
    processing.Protocol.GENERIC: GenericWire(),
}


def wire_for(protocol: processing.Protocol) -> Wire:
    """The wire of a connection's protocol."""
    return _WIRES[protocol]
