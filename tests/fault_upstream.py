"""An upstream that misbehaves on demand, and remembers every request it saw.

Rule 1: it speaks bytes on sockets of its own; no HTTP library may repair what it says.
Rule 2: a request asks for its treatment with the member ``model``: the name of a function below.
Rule 3: what it saw is kept outside of the gateway's process, so a crash of the gateway cannot change it.
"""

import asyncio
import gzip
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

PERSON: Final = "eve.answer@answers.example"
"""Personal data that the upstream says of its own accord."""
RECITED: Final = (
    PERSON,
    "+49 30 23125 777",
    "DE02 1203 0000 0000 2020 51",
    "5105 1051 0510 5100",
    "198.51.100.77",
    "2001:db8:77::8a2e:370:7334",
    "536-22-7777",
)
"""What the treatments that recite say of people."""
PATIENCE_S: Final = 60.0
CHUNKED_STREAM: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Seen:
    """One request: recorded before its first answer byte. ``gone`` says that the gateway closed first."""

    exchange: str
    head: bytes
    body: bytes
    model: str
    gone: threading.Event = field(default_factory=threading.Event)


class Turn:
    """One request on its connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        self.reader = reader
        self.writer = writer
        self.seen = seen

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
        await self.writer.drain()

    async def answer(self, body: bytes, content_type: str = "application/json", *fields: bytes) -> None:
        head = [b"HTTP/1.1 200 OK", b"Content-Type: " + content_type.encode(), b"Content-Length: %d" % len(body)]
        await self.send(b"\r\n".join([*head, *fields, b"", body]))

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def event(self, document: object) -> None:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        await self.chunk(b"data: " + data + b"\n\n")

    async def hang(self) -> None:
        """Say nothing more until the gateway leaves."""
        try:
            while await asyncio.wait_for(self.reader.read(4096), PATIENCE_S):
                pass
        except (ConnectionError, TimeoutError):
            pass
        self.seen.gone.set()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


def completion(text: str) -> dict[str, Any]:
    """A chat completion in OpenAI's shape."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def delta(text: str | None, finish: str | None = None) -> dict[str, Any]:
    """A chunk of a streamed chat completion."""
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


GOOD: Final = json.dumps(completion(f"Write to {PERSON} today.")).encode()
Treatment = Callable[[Turn], Awaitable[bool | None]]
"""Returns true when the connection may be used again."""
TREATMENTS: Final[dict[str, Treatment]] = {}


def treatment(function: Treatment) -> Treatment:
    TREATMENTS[getattr(function, "__name__", "")] = function
    return function


# ---- good ones ------------------------------------------------------------------------------


@treatment
async def answer(turn: Turn) -> bool:
    said = turn.seen.body.decode("utf-8", "replace")[-80:]
    await turn.answer(json.dumps(completion(f"Write to {PERSON} today. {said}")).encode())
    return True


async def _events(turn: Turn, count: int, pause_s: float) -> None:
    await turn.send(CHUNKED_STREAM)
    for number in range(count):
        await turn.event(delta(f"word {number}, write to eve.{number}@answers.example now. "))
        await asyncio.sleep(pause_s)


async def _end_stream(turn: Turn) -> bool:
    await turn.event(delta(None, "stop"))
    await turn.event(b"[DONE]")
    await turn.send(b"0\r\n\r\n")
    return True


@treatment
async def stream(turn: Turn) -> bool:
    await _events(turn, 12, 0.002)
    return await _end_stream(turn)


@treatment
async def stream_slowly(turn: Turn) -> bool:
    await _events(turn, 30, 0.05)
    return await _end_stream(turn)


@treatment
async def no_length(turn: Turn) -> None:
    """Legal: the body ends with the connection."""
    await turn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", GOOD)


@treatment
async def rate_limited(turn: Turn) -> bool:
    body = b'{"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}'
    head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    await turn.send(head % len(body), body)
    return True


# ---- personal data --------------------------------------------------------------------------


@treatment
async def recite(turn: Turn) -> bool:
    await turn.answer(json.dumps(completion("; ".join(RECITED))).encode())
    return True


@treatment
async def recite_in_stream(turn: Turn) -> bool:
    """Cut into pieces of three characters, so that no event holds a whole value."""
    text = "; ".join(RECITED) + "; "
    await turn.send(CHUNKED_STREAM)
    for at in range(0, len(text), 3):
        await turn.event(delta(text[at : at + 3]))
    return await _end_stream(turn)


@treatment
async def recite_and_leave(turn: Turn) -> None:
    """The stream breaks within a value."""
    await turn.send(CHUNKED_STREAM)
    for value in RECITED:
        await turn.event(delta(value + "; "))
    await turn.event(delta(PERSON[:8]))


@treatment
async def recite_nonsense(turn: Turn) -> bool:
    await turn.answer(b'{"error": ' + "; ".join(RECITED).encode())
    return True


@treatment
async def recite_in_head(turn: Turn) -> None:
    """Where a protocol error could quote it."""
    await turn.send(b"HTTP/1.1 2OO " + "; ".join(RECITED).encode() + b"\r\n\r\n")


@treatment
async def recite_in_error(turn: Turn) -> bool:
    body = json.dumps({"error": {"message": "; ".join(RECITED), "code": "invalid"}}).encode()
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nX-Person: %b\r\nContent-Length: %d\r\n\r\n"
    await turn.send(head % (PERSON.encode(), len(body)), body)
    return True


# ---- silence --------------------------------------------------------------------------------


@treatment
async def hang(turn: Turn) -> None:
    await turn.hang()


@treatment
async def hang_in_head(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await turn.hang()


@treatment
async def hang_in_body(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n", GOOD[:20])
    await turn.hang()


@treatment
async def hang_in_stream(turn: Turn) -> None:
    await _events(turn, 3, 0.01)
    await turn.hang()


@treatment
async def stream_for_ever(turn: Turn) -> None:
    try:
        await _events(turn, 1_000_000, 0.01)
    except ConnectionError:
        turn.seen.gone.set()


# ---- leaving early --------------------------------------------------------------------------


@treatment
async def close_at_once(turn: Turn) -> None:
    """The request was read, nothing is said."""


@treatment
async def close_in_head(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/j")


@treatment
async def close_in_body(turn: Turn) -> None:
    """Lies about its length: less comes than was said."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    await turn.send(head % (len(GOOD) + 400), GOOD)


@treatment
async def close_in_chunk(turn: Turn) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await turn.send(head, b"200\r\n" + GOOD[:40])


@treatment
async def close_in_stream(turn: Turn) -> None:
    await _events(turn, 3, 0.01)


@treatment
async def reset_in_stream(turn: Turn) -> None:
    await _events(turn, 3, 0.01)
    turn.reset()


@treatment
async def stream_without_end(turn: Turn) -> bool:
    """The framing is whole, the protocol's last event is missing."""
    await _events(turn, 3, 0.01)
    await turn.send(b"0\r\n\r\n")
    return True


# ---- nonsense -------------------------------------------------------------------------------


@treatment
async def garbage(turn: Turn) -> None:
    await turn.send(bytes(range(256)) * 8)


@treatment
async def http_2(turn: Turn) -> None:
    await turn.send(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x10\x00\x00" * 4)


@treatment
async def strange_status(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n")


@treatment
async def switching(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")


@treatment
async def interim_flood(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200)


@treatment
async def length_too_short(turn: Turn) -> None:
    """Lies about its length: more comes than was said; the cut makes the JSON unreadable."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    await turn.send(head, GOOD)


@treatment
async def second_answer(turn: Turn) -> None:
    """A whole answer with another, unasked, behind it."""
    await turn.answer(GOOD)
    await turn.answer(b'{"poison": true}')
    await turn.hang()


@treatment
async def both_lengths(turn: Turn) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    await turn.send(head % len(GOOD), b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD))


@treatment
async def two_lengths(turn: Turn) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nContent-Length: 7\r\n\r\n"
    await turn.send(head % len(GOOD), GOOD)


@treatment
async def bad_chunk(turn: Turn) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await turn.send(head, b"zz\r\n", GOOD)


@treatment
async def bad_chunk_in_stream(turn: Turn) -> None:
    await _events(turn, 3, 0.01)
    await turn.send(b"not a size\r\n")


@treatment
async def huge_head(turn: Turn) -> None:
    """One megabyte of header fields."""
    try:
        await turn.send(b"HTTP/1.1 200 OK\r\n", (b"X-Filler: " + b"a" * 1012 + b"\r\n") * 1024, b"\r\n")
    except ConnectionError:
        turn.seen.gone.set()


@treatment
async def huge_body(turn: Turn) -> None:
    """Longer than the configured ``answer_b_max``, without saying so before."""
    await turn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        for _ in range(64):
            await turn.chunk(b" " * 65_536)
        await turn.send(b"0\r\n\r\n")
    except ConnectionError:
        turn.seen.gone.set()


@treatment
async def folded_field(turn: Turn) -> None:
    await turn.send(b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: %d\r\n\r\n" % len(GOOD), GOOD)


# ---- wrong content --------------------------------------------------------------------------


@treatment
async def malformed_json(turn: Turn) -> bool:
    await turn.answer(b'{"id": "c1", "choices": [' + PERSON.encode())
    return True


@treatment
async def endless_nesting(turn: Turn) -> bool:
    await turn.answer(b"[" * 200_000)
    return True


@treatment
async def invalid_utf8(turn: Turn) -> bool:
    await turn.answer(b'{"text": "' + PERSON.encode() + b' \xff\xfe\xc3\x28"}')
    return True


@treatment
async def wrong_charset(turn: Turn) -> bool:
    await turn.answer(GOOD.decode().encode("utf-16"), "application/json; charset=utf-16")
    return True


@treatment
async def gzipped(turn: Turn) -> bool:
    await turn.answer(gzip.compress(GOOD), "application/json", b"Content-Encoding: gzip\r\n")
    return True


@treatment
async def gzipped_in_secret(turn: Turn) -> bool:
    await turn.answer(gzip.compress(GOOD))
    return True


@treatment
async def picture(turn: Turn) -> bool:
    await turn.answer(b"\x89PNG\r\n\x1a\n" + PERSON.encode(), "image/png")
    return True


@treatment
async def malformed_event(turn: Turn) -> bool:
    await _events(turn, 3, 0.01)
    await turn.event(b'{"choices": [' + PERSON.encode())
    await turn.send(b"0\r\n\r\n")
    return True


@treatment
async def invalid_utf8_event(turn: Turn) -> bool:
    await _events(turn, 3, 0.01)
    await turn.event(b'{"choices": [{"delta": {"content": "\xff\xfe"}}]}')
    await turn.send(b"0\r\n\r\n")
    return True


@treatment
async def event_without_end(turn: Turn) -> None:
    """One event that never ends: a line that grows and grows."""
    await _events(turn, 3, 0.01)
    try:
        await turn.chunk(b"data: ")
        for _ in range(1024):
            await turn.chunk(b"x" * 65_536)
    except ConnectionError:
        turn.seen.gone.set()


# ---- the server -----------------------------------------------------------------------------


class FaultUpstream:
    """A listener on a thread of its own."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0
        self.dead: list[BaseException] = []
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="fault-upstream", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def saw(self, exchange: str) -> list[Seen]:
        return [each for each in self.seen if each.exchange == exchange]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        assert not self.dead, f"the upstream itself failed: {self.dead}"

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._turn(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway left, or the test is over
        except Exception as error:  # noqa: BLE001  the test must hear of it
            self.dead.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(_field(line) for line in head.split(b"\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        try:
            model = str(json.loads(body)["model"])
        except (ValueError, KeyError, TypeError):
            model = "answer"
        seen = Seen(fields.get(b"lawgate-exchange-id", b"").decode(), head, body, model)
        self.seen.append(seen)
        try:
            again = await TREATMENTS.get(model, answer)(Turn(reader, writer, seen))
        except ConnectionError:
            seen.gone.set()
            raise
        return bool(again)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
