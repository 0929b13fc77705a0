"""Load on one target: kept connections that each send the next request when the answer is there.

Rule 1: ``wrk`` where it is installed; else a generator of ours, on raw callbacks, which costs about as
        much as a fast server, so that ratios to nginx look better with it: the table says which it was.
Rule 2: every answer must be a 200. Anything else is an error and no number.
"""

import asyncio
import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from tests.bench.bodies import CHAT, head
from tests.bench.children import BenchError
from tests.bench.machine import pinned

SLACK_S: Final = 20.0
WARM_UP_S: Final = 0.2

_SCRIPT: Final = """\
wrk.method = "POST"
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.headers["content-type"] = "application/json"
local credential = os.getenv("BENCH_CREDENTIAL")
if credential then wrk.headers["authorization"] = "Bearer " .. credential end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nDONE {"requests": %d, "took_us": %d, "p50_us": %d, "p99_us": %d, "failed": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Target:
    """Who is measured: ``path`` is the prefix of its API; ``pid`` is ``None`` for the upstream itself."""

    name: str
    port: int
    path: str
    pid: int | None
    credential: str | None = None


@dataclass(frozen=True)
class Load:
    """What one run did."""

    requests: int
    took_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Generator:
    """Where load comes from; ``wrk`` is its path or ``None``."""

    wrk: str | None
    core: int | None
    folder: Path
    body: bytes

    async def warm_up(self, target: Target, connections: int) -> None:
        """Let connections, caches and files be there before anything counts."""
        with pinned(self.core):
            await _by_callbacks(target, self.body, connections, WARM_UP_S)

    async def run(self, target: Target, connections: int, duration_s: float) -> Load:
        """Raise ``BenchError`` unless every answer was a 200."""
        with pinned(self.core):
            if self.wrk is not None:
                return self._by_wrk(self.wrk, target, connections, duration_s)
            return await _by_callbacks(target, self.body, connections, duration_s)

    def _by_wrk(self, wrk: str, target: Target, connections: int, duration_s: float) -> Load:
        script, body = self.folder / "load.lua", self.folder / "body.json"
        script.write_text(_SCRIPT, encoding="utf-8")
        body.write_bytes(self.body)
        seconds = max(1, round(duration_s))
        url = f"http://127.0.0.1:{target.port}{target.path}{CHAT}"
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", "-s", str(script), url]
        environment = {"BENCH_BODY": str(body)}
        if target.credential:
            environment["BENCH_CREDENTIAL"] = target.credential
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=seconds + SLACK_S
        )
        found = re.search(r"^DONE (.*)$", done.stdout, re.MULTILINE)
        if found is None:
            raise BenchError(f"wrk gave no result for {target.name}: {(done.stderr or done.stdout).strip()[-200:]}")
        said = json.loads(found[1])
        _require_good(target, said["requests"], said["failed"])
        return Load(said["requests"], said["took_us"] / 1e6, said["p50_us"] / 1e3, said["p99_us"] / 1e3)


def _require_good(target: Target, requests: int, failed: int) -> None:
    if failed or not requests:
        raise BenchError(f"{target.name}: {failed} of {requests} requests were not answered with 200")


# ---- our own generator ---------------------------------------------------------------------------

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class _Client(asyncio.Protocol):
    """One kept connection; ``ended`` when its answer after the deadline has come, or something went wrong."""

    def __init__(self, request: bytes, deadline: float, took: list[float]) -> None:
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._request = request
        self._deadline = deadline
        self._took = took
        self._transport: asyncio.Transport
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        self._end(good=False)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end + 2)
        if length is None or not self._buffer.startswith(b"HTTP/1.1 200 "):
            self._end(good=False)
        elif len(self._buffer) >= end + 4 + int(length[1]):
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        self._took.append(now - self._sent)
        self._buffer = b""
        if now < self._deadline:
            self._send()
        else:
            self._end(good=True)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, *, good: bool) -> None:
        if not self.ended.done():
            self.ended.set_result(good)
            self._transport.close()


async def _by_callbacks(target: Target, body: bytes, connections: int, duration_s: float) -> Load:
    loop = asyncio.get_running_loop()
    request = head("POST", target.path + CHAT, body, target.credential)
    took: list[float] = []
    start = time.perf_counter()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: _Client(request, start + duration_s, took), "127.0.0.1", target.port
        )
        clients.append(client)
    good = await asyncio.wait_for(asyncio.gather(*[client.ended for client in clients]), duration_s + SLACK_S)
    elapsed = time.perf_counter() - start
    _require_good(target, len(took), good.count(False))
    took.sort()
    return Load(len(took), elapsed, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3)


async def ask(target: Target, body: bytes) -> bytes:
    """One request over a connection of its own; the answer's body. Raises ``BenchError`` unless it is a 200."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", target.port), SLACK_S)
    try:
        writer.write(head("POST", target.path + CHAT, body, target.credential))
        answer_head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SLACK_S)
        length = _LENGTH.search(answer_head)
        if length is None or not answer_head.startswith(b"HTTP/1.1 200 "):
            status = answer_head.decode("latin-1").partition("\r\n")[0]
            raise BenchError(f"{target.name} answered {status}")
        return await asyncio.wait_for(reader.readexactly(int(length[1])), SLACK_S)
    finally:
        writer.close()
