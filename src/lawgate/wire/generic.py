"""Any JSON API: every path is one operation, every string is read, errors are RFC 9457 problems."""

from typing import Final

import msgspec

from lawgate.domain.errors import Refusal
from lawgate.wire.content_type import ContentKind
from lawgate.wire.problem import Header, error_headers, titled

GENERIC: Final = "generic"
DONE: Final = "[DONE]"

_encode = msgspec.json.Encoder().encode


class GenericWire:
    """See ``wire.protocol.Wire``."""

    skip: frozenset[str] = frozenset()
    withhold: frozenset[str] = frozenset({"logprobs", "top_logprobs"})
    strict_events: bool = False
    has_terminal_event: bool = False

    def operation(self, method: str, path: str) -> str:  # noqa: ARG002 - the protocol has no names
        """Always ``generic``."""
        return GENERIC

    def model(self, document: object) -> str | None:
        """The member ``model`` of an object, which most APIs have."""
        model = document.get("model") if isinstance(document, dict) else None
        return model if isinstance(model, str) else None

    def error(self, refusal: Refusal, exchange_id: str) -> tuple[bytes, list[Header]]:
        """A problem in JSON (RFC 9457)."""
        return _encode(_problem(refusal, exchange_id)), error_headers(refusal, "application/problem+json")

    def stream_error(self, refusal: Refusal, exchange_id: str, kind: ContentKind) -> bytes:
        """An event of type ``error``, or a line with a member ``error``, that holds the problem."""
        problem = _problem(refusal, exchange_id)
        if kind is ContentKind.NDJSON:
            return _encode({"error": problem}) + b"\n"
        return b"event: error\ndata: " + _encode({"type": "error", "error": problem}) + b"\n\n"

    def is_terminal(self, data: str) -> bool:
        """``[DONE]``, which many APIs took over from OpenAI's."""
        return data.strip() == DONE

    def is_finish(self, path: tuple[str | int, ...]) -> bool:  # noqa: ARG002 - the protocol has no names
        """Nothing is known to say so."""
        return False

    def stays_in_copy(self, name: str, value: object) -> bool:  # noqa: ARG002 - the protocol has no names
        """Everything plain: clients may require any of it."""
        return True


def _problem(refusal: Refusal, exchange_id: str) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": titled(refusal.code),
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code.value,
        "exchange_id": exchange_id,
    }
