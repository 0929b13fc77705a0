"""A client of raw sockets that keeps every byte it got, whatever became of the connection.

Rule: nothing here raises because the other side left; what arrived, and whether it was all, is the result.
"""

import json
import socket
from dataclasses import dataclass, field
from typing import Any, Final

TIMEOUT_S: Final = 20.0
READ_B: Final = 65_536


@dataclass
class Received:
    """What a client holds. ``status`` is 0 when no whole head came; ``body`` is without chunk framing."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False

    @property
    def exchange(self) -> str:
        return self.headers.get("lawgate-exchange-id", "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of an error in OpenAI's shape or of a problem, also when it is a stream's last event."""
        text = self.body
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            text = text.rstrip().rpartition(b"data: ")[2]
        elif b"ndjson" in self.headers.get("content-type", "").encode():
            text = text.rstrip().rpartition(b"\n")[2]
        try:
            found = json.loads(text)
        except ValueError:
            return None
        found = found.get("error", found) if isinstance(found, dict) else {}
        return found.get("code") if isinstance(found, dict) else None


def post(
    path: str, body: bytes | str, key: str | None, *fields: tuple[str, str], content_type: str = "application/json"
) -> bytes:
    """A whole POST request."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"POST {path} HTTP/1.1", "Host: gateway.example", f"Content-Length: {len(data)}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"Authorization: Bearer {key}"] if key is not None else []
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


def ask(port: int, *sends: bytes, timeout_s: float = TIMEOUT_S, half_close: bool = False) -> Received:
    """Send on a connection of its own and read one answer to its end."""
    received = Received()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            for data in sends:
                connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection)
    except OSError:
        return received


def read_answer(connection: socket.socket) -> Received:
    """One answer, as far as it came. A timeout raises ``TimeoutError``: silence is no answer."""
    raw = bytearray()
    received = Received()
    while not received.complete:
        try:
            data = connection.recv(READ_B)
        except TimeoutError:
            raise
        except OSError:
            break
        if not data:
            received.complete = _ends_with_connection(received)
            break
        raw += data
        received = parse(bytes(raw))
    return received


def _ends_with_connection(received: Received) -> bool:
    framed = {"content-length", "transfer-encoding"} & received.headers.keys()
    return received.status != 0 and not framed


def parse(raw: bytes) -> Received:
    """What ``raw`` holds of an answer; interim ones are left out."""
    head, found, rest = raw.partition(b"\r\n\r\n")
    if not found:
        return Received()
    line, *lines = head.decode("latin-1").split("\r\n")
    status = int(line.split(" ")[1])
    if status < 200:
        return parse(rest)
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body, complete = _dechunked(rest)
    elif "content-length" in headers:
        size = int(headers["content-length"])
        body, complete = rest[:size], len(rest) >= size
    else:
        body, complete = rest, status in {204, 304}
    return Received(status, headers, body, complete)


def _dechunked(rest: bytes) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        line, found, rest = rest.partition(b"\r\n")
        if not found:
            return bytes(body), False
        size = int(line, 16)
        if size == 0:
            return bytes(body), rest.startswith(b"\r\n")
        body += rest[:size]
        if len(rest) < size + 2:
            return bytes(body), False
        rest = rest[size + 2 :]


def chat(model: str, text: str = "hello", **more: Any) -> str:
    """The body of a chat completion request; ``model`` names what the upstream is to do."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more})
