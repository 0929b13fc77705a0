import asyncio

import pytest

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.fields import FieldError
from lawgate.domain.limits import Limits
from lawgate.upstream.http1 import request_head
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.target import UpstreamTarget
from tests.loopback import read_request, run, scripted


def test_a_request_head() -> None:
    assert request_head("POST", "/a?b", b"h:1", [(b"x", b"y")], 3) == (
        b"POST /a?b HTTP/1.1\r\nhost: h:1\r\nx: y\r\ncontent-length: 3\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "said"),
    [("GET", False), ("HEAD", False), ("DELETE", False), ("POST", True), ("PUT", True), ("PATCH", True)],
)
def test_an_empty_body_is_said_where_one_is_expected(method: str, *, said: bool) -> None:
    assert (b"content-length: 0\r\n" in request_head(method, "/", b"h", [], 0)) is said


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("GET /x HTTP/1.1\r\nX:", "/", []),
        ("CONNECT", "/", []),
        ("GET", "/a b", []),
        ("GET", "/a\r\nX: y", []),
        ("GET", "http://other/", []),
        ("GET", "/\u20ac", [(b"content-length", b"3")]),
        ("GET", "/", [(b"a", b"b\r\nc: d")]),
        ("GET", "/", [(b"transfer-encoding", b"chunked")]),
        ("GET", "/", [(b"host", b"other")]),
    ],
)
def test_what_cannot_be_written(method: str, path: str, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(FieldError):
        request_head(method, path, b"h", fields, 0)


def test_unasked_bytes_end_an_idle_connection() -> None:
    async def main() -> None:
        speak = asyncio.Event()
        connections = 0

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
            await speak.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            await reader.read()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url(f"http://127.0.0.1:{port}")
            assert await (await pool.request(target, "GET", "/", [], b"")).read() == b"a"
            assert len(pool.connections) == 1
            speak.set()
            await asyncio.sleep(0.05)
            assert len(pool.connections) == 0
            assert await (await pool.request(target, "GET", "/", [], b"")).read() == b"a"
            assert connections == 2
            await pool.close()

    run(main())


def test_an_answer_with_something_behind_it_is_not_followed_by_another() -> None:
    async def main() -> None:
        connections = 0

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await read_request(reader)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            )
            await reader.read()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url(f"http://127.0.0.1:{port}")
            for _ in range(3):
                assert await (await pool.request(target, "GET", "/", [], b"")).read() == b"a"
            assert connections == 3
            await pool.close()

    run(main())


def test_reading_pauses_while_nobody_takes_the_answer() -> None:
    async def main() -> None:
        sent = 0
        stalled = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n")
            while sent < 64_000_000:
                writer.write(b"a" * 100_000)
                sent += 100_000
                try:
                    await asyncio.wait_for(writer.drain(), 0.3)
                except TimeoutError:
                    stalled.set()
                    await writer.drain()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url(f"http://127.0.0.1:{port}")
            response = await pool.request(target, "GET", "/", [], b"")
            await asyncio.wait_for(stalled.wait(), 5)
            assert sent < 32_000_000
            received = 0
            while chunk := await response.next_chunk():
                received += len(chunk)
            assert received == 64_000_000
            assert len(pool.connections) == 1
            await pool.close()

    run(main())


def test_a_large_request_whose_answer_comes_early() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.2)

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url(f"http://127.0.0.1:{port}")
            response = await pool.request(target, "POST", "/", [], b"a" * 30_000_000)
            assert response.status == 413
            await asyncio.sleep(0)
            assert len(pool.connections) == 0  # the rest of the body is still in the way: no reuse
            await pool.close()

    run(main())


def test_a_broken_connection_is_an_interruption() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url(f"http://127.0.0.1:{port}")
            response = await pool.request(target, "GET", "/", [], b"")
            with pytest.raises(UpstreamError) as caught:
                await response.read()
            assert caught.value.code is Code.UPSTREAM_INTERRUPTED
            assert caught.value.request_sent
            await pool.close()

    run(main())
