"""Answers of an upstream, byte by byte and all at once; no sockets."""

import asyncio
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.limits import Limits
from lawgate.upstream.response import UpstreamResponse
from tests.loopback import run

LIMITS = replace(
    Limits(), header_b_max=2000, request_line_b_max=1000, header_count_max=10, answer_b_max=100, interim_answers_max=2
)


class Source:
    def __init__(self) -> None:
        self.reads = 0
        self.killed = False

    def read_on(self) -> None:
        self.reads += 1

    def kill(self) -> None:
        self.killed = True


def fed(raw: bytes, *, head_only: bool = False, size: int | None = None, limits: Limits = LIMITS) -> UpstreamResponse:
    response = UpstreamResponse(Source(), limits, head_only=head_only)
    size = size or len(raw) or 1
    for at in range(0, len(raw), size):
        response.feed(raw[at : at + size])
    return response


def ok(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines, b"", b""])


WHOLE: dict[str, tuple[bytes, bytes, bool]] = {
    "counted": (ok(b"Content-Length: 5") + b"hello", b"hello", True),
    "empty": (ok(b"Content-Length: 0"), b"", True),
    "chunked": (ok(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "Chunked": (ok(b"Transfer-Encoding: Chunked ") + b"5\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "extension": (ok(b"Transfer-Encoding: chunked") + b"5;a=b\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "trailers": (ok(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", b"hello", True),
    "closing": (ok(b"Content-Length: 5", b"Connection: close") + b"hello", b"hello", False),
    "HTTP/1.0": (ok(b"Content-Length: 5", status=b"HTTP/1.0 200 OK") + b"hello", b"hello", False),
    "no content": (ok(status=b"HTTP/1.1 204 No Content"), b"", True),
    "not modified": (ok(b"Content-Length: 5", status=b"HTTP/1.1 304 Not Modified"), b"", True),
    "after interim": (ok(b"Link: x", status=b"HTTP/1.1 103 Early") + ok(b"Content-Length: 1") + b"a", b"a", True),
    "after two interim": (ok(status=b"HTTP/1.1 100 C") * 2 + ok(b"Content-Length: 1") + b"a", b"a", True),
}


@pytest.mark.parametrize("size", [None, 1, 3])
@pytest.mark.parametrize(("raw", "body", "kept"), WHOLE.values(), ids=WHOLE.keys())
def test_an_answer_that_ends(raw: bytes, body: bytes, size: int | None, *, kept: bool) -> None:
    async def main() -> None:
        response = fed(raw, size=size)
        assert response.complete
        assert not response.excess
        assert response.keep_alive is kept
        assert await response.read() == body
        assert {name for name, _ in response.headers} <= {b"x-a"}

    run(main())


BROKEN: dict[str, bytes] = {
    "length and chunked": ok(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "chunked and length": ok(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "two equal lengths": ok(b"Content-Length: 5", b"Content-Length: 5"),
    "two lengths": ok(b"Content-Length: 5", b"Content-Length: 6"),
    "length list": ok(b"Content-Length: 5, 5"),
    "length with plus": ok(b"Content-Length: +5"),
    "length overflow": ok(b"Content-Length: 99999999999999999999"),
    "coding gzip": ok(b"Transfer-Encoding: gzip"),
    "coding gzip, chunked": ok(b"Transfer-Encoding: gzip, chunked"),
    "coding twice": ok(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
    "coding in HTTP/1.0": ok(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK"),
    "folded": ok(b"X: a", b" b", b"Content-Length: 0"),
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "NUL": ok(b"X: a\0", b"Content-Length: 0"),
    "space before colon": ok(b"Content-Length : 0"),
    "not HTTP": b"SSH-2.0-OpenSSH_9.0\r\n",
    "garbage": b"\x16\x03\x01",
    "HTTP/2": ok(status=b"HTTP/2.0 200 OK"),
    "HTTP/0.9 said": ok(status=b"HTTP/0.9 200 OK"),
    "status 099": ok(status=b"HTTP/1.1 099 X"),
    "status 600": ok(status=b"HTTP/1.1 600 X"),
    "switching": ok(status=b"HTTP/1.1 101 X"),
    "switching, said": ok(b"Upgrade: x", b"Connection: upgrade", status=b"HTTP/1.1 101 X"),
    "three interim": ok(status=b"HTTP/1.1 100 C") * 3,
    "many fields": ok(*[b"a: b"] * 11),
    "many hidden fields": ok(*[b"Connection: b"] * 11),
    "long head": ok(b"X: " + b"a" * 2000),
    "bad chunk size": ok(b"Transfer-Encoding: chunked") + b"x\r\n",
    "chunk size overflow": ok(b"Transfer-Encoding: chunked") + b"f" * 17 + b"\r\n",
    "chunk longer than said": ok(b"Transfer-Encoding: chunked") + b"2\r\nabc\r\n",
    "endless extension": ok(b"Transfer-Encoding: chunked") + b"5;" + b"a" * 4000,
    "endless trailers": ok(b"Transfer-Encoding: chunked") + b"0\r\n" + b"X: a\r\n" * 800,
}


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_breaks_the_protocol(request: pytest.FixtureRequest, raw: bytes, size: int | None) -> None:
    if size is None and "endless" in request.node.callspec.id:
        size = 500  # what comes in one read with a good head is bounded by the read
    response = fed(raw, size=size)
    assert response.error is not None
    assert response.error.code is Code.UPSTREAM_PROTOCOL
    assert response.error.request_sent
    assert not response.complete


@pytest.mark.parametrize("rest", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"garbage"])
def test_bytes_after_the_end_are_excess(rest: bytes) -> None:
    async def main() -> None:
        response = fed(ok(b"Content-Length: 1") + b"a" + rest)
        assert response.complete
        assert response.excess
        assert await response.read() == b"a"

    run(main())


def test_a_body_until_the_end_of_the_connection() -> None:
    async def main() -> None:
        response = fed(ok(b"X-A: b") + b"hello")
        response.feed(b" world")
        before = response.complete
        response.feed_eof()
        assert (before, response.complete) == (False, True)
        assert not response.keep_alive
        assert await response.read() == b"hello world"

    run(main())


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 2", ok(b"Content-Length: 5") + b"hell", ok(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n"],
)
def test_an_end_too_early_is_an_interruption(raw: bytes) -> None:
    async def main() -> None:
        response = fed(raw)
        response.feed_eof()
        with pytest.raises(UpstreamError) as caught:
            await response.read()
        assert caught.value.code is Code.UPSTREAM_INTERRUPTED

    run(main())


def test_head_has_no_body_and_ends_the_connection() -> None:
    response = fed(ok(b"Content-Length: 5"), head_only=True)
    assert response.complete
    assert not response.keep_alive


def test_what_crosses_to_the_client() -> None:
    response = fed(ok(b"X-A: 1 ", b"Connection: x-b, keep-alive", b"X-B: 2", b"Keep-Alive: t", b"Content-Length: 0"))
    assert response.headers == [(b"x-a", b"1")]


def test_interim_fields_are_not_the_answers() -> None:
    response = fed(ok(b"X-A: 1", b"Content-Length: 9", status=b"HTTP/1.1 103 E") + ok(b"Content-Length: 0"))
    assert response.complete
    assert response.headers == []


def test_chunks_arrive_as_they_come() -> None:
    async def main() -> None:
        response = fed(ok(b"Transfer-Encoding: chunked"))
        reading = asyncio.ensure_future(response.next_chunk())
        await asyncio.sleep(0)
        assert not reading.done()
        response.feed(b"1\r\na\r\n1\r\nb\r\n")
        assert await reading == b"ab"
        response.feed(b"0\r\n\r\n")
        assert await response.next_chunk() == b""
        assert await response.next_chunk() == b""

    run(main())


def test_what_came_before_an_interruption_is_delivered_first() -> None:
    async def main() -> None:
        response = fed(ok(b"Content-Length: 9") + b"part")
        response.feed_eof()
        assert await response.next_chunk() == b"part"
        with pytest.raises(UpstreamError):
            await response.next_chunk()

    run(main())


def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    async def main() -> None:
        response = UpstreamResponse(source := Source(), LIMITS, head_only=False)
        response.feed(ok(b"Content-Length: 1000") + b"a" * 101)
        with pytest.raises(UpstreamError, match="answer_b_max") as caught:
            await response.read()
        assert caught.value.code is Code.UPSTREAM_PROTOCOL
        assert source.killed
        exact = fed(ok(b"Content-Length: 100") + b"a" * 100)
        assert len(await exact.read()) == 100

    run(main())


def test_it_is_full_until_somebody_reads() -> None:
    async def main() -> None:
        limits = replace(LIMITS, answer_read_ahead_b_max=3)
        response = fed(ok(b"Content-Length: 9") + b"1234", limits=limits)
        assert response.full
        assert await response.next_chunk() == b"1234"
        assert not response.full

    run(main())


def test_closing_wakes_who_waits_and_drops_the_connection() -> None:
    async def main() -> None:
        response = UpstreamResponse(source := Source(), LIMITS, head_only=False)
        response.feed(ok(b"Content-Length: 9"))
        reading = asyncio.ensure_future(response.next_chunk())
        await asyncio.sleep(0)
        response.close()
        with pytest.raises(UpstreamError) as caught:
            await reading
        assert caught.value.code is Code.UPSTREAM_INTERRUPTED
        assert source.killed

    run(main())


def test_closing_a_whole_answer_keeps_the_connection() -> None:
    response = UpstreamResponse(source := Source(), LIMITS, head_only=False)
    response.feed(ok(b"Content-Length: 0"))
    response.close()
    assert not source.killed


def test_a_cancelled_reader_drops_the_connection() -> None:
    async def main() -> None:
        response = UpstreamResponse(source := Source(), LIMITS, head_only=False)
        response.feed(ok(b"Content-Length: 9"))
        reading = asyncio.ensure_future(response.read())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert source.killed

    run(main())
