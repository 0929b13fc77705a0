"""A model for trials that speaks OpenAI's API: models, chat completions (JSON and events), embeddings.

Rule 1: what it says is decided in ``replies.py``, what it calculates in ``vectors.py``; here is HTTP only.
Rule 2: it remembers the last exchanges, so that a story or a test can show what reached it. ``/demo/seen``
        tells them to callers on this machine only; to others the path does not exist.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lawgate.demo.replies import AskedWronglyError, Reply, events, reply_to, whole
from lawgate.demo.vectors import embeddings
from lawgate.identify.metadata import is_loopback

NAME: Final = "demo"
BODY_B_MAX: Final = 32 * 1024 * 1024
SEEN_MAX: Final = 16
SEEN_B_MAX: Final = 64 * 1024
PIECES_SEEN_MAX: Final = 1000
CREATED: Final = 1_767_225_600

_JSON: Final = "application/json"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class Seen(msgspec.Struct):
    """One request as it arrived, and the pieces that were answered to a chat."""

    exchange: str | None
    path: str
    body: str
    pieces: list[str] = []


class Model:
    """The endpoints, the numbering of answers, and the memory."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._seen: deque[Seen] = deque(maxlen=SEEN_MAX)

    async def models(self, request: Request) -> Response:
        listed = {"id": NAME, "object": "model", "created": CREATED, "owned_by": "lawgate"}
        if "name" not in request.path_params:
            return _json({"object": "list", "data": [listed]})
        return _json(listed) if request.path_params["name"] == NAME else _error(404, "there is one model: demo")

    async def chat(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        seen, asked = await self._received(request)
        reply = reply_to(asked)
        seen.pieces = list(reply.pieces[:PIECES_SEEN_MAX])
        number, now = next(self._numbers), int(time.time())
        if not reply.stream:
            return Response(whole(reply, number, now), media_type=_JSON)
        headers = {"cache-control": "no-cache"}
        return StreamingResponse(_paced(reply, number, now), media_type="text/event-stream", headers=headers)

    async def embed(self, request: Request) -> Response:
        """``POST /v1/embeddings``."""
        _, asked = await self._received(request)
        return _json(embeddings(asked))

    async def seen(self, request: Request) -> Response:
        """``GET /demo/seen``: the last requests, the oldest first."""
        if request.client is None or not is_loopback(request.client.host):
            return _error(404, "there is nothing here")
        return _json(list(self._seen))

    async def _received(self, request: Request) -> tuple[Seen, Any]:
        body = await _body(request)
        seen = Seen(
            request.headers.get("lawgate-exchange-id"), request.url.path, body[:SEEN_B_MAX].decode("utf-8", "replace")
        )
        self._seen.append(seen)
        try:
            return seen, _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise AskedWronglyError("the body is not JSON") from None


def model() -> Starlette:
    """The application, with a memory of its own."""
    it = Model()
    return Starlette(
        routes=[
            Route("/v1/models", it.models),
            Route("/v1/models/{name}", it.models),
            Route("/v1/chat/completions", it.chat, methods=["POST"]),
            Route("/v1/embeddings", it.embed, methods=["POST"]),
            Route("/demo/seen", it.seen),
        ],
        exception_handlers={AskedWronglyError: _asked_wrongly, 404: _not_found, 405: _not_found},
    )


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    received_b = 0
    async for chunk in request.stream():
        received_b += len(chunk)
        if received_b > BODY_B_MAX:
            raise AskedWronglyError(f"the body is longer than {BODY_B_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _paced(reply: Reply, number: int, now: int) -> AsyncIterator[bytes]:
    for event in events(reply, number, now):
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        yield event


def _json(value: object) -> Response:
    return Response(_encode(value), media_type=_JSON)


def _error(status: int, message: str) -> Response:
    """An error with the members of OpenAI's own."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Response(_encode({"error": error}), status, media_type=_JSON)


async def _asked_wrongly(_request: Request, error: Exception) -> Response:
    return _error(400, str(error))


async def _not_found(_request: Request, _error_raised: Exception) -> Response:
    return _error(404, "this model has /v1/models, /v1/chat/completions and /v1/embeddings")
