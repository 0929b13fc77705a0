"""An upstream on a thread of the test's own process, which keeps every byte that crossed it.

Rule 1: what it answers in OpenAI's API is the demo's model; the rest of its routes are below.
Rule 2: it records outside of the application, at the server's edge: what arrived and what left, as bytes.
Rule 3: a test finds its own requests by the exchange id that the gateway sends along, never by order.
"""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lawgate.demo.model import model as demo_model

START_S: Final = 10.0
EMAIL: Final = "sam.berg@claims.example"
IBAN: Final = "DE89 3704 0044 0532 0130 00"
"""What the answers say of their own accord, here and in the demo's model."""
PICTURE: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64


@dataclass
class Seen:
    """One request as it arrived, and what was answered."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    status: int = 0
    answer: bytes = b""
    gone: bool = False

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ModelServer:
    """Where it is and what it saw."""

    url: str
    seen: list[Seen] = field(default_factory=list)

    def of(self, exchange: str | None) -> Seen:
        """The one request of an exchange."""
        (found,) = self.all_of(exchange)
        return found

    def all_of(self, exchange: str | None) -> list[Seen]:
        assert exchange, "the answer named no exchange"
        return [each for each in list(self.seen) if each.header("lawgate-exchange-id") == exchange]

    def calls(self, model: str) -> list[Seen]:
        """Requests that asked for a model."""
        needle = json.dumps(model).encode()
        return [each for each in list(self.seen) if needle in each.body]


class Recorder:
    """ASGI middleware that keeps the bytes of both directions."""

    def __init__(self, app: ASGIApp, seen: list[Seen]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        it = Seen(scope["method"], scope["path"], scope["query_string"].decode(), headers)
        self._seen.append(it)

        async def receiving() -> Message:
            message = await receive()
            it.body += message.get("body", b"")
            it.gone = it.gone or message["type"] == "http.disconnect"
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                it.status = message["status"]
            it.answer += message.get("body", b"")
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        except DiedError:
            return  # uvicorn closes a connection whose answer was not ended


@contextmanager
def running_model(tls: ssl.SSLContext | None = None) -> Iterator[ModelServer]:
    """Serve on a free port of loopback until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    it = ModelServer(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        Recorder(application(), it.seen),
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="model", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive(), "the model server did not start"
        assert time.monotonic() < deadline, "the model server did not start in time"
        time.sleep(0.01)
    try:
        yield it
    finally:
        server.should_exit = True
        thread.join(START_S)
        listener.close()
        assert not thread.is_alive(), "the model server did not end"


# ---- what it answers ------------------------------------------------------------------------


def application() -> Starlette:
    """The demo's model at ``/v1``, a JSON API that nobody knows at ``/api``."""
    demo = demo_model()

    async def chat(request: Request) -> Response:
        return await _chat(request, demo)

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/api/echo", _echo, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/api/events", _events, methods=["POST"]),
            Route("/api/lines", _lines, methods=["POST"]),
            Route("/api/picture", _picture, methods=["GET", "POST"]),
            Route("/api/html", _html),
            Mount("/", demo),
        ],
    )


async def _chat(request: Request, demo: Starlette) -> Response:
    """The demo's answer, unless the model's name asks for a status or for a long wait.

    ``status-503`` answers that; ``status-503-no`` says ``x-should-retry: false`` besides; ``wait`` never answers;
    ``dies`` closes the connection in the middle of a stream, ``stops`` ends the stream there as if that were all,
    ``mute`` ends it before its first event.
    """
    body = await request.body()
    name = str(json.loads(body).get("model", ""))
    if name == "wait":
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response(status_code=500)
    if name in {"dies", "stops", "mute"}:
        return StreamingResponse(_dying(name), media_type="text/event-stream")
    if name.startswith("status-"):
        return _failure(name)
    return _Passed(demo, body)


class DiedError(Exception):
    """Ends a connection without the end of its answer, as a crash does."""


async def _dying(name: str) -> AsyncIterator[bytes]:
    if name == "mute":
        return
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "dies"}
    for piece in ("Write to ", EMAIL[:7], EMAIL[7:], " soon.", " And then, "):
        choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
        yield b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"
        await asyncio.sleep(0.05)
    if name == "dies":
        raise DiedError


def _failure(name: str) -> Response:
    _, status, *told = name.split("-")
    error = {"message": f"Ask {EMAIL} why.", "type": "upstream_said", "param": None, "code": f"was_{status}"}
    headers = {"retry-after-ms": "10", "x-request-id": "req_of_the_upstream", "set-cookie": "a=b", "server": "secret/1"}
    if told:
        headers["x-should-retry"] = "false"
    return JSONResponse({"error": error}, int(status), headers)


class _Passed(Response):
    """What another application answers to a body that was read already."""

    def __init__(self, app: ASGIApp, body: bytes) -> None:
        super().__init__()
        self._app = app
        self._given = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": self._given, "more_body": False}

        await self._app(scope, again, send)


async def _echo(request: Request) -> Response:
    body = await request.body()
    said = {"method": request.method, "you_sent": json.loads(body) if body else None, "contact": [EMAIL, {"to": IBAN}]}
    return JSONResponse(said, headers={"x-ratelimit-remaining": "7", "etag": '"of-the-unmasked"'})


async def _events(request: Request) -> Response:
    await request.body()

    async def said() -> AsyncIterator[bytes]:
        yield b": hello\n\nevent: start\nid: 1\ndata: " + json.dumps({"from": EMAIL}).encode() + b"\n\n"
        for piece in (EMAIL[:7], EMAIL[7:] + " and ", IBAN[:9], IBAN[9:], " as agreed."):
            yield b"event: token\ndata: " + json.dumps({"text": piece}).encode() + b"\n\n"
            await asyncio.sleep(0)
        yield b"event: done\ndata: {}\n\n"

    return StreamingResponse(said(), media_type="text/event-stream")


async def _lines(request: Request) -> Response:
    await request.body()

    async def said() -> AsyncIterator[bytes]:
        for piece in (EMAIL[:7], EMAIL[7:] + " and ", IBAN[:9], IBAN[9:], " as agreed."):
            yield json.dumps({"model": "m", "response": piece, "done": False}).encode() + b"\n"
        yield json.dumps({"model": "m", "response": "", "done": True}).encode() + b"\n"

    return StreamingResponse(said(), media_type="application/x-ndjson")


async def _picture(request: Request) -> Response:
    await request.body()
    return Response(PICTURE, media_type="image/png")


async def _html(_request: Request) -> Response:
    return Response(f"<p>{EMAIL}</p>", media_type="text/html")
