import asyncio
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code
from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from tests.loopback import gateway, run, statuses, talk

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_stop_lets_exchanges_end_and_takes_nothing_new() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def handler(_request: Request, responder: Responder) -> None:
            await go.wait()
            responder.send(200, [], b"done")

        async with gateway(handler, replace(Limits(), linger_s_max=0.2)) as it:
            idle_reader, idle = await asyncio.open_connection("127.0.0.1", it.port)
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            partial_reader, partial = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET + GET)
            partial.write(GET[:-4])
            await asyncio.sleep(0.05)
            stopping = asyncio.ensure_future(it.server.close_gracefully(5))
            assert await asyncio.wait_for(idle_reader.read(), 5) == b""
            with pytest.raises(ConnectionError):
                await talk(it.port, GET)
            partial.write(GET[-4:])
            assert statuses(await asyncio.wait_for(partial_reader.read(), 5)) == [503]
            assert it.refused == [Code.STOPPING]
            assert not stopping.done()
            go.set()
            answer = await asyncio.wait_for(reader.read(), 5)
            assert statuses(answer) == [200]
            assert b"connection: close" in answer
            assert await asyncio.wait_for(stopping, 5) == 0
            for each in (idle, writer, partial):
                each.close()

    run(main())


def test_a_stop_cuts_what_does_not_end_and_lets_it_record() -> None:
    async def main() -> None:
        recorded: list[str | None] = []

        async def handler(_request: Request, responder: Responder) -> None:
            gone = asyncio.Event()
            responder.on_close(gone.set)
            responder.start(200, [])
            responder.write(b"part")
            await gone.wait()
            await asyncio.sleep(0.05)
            recorded.append(responder.gone)

        async with gateway(handler) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET)
            await reader.readuntil(b"part\r\n")
            assert await asyncio.wait_for(it.server.close_gracefully(0.1), 5) == 1
            assert recorded == ["the gateway stopped"]
            writer.close()

    run(main())


def test_a_handler_that_ignores_the_stop_is_cancelled() -> None:
    limits = replace(Limits(), stop_record_s=0.1)

    async def main() -> None:
        cancelled: list[bool] = []

        async def handler(_request: Request, _responder: Responder) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async with gateway(handler, limits) as it:
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET)
            await asyncio.sleep(0.05)
            assert await asyncio.wait_for(it.server.close_gracefully(0.1), 5) == 1
            assert cancelled == [True]
            assert it.server.counters.exchanges == 0
            writer.close()

    run(main())


def test_two_listeners_share_one_port_when_asked() -> None:
    async def main() -> None:
        async with gateway(reuse_port=True) as it, gateway(reuse_port=True) as other:
            await other.server.start("127.0.0.1", it.port, reuse_port=True)
            assert len(other.server.sockets) == 2

    run(main())


def test_a_taken_port_is_an_error() -> None:
    async def main() -> None:
        async with gateway() as it, gateway() as other:
            with pytest.raises(OSError, match="in use"):
                await other.server.start("127.0.0.1", it.port)

    run(main())
