"""Writing, refusing and ending, on real sockets."""

import asyncio
from dataclasses import replace

from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from lawgate.gateway.responder import ClientGoneError
from tests.loopback import gateway, run, statuses, talk

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
PIECE = b"a" * 65536


async def stream_for_ever(responder: Responder, written: list[int], ended: asyncio.Future[str | None]) -> None:
    responder.start(200, [])
    try:
        while True:
            responder.write(PIECE)
            written[0] += len(PIECE)
            await responder.drain()
    except ClientGoneError:
        ended.set_result(responder.gone)
        raise


def test_a_client_that_does_not_read_holds_its_writer_and_is_left() -> None:
    limits = replace(Limits(), write_stall_s_max=0.3, write_buffer_b_high=65536)

    async def main() -> None:
        written = [0]
        ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

        async def handler(_request: Request, responder: Responder) -> None:
            await stream_for_ever(responder, written, ended)

        async with gateway(handler, limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port, limit=1024)
            writer.write(GET)
            assert await asyncio.wait_for(ended, 5) == "the client took no bytes for write_stall_s_max"
            assert written[0] < 32 * 1024 * 1024  # what the kernel's buffers and ours can hold, not for ever
            assert await reader.read(5) == b"HTTP/"
            writer.close()
            await asyncio.sleep(0.05)
            assert it.server.counters.exchanges == 0
            assert it.server.counters.failed_total == 0

    run(main())


def test_a_slow_reader_gets_everything() -> None:
    limits = replace(Limits(), write_buffer_b_high=65536)

    async def main() -> None:
        async def handler(_request: Request, responder: Responder) -> None:
            responder.start(200, [])
            for _ in range(200):
                responder.write(PIECE)
                await responder.drain()
            responder.end()

        async with gateway(handler, limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port, limit=4096)
            writer.write(CLOSING)
            received = b""
            while data := await reader.read(1_000_000):
                received += data
            body = received.partition(b"\r\n\r\n")[2]
            assert body == (b"10000\r\n" + PIECE + b"\r\n") * 200 + b"0\r\n\r\n"
            writer.close()

    run(main())


def test_a_refusal_says_when_to_come_back() -> None:
    limits = replace(Limits(), connections_max=1)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            _, first = await asyncio.open_connection("127.0.0.1", it.port)
            await asyncio.sleep(0.05)
            answer = await talk(it.port)
            assert statuses(answer) == [503]
            assert b"retry-after: 5\r\n" in answer
            first.close()
            await asyncio.sleep(0.05)
            assert statuses(await talk(it.port, CLOSING)) == [200]

    run(main())


def test_a_client_that_never_closes_after_a_refusal_is_dropped() -> None:
    limits = replace(Limits(), linger_s_max=0.2)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(b"BAD\r\n\r\n")
            await asyncio.sleep(0.1)
            assert it.server.counters.connections == 1
            await asyncio.sleep(0.4)
            assert it.server.counters.connections == 0
            writer.close()

    run(main())
