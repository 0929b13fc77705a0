"""Our own upstream: whole answers where nginx is absent, and streams at a given rate.

Rule 1: it looks at as little as it can: length, and the model's name, which says what to answer.
Rule 2: streams that belong together begin together: each gets its first event at once, the clocks start when
        the last one is there. From then on event N is due N / rate later, whatever was late before.
"""

import asyncio
import re
from typing import ClassVar, Final, cast

import uvloop

from tests.bench.bodies import event, last_events, seen_answer, whole_answer
from tests.bench.children import READY

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MODEL: Final = re.compile(rb'"model": *"([a-z]+)(?:-(\d+)-(\d+)-(\d+))?"')
_STREAM_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_PHASES: Final = 64
"""Streams that began together are spread over the time between two events."""
_GRACE_S: Final = 0.25
"""From the last request to the first clock, for first events that are still on their way."""


def _json_answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_WHOLE: Final = _json_answer(whole_answer())


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Responder(asyncio.Protocol):
    """One connection; requests on it follow each other."""

    _waiting: ClassVar[list["Responder"]] = []

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self._every_s = 0.0
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self in self._waiting:
            self._waiting.remove(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        asked = _MODEL.search(body)
        kind = asked[1] if asked else b"whole"
        if kind == b"whole":
            self._transport.write(_WHOLE)
        elif kind == b"seen":
            self._transport.write(_json_answer(seen_answer(body)))
        else:
            self._transport.write(_STREAM_HEAD + _chunk(event(0)))
            if kind == b"events" and asked is not None:
                self._begin_together(int(asked[2]), int(asked[3]), int(asked[4]))

    def _begin_together(self, count: int, rate: int, together: int) -> None:
        self._count, self._every_s = count, 1 / rate
        self._waiting.append(self)
        if len(self._waiting) < together:
            return
        start = asyncio.get_running_loop().time() + _GRACE_S
        for place, each in enumerate(self._waiting):
            each._later(1, start + place % _PHASES / _PHASES * each._every_s)
        self._waiting.clear()

    def _later(self, number: int, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._due, number, due)

    def _due(self, number: int, due: float) -> None:
        if number < self._count:
            self._transport.write(_chunk(event(number)))
            self._later(number + 1, due + self._every_s)
        else:
            self._transport.write(_chunk(last_events()) + b"0\r\n\r\n")


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0, backlog=1024)
    print(f"{READY}{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
