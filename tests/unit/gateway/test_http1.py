"""Exchanges on real sockets: order, bodies, back-pressure, clients that leave, handlers that fail."""

import asyncio
import contextlib
import logging
import socket
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, refuse
from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from tests.loopback import gateway, run, statuses, talk

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def post(body: bytes, *lines: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"POST /p HTTP/1.1", b"Host: a", length, *lines, b"", body])


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ")[1]), await reader.readexactly(length)


def test_many_requests_on_one_connection() -> None:
    async def main() -> None:
        async with gateway() as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            for number in range(50):
                body = b"%d" % number * number
                writer.write(post(body))
                assert await read_answer(reader) == (200, body)
            writer.close()
            assert it.server.counters.connections_total == 1
            assert it.server.counters.exchanges_total == 50

    run(main())


@pytest.mark.parametrize("size", [1, 7, 64])
def test_cuts_between_reads_change_nothing(size: int) -> None:
    chunked = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    raw = post(b"hello") + b"\r\n" + chunked + CLOSING

    async def main() -> None:
        async with gateway() as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(raw), size):
                writer.write(raw[at : at + size])
                await asyncio.sleep(0)
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert statuses(answer) == [200, 200, 200]
            assert it.bodies == [b"hello", b"abc", b""]
            assert it.handled == ["/p", "/c", "/"]

    run(main())


def test_http_1_0_closes_unless_asked() -> None:
    async def main() -> None:
        async with gateway() as it:
            assert statuses(await talk(it.port, b"GET / HTTP/1.0\r\n\r\n")) == [200]
            kept = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            answer = await talk(it.port, kept + b"GET / HTTP/1.0\r\n\r\n")
            assert statuses(answer) == [200, 200]
            assert answer.count(b"connection: keep-alive\r\n") == 1

    run(main())


def test_continue_is_said_when_the_body_is_wanted_and_only_then() -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def handler(request: Request, responder: Responder) -> None:
            if request.path == "/p":
                await asked.wait()
                responder.send(200, [], await request.body())
            else:
                responder.send(403, [], b"")

        async with gateway(handler) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(post(b"abc", b"Expect: 100-continue")[:-3])
            await asyncio.sleep(0.05)
            asked.set()
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert await read_answer(reader) == (200, b"abc")
            # the body is there already: nothing to wait for
            writer.write(post(b"abc", b"Expect: 100-continue"))
            assert await read_answer(reader) == (200, b"abc")
            # refused without its body: the final answer, and no reuse
            writer.write(post(b"abc", b"Expect: 100-continue").replace(b"/p", b"/q")[:-3])
            answer = await asyncio.wait_for(reader.read(), 5)
            assert statuses(answer) == [403]
            assert b"connection: close" in answer
            writer.close()

    run(main())


def test_an_unread_body_is_not_the_next_request() -> None:
    async def main() -> None:
        seen: list[str] = []

        async def handler(request: Request, responder: Responder) -> None:
            seen.append(request.target)
            responder.send(401, [], b"")

        async with gateway(handler) as it:
            answer = await talk(it.port, post(b"a" * 300_000)[:100_000] + GET)
            assert statuses(answer) == [401]
            assert b"connection: close" in answer
            assert seen == ["/p"]

    run(main())


def test_nothing_is_read_beyond_the_read_ahead_until_the_body_is_wanted() -> None:
    limits = replace(Limits(), body_read_ahead_b_max=10_000, body_b_max=64_000_000)

    async def main() -> None:
        wanted = asyncio.Event()
        started = asyncio.Event()
        arrived: list[int] = []

        async def handler(request: Request, responder: Responder) -> None:
            started.set()
            await wanted.wait()
            assert request.intake is not None
            arrived.append(request.intake.received_b)
            responder.send(200, [], b"%d" % len(await request.body()))

        async with gateway(handler, limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(post(b"a" * 40_000_000))
            await started.wait()
            await asyncio.sleep(0.2)
            wanted.set()
            assert await read_answer(reader) == (200, b"40000000")
            assert arrived[0] < 1_000_000  # one more read may be on its way; uvloop's are 256 kB
            writer.close()

    run(main())


def test_a_held_body_does_not_time_out_while_we_are_the_ones_who_wait() -> None:
    limits = replace(Limits(), body_read_ahead_b_max=10, body_idle_s_max=0.2)

    async def main() -> None:
        async def handler(request: Request, responder: Responder) -> None:
            await asyncio.sleep(0.5)
            responder.send(200, [], b"%d" % len(await request.body()))

        async with gateway(handler, limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            raw = post(b"a" * 2_000_000)
            writer.write(raw)
            assert await read_answer(reader) == (200, b"2000000")
            writer.close()

    run(main())


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_is_noticed_at_once(*, reset: bool) -> None:
    async def main() -> None:
        left: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

        async def handler(request: Request, responder: Responder) -> None:
            await request.body()
            responder.on_close(lambda: left.set_result(responder.gone))
            await left
            responder.send(200, [], b"to nobody")

        async with gateway(handler) as it:
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(post(b"abc"))
            await asyncio.sleep(0.05)
            if reset:
                writer.transport.abort()
            else:
                writer.close()
            assert await asyncio.wait_for(left, 5) == "the client left"
            await asyncio.sleep(0.05)
            assert it.server.counters.exchanges == 0
            assert it.server.counters.connections == 0
            assert it.server.counters.failed_total == 0

    run(main())


def test_a_client_that_leaves_inside_its_body_wakes_the_handler() -> None:
    async def main() -> None:
        codes: list[Code] = []
        done = asyncio.Event()

        async def handler(request: Request, responder: Responder) -> None:
            try:
                await request.body()
            except Exception as error:
                codes.append(error.refusal.code)  # type: ignore[attr-defined]
                raise
            finally:
                done.set()
            responder.send(200, [], b"")

        async with gateway(handler) as it:
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(post(b"abc")[:-1])
            await asyncio.sleep(0.05)
            writer.transport.abort()
            await asyncio.wait_for(done.wait(), 5)
            assert codes == [Code.BODY_TRUNCATED]

    run(main())


def test_a_handler_that_fails_is_answered_without_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def handler(request: Request, responder: Responder) -> None:
            if request.path == "/late":
                responder.start(200, [])
                responder.write(b"some")
            if request.path == "/nothing":
                return
            if request.path == "/refused":
                raise refuse(Code.CREDENTIAL_MISSING, "send a token")
            raise ValueError("jane@example.org")

        async with gateway(handler) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            for path, status, text in [
                (b"/early", 500, b"internal: the handler failed"),
                (b"/nothing", 500, b"internal: the handler gave no answer"),
                (b"/refused", 401, b"credential_missing: send a token"),
            ]:
                writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                assert await read_answer(reader) == (status, text)
            writer.write(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
            cut = await asyncio.wait_for(reader.read(), 5)
            assert b"some" in cut
            assert b"\r\n0\r\n" not in cut  # a client cannot take it for whole
            writer.close()
            assert it.server.counters.failed_total == 2
            assert it.server.counters.exchanges == 0

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert "a handler failed" in caplog.text
    assert "jane" not in caplog.text


def test_a_stream_that_is_not_ended_is_cut() -> None:
    async def main() -> None:
        async def handler(_request: Request, responder: Responder) -> None:
            responder.start(200, [])
            responder.write(b"part")

        async with gateway(handler) as it:
            answer = await talk(it.port, GET)
            assert answer.endswith(b"4\r\npart\r\n")

    run(main())


def test_more_exchanges_than_allowed_are_turned_away() -> None:
    limits = replace(Limits(), exchanges_max=1)

    async def main() -> None:
        go = asyncio.Event()

        async def handler(_request: Request, responder: Responder) -> None:
            await go.wait()
            responder.send(200, [], b"")

        async with gateway(handler, limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET)
            await asyncio.sleep(0.05)
            answer = await talk(it.port, GET)
            assert statuses(answer) == [503]
            assert b"retry-after: 5\r\n" in answer
            assert it.refused == [Code.OVERLOADED]
            go.set()
            assert await read_answer(reader) == (200, b"")
            writer.close()
            assert statuses(await talk(it.port, CLOSING)) == [200]

    run(main())


def test_an_idle_connection_is_closed_silently() -> None:
    limits = replace(Limits(), idle_time_s_max=0.2)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            answer = await talk(it.port, GET)
            assert statuses(answer) == [200]
            assert it.server.counters.connections == 0

    run(main())


def test_requests_sent_ahead_do_not_fill_memory() -> None:
    limits = replace(Limits(), pipelined_b_max=1000)

    async def main() -> None:
        go = asyncio.Event()

        async def handler(_request: Request, responder: Responder) -> None:
            await go.wait()
            responder.send(200, [], b"")

        async with gateway(handler, limits) as it:
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.transport.set_write_buffer_limits(high=1000)
            sent = 0
            try:
                while sent < 64_000_000:
                    writer.write(GET * 10_000)
                    sent += len(GET) * 10_000
                    await asyncio.wait_for(writer.drain(), 0.3)
            except TimeoutError:
                pass
            assert sent < 64_000_000
            writer.transport.abort()
            go.set()
            await asyncio.sleep(0.05)

    run(main())


def test_small_writes_are_not_delayed() -> None:
    async def main() -> None:
        options: list[int] = []

        async def handler(_request: Request, responder: Responder) -> None:
            transport = responder._sink._transport  # type: ignore[attr-defined]
            options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            responder.send(200, [], b"")

        async with gateway(handler) as it:
            await talk(it.port, CLOSING)
            assert options == [1]

    run(main())


def test_a_cancelled_handler_takes_its_connection_along() -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[None]] = []

        async def handler(_request: Request, _responder: Responder) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            await asyncio.sleep(60)

        async with gateway(handler) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET)
            await asyncio.sleep(0.05)
            tasks[0].cancel()
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            await asyncio.sleep(0.05)
            assert it.server.counters.connections == 0
            assert it.server.counters.exchanges == 0

    run(main())
