"""The control port opens, closes and cannot be held open."""

import asyncio
import socket

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from lawgate.console.serving import bound, serving
from lawgate.domain.errors import CannotListenError

WAIT_S = 10.0


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    return answer


async def test_it_serves_while_the_context_lasts() -> None:
    async with serving(hello, "127.0.0.1", 0) as port:
        answer = await ask(port)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"hello")
        assert b"server:" not in answer.lower()
    with pytest.raises(ConnectionError):
        await ask(port)


async def test_a_context_that_ends_at_once_ends() -> None:
    async with asyncio.timeout(WAIT_S), serving(hello, "127.0.0.1", 0):
        pass


async def test_a_client_that_waits_for_ever_does_not_hold_up_a_stop() -> None:
    writer: asyncio.StreamWriter | None = None
    async with asyncio.timeout(WAIT_S):
        async with serving(never, "127.0.0.1", 0, stop_s=1) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await asyncio.sleep(0.1)
        writer.close()


async def test_an_address_in_use_is_named_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListenError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*listen\.control"):
            async with serving(hello, "127.0.0.1", port):
                raise AssertionError("it serves on a port that is taken")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families_can_be_listened_on(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("not on this platform: IPv6")
    with bound(host, 0) as listener:
        assert listener.getsockname()[0] == host
