"""Many streams at once: whether each event arrives, what an event costs, what an idle stream holds.

Rule 1: CPU is taken while all streams run, from the moment when each has its second event to the first end, so that
        setting them up does not count.
Rule 2: a stream counts as intact when its events and its text are those that were sent, masked where they
        pass the gateway; everything else is a loss.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import httptools

from tests.bench.bodies import CHAT, head, request_body, said_in, stream_text
from tests.bench.children import BenchError
from tests.bench.load import Target
from tests.bench.machine import cpu_s, pinned, rss_kb
from tests.bench.stage import Stage

BEGIN_S: Final = 20.0
SLACK_S: Final = 20.0
POLL_S: Final = 0.01
SETTLE_S: Final = 0.3
WARM_UP: Final = 8
SHOWN_B: Final = 300
LAST_EVENTS: Final = 2
"""The finish reason and ``[DONE]``."""


@dataclass(frozen=True)
class Size:
    """How many streams, of how many pieces each, at which rate (pieces a second)."""

    streams: int
    pieces: int
    rate: int


@dataclass(frozen=True)
class StreamRate:
    """Medians for one target; losses are sums over the rounds."""

    target: str
    streams: int
    events_s: float
    cpu_us: float
    lost_events: int
    broken_streams: int
    last_words: str
    """The end of a stream that is not intact, to see what became of it."""


@dataclass(frozen=True)
class Memory:
    """Resident memory of the gateway in MB (10**6 bytes) and kB."""

    idle_mb: float
    streams: int
    stream_kb: float


class _Stream(asyncio.Protocol):
    """One request on a connection of its own, and the events of its answer."""

    def __init__(self, request: bytes) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.events = 0
        self.status = 0
        self.complete = False
        self.transport: asyncio.Transport
        self._request = request
        self._body: list[bytes] = []
        self._tail = b""
        self._parser = httptools.HttpResponseParser(self)

    @property
    def text(self) -> bytes:
        return b"".join(self._body)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    # httptools' callbacks

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        seen = self._tail + body
        self.events += seen.count(b"\n\n")
        self._tail = b"\n" if seen.endswith(b"\n") and not seen.endswith(b"\n\n") else b""

    def on_message_complete(self) -> None:
        self.complete = True
        self.transport.close()


async def _open(target: Target, model: str, count: int) -> list[_Stream]:
    """All streams, each with its first event."""
    loop = asyncio.get_running_loop()
    request = head("POST", target.path + CHAT, request_body(model, stream=True), target.credential)
    opened = [
        (await loop.create_connection(lambda: _Stream(request), "127.0.0.1", target.port))[1] for _ in range(count)
    ]
    try:
        await _until(lambda: all(stream.events or stream.ended.done() for stream in opened), BEGIN_S)
    except TimeoutError:
        begun = sum(bool(stream.events) for stream in opened)
        raise BenchError(f"{target.name}: only {begun} of {count} streams began in {BEGIN_S} s") from None
    statuses = {stream.status for stream in opened}
    if statuses != {200}:
        raise BenchError(f"{target.name}: streams were answered with {sorted(statuses)}")
    return opened


async def _close(opened: Sequence[_Stream]) -> None:
    for stream in opened:
        stream.transport.abort()
    await asyncio.gather(*[stream.ended for stream in opened])


async def _until(ready: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(POLL_S)


# ---- what an event costs -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Round:
    events_s: float
    cpu_us: float
    lost: int
    broken: int
    words: str


async def events_at_rate(stage: Stage, *, size: Size, rounds: int) -> list[StreamRate]:
    """CPU an event, nginx and the gateway in turn, and whether every event arrived."""
    targets = [*stage.passed("/stream"), stage.governed_streams()]
    done: dict[str, list[_Round]] = {target.name: [] for target in targets}
    with pinned(stage.generator.core):
        for _ in range(rounds):
            for target in targets:
                done[target.name].append(await _round(target, size))
    return [
        StreamRate(
            name,
            size.streams,
            statistics.median(each.events_s for each in found),
            statistics.median(each.cpu_us for each in found),
            sum(each.lost for each in found),
            sum(each.broken for each in found),
            next((each.words for each in found if each.words), ""),
        )
        for name, found in done.items()
    ]


async def _round(target: Target, size: Size) -> _Round:
    assert target.pid is not None
    opened = await _open(target, f"events-{size.pieces}-{size.rate}-{size.streams}", size.streams)
    limit_s = size.pieces / size.rate + SLACK_S
    try:
        await _until(lambda: all(stream.events > 1 or stream.ended.done() for stream in opened), limit_s)
        cpu, clock, events = cpu_s(target.pid), time.perf_counter(), _events(opened)
        await _until(lambda: _some_over(opened, size.pieces), limit_s)
        cpu, clock, events = cpu_s(target.pid) - cpu, time.perf_counter() - clock, _events(opened) - events
        await asyncio.wait_for(asyncio.gather(*[stream.ended for stream in opened]), limit_s)
    except TimeoutError:
        await _close(opened)
        raise BenchError(f"{target.name}: streams did not end in {limit_s:.0f} s") from None
    if not events:
        raise BenchError(f"{target.name}: all streams were over before the last had begun; give the machine some rest")
    losses = [_loss(stream, size.pieces, masked=target.credential is not None) for stream in opened]
    lost, broken = sum(lost for lost, _ in losses), sum(not intact for _, intact in losses)
    words = _last_words([stream for stream, (_, intact) in zip(opened, losses, strict=True) if not intact])
    return _Round(events / clock, cpu / events * 1e6, lost, broken, words)


def _some_over(opened: Sequence[_Stream], pieces: int) -> bool:
    """Whether a stream has come to its end in order; where one breaks, the others still count."""
    return any(stream.events >= pieces for stream in opened) or all(stream.ended.done() for stream in opened)


def _last_words(broken: Sequence[_Stream]) -> str:
    """What the first of them said in the end; all of it is made up, so it may be shown."""
    return broken[0].text[-SHOWN_B:].decode("utf-8", "replace").strip() if broken else ""


def _events(opened: Sequence[_Stream]) -> int:
    return sum(stream.events for stream in opened)


def _loss(stream: _Stream, pieces: int, *, masked: bool) -> tuple[int, bool]:
    """Events that did not arrive, and whether the stream ended well and says what was sent."""
    count, said = said_in(stream.text)
    return pieces + LAST_EVENTS - count, stream.complete and said == stream_text(pieces, masked=masked)


# ---- what an idle stream holds -------------------------------------------------------------------


async def memory(stage: Stage, *, count: int) -> Memory:
    """Of a gateway that has just started; a few streams first, so that what all share is there."""
    target = stage.governed_streams()
    pid = stage.gateway.pid
    await asyncio.sleep(SETTLE_S)
    idle = rss_kb(pid)
    await _close(await _open(target, "hold", WARM_UP))
    await asyncio.sleep(SETTLE_S)
    before = rss_kb(pid)
    opened = await _open(target, "hold", count)
    try:
        await asyncio.sleep(SETTLE_S)
        held = rss_kb(pid)
    finally:
        await _close(opened)
    return Memory(idle / 1000, count, (held - before) / count)
