"""OpenAI's API: paths, errors and the parts of its streams.

Rule 1: a path that is not named here is ``generic``: walked in full, never waved through.
Rule 2: an error has the members of OpenAI's own, so that every SDK raises its own exception.
"""

from typing import Final

import msgspec

from lawgate.domain.errors import Refusal
from lawgate.wire.content_type import ContentKind
from lawgate.wire.generic import DONE, GENERIC
from lawgate.wire.problem import Header, error_headers
from lawgate.wire.tracks import is_position

_OPERATIONS: Final = {
    ("POST", "chat/completions"): "chat.completions",
    ("POST", "completions"): "completions",
    ("POST", "embeddings"): "embeddings",
    ("POST", "responses"): "responses",
    ("GET", "models"): "models.list",
}

_ERROR_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_SERVER_ERROR_STATUS_MIN: Final = 500

_encode = msgspec.json.Encoder().encode


class OpenAiWire:
    """See ``wire.protocol.Wire``."""

    skip: frozenset[str] = frozenset({"id", "object", "created", "system_fingerprint", "obfuscation"})
    withhold: frozenset[str] = frozenset({"logprobs", "top_logprobs"})
    strict_events: bool = True
    has_terminal_event: bool = True

    def operation(self, method: str, path: str) -> str:
        """The name of the API's resource and method; a leading version segment is not looked at."""
        segments = [segment for segment in path.partition("?")[0].split("/") if segment]
        if segments[:1] and segments[0].startswith("v") and segments[0][1:].isdigit():
            del segments[0]
        if method == "GET" and len(segments) == 2 and segments[0] == "models":  # noqa: PLR2004 - models/{id}
            return "models.retrieve"
        return _OPERATIONS.get((method, "/".join(segments)), GENERIC)

    def model(self, document: object) -> str | None:
        """The member ``model``, if it is a string."""
        model = document.get("model") if isinstance(document, dict) else None
        return model if isinstance(model, str) else None

    def error(self, refusal: Refusal, exchange_id: str) -> tuple[bytes, list[Header]]:
        """``{"error": {...}}`` as the API itself answers."""
        return _encode(_error(refusal, exchange_id)), error_headers(refusal, "application/json")

    def stream_error(self, refusal: Refusal, exchange_id: str, kind: ContentKind) -> bytes:
        """An event whose data has a member ``error``: the SDKs raise ``APIError`` on it."""
        error = _encode(_error(refusal, exchange_id))
        return error + b"\n" if kind is ContentKind.NDJSON else b"data: " + error + b"\n\n"

    def is_terminal(self, data: str) -> bool:
        """``[DONE]``; SDKs strip it or compare its beginning."""
        return data.strip() == DONE

    def is_finish(self, path: tuple[str | int, ...]) -> bool:
        """``choices[i].finish_reason``."""
        return path[-1:] == ("finish_reason",)

    def stays_in_copy(self, name: str, value: object) -> bool:
        """Only what tells tracks apart: clients join the names and ids of deltas, so none may come twice."""
        return value is None or name == "type" or is_position(name)


def _error(refusal: Refusal, exchange_id: str) -> dict[str, object]:
    status = refusal.status
    kind = "server_error" if status >= _SERVER_ERROR_STATUS_MIN else "invalid_request_error"
    return {
        "error": {
            "message": refusal.message,
            "type": _ERROR_TYPES.get(status, kind),
            "param": None,
            "code": refusal.code.value,
            "exchange_id": exchange_id,
        }
    }
