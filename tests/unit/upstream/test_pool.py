import asyncio
import socket
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.fields import FieldError
from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.target import Timeouts, UpstreamTarget, UpstreamTls
from tests.loopback import gateway, read_request, run, scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def target_of(port: int) -> UpstreamTarget:
    return UpstreamTarget.from_url(f"http://127.0.0.1:{port}")[0]


async def fetch(pool: UpstreamPool, target: UpstreamTarget, path: str = "/") -> bytes:
    return await (await pool.request(target, "GET", path, [], b"")).read()


def test_connections_are_kept_and_shared_by_target() -> None:
    async def main() -> None:
        async with gateway() as it, gateway() as other:
            pool = UpstreamPool(Limits())
            for _ in range(5):
                await asyncio.gather(*[fetch(pool, target_of(it.port)) for _ in range(3)])
            await fetch(pool, target_of(other.port))
            assert it.server.counters.connections_total == 3
            assert other.server.counters.connections_total == 1
            await pool.close()
            await asyncio.sleep(0.05)
            assert it.server.counters.connections == 0

    run(main())


def test_a_connection_that_the_upstream_closed_is_not_used() -> None:
    async def main() -> None:
        requests: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append((await read_request(reader))[0])
            writer.write(OK)  # and close, without having said so

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            for _ in range(5):
                assert await fetch(pool, target_of(port)) == b"ok"
                await asyncio.sleep(0.02)
            assert len(requests) == 5
            await pool.close()

    run(main())


def test_a_request_is_never_sent_twice() -> None:
    async def main() -> None:
        requests = 0

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal requests
            await read_request(reader)
            writer.write(OK)
            await read_request(reader)
            requests += 1
            writer.transport.abort()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            assert await fetch(pool, target_of(port)) == b"ok"
            with pytest.raises(UpstreamError) as caught:
                await fetch(pool, target_of(port))
            assert caught.value.code is Code.UPSTREAM_INTERRUPTED
            assert caught.value.request_sent
            assert requests == 1
            await pool.close()

    run(main())


def test_nobody_listens() -> None:
    async def main() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        pool = UpstreamPool(Limits())
        for _ in range(3):
            with pytest.raises(UpstreamError) as caught:
                await fetch(pool, target_of(port))
            assert caught.value.code is Code.UPSTREAM_UNREACHABLE
            assert not caught.value.request_sent
        assert pool._host(target_of(port)).open == 0
        await pool.close()

    run(main())


def test_files_that_vanished_are_an_unreachable_upstream() -> None:
    async def main() -> None:
        pool = UpstreamPool(Limits())
        target, _ = UpstreamTarget.from_url("https://localhost:1", UpstreamTls(ca_file="/nowhere.pem"))
        with pytest.raises(UpstreamError, match=r"nowhere\.pem"):
            await fetch(pool, target)
        assert pool._host(target).open == 0
        await pool.close()

    run(main())


@pytest.mark.parametrize(
    ("says", "timeouts", "what"),
    [
        (b"", Timeouts(5, 0.2, 5, 5), "did not answer"),
        (b"HTTP/1.1 200 OK\r\n", Timeouts(5, 0.2, 5, 5), "did not answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Timeouts(5, 0.2, 5, 5), "did not answer"),
        (OK[:-1], Timeouts(5, 5, 0.2, 5), "went quiet"),
        (OK[:-1], Timeouts(5, 5, 5, 0.2), "went quiet"),
    ],
)
def test_an_upstream_that_hangs(says: bytes, timeouts: Timeouts, what: str) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(says)
            await reader.read()

        async with scripted(script) as port:
            pool = UpstreamPool(replace(Limits(), connect_s_max=0.2))
            with pytest.raises(UpstreamError, match=what) as caught:
                await (await pool.request(target_of(port), "GET", "/", [], b"", timeouts=timeouts)).read()
            assert caught.value.code is Code.UPSTREAM_TIMEOUT
            assert caught.value.request_sent
            assert pool._host(target_of(port)).open == 0
            await pool.close()

    run(main())


def test_an_upstream_that_trickles_is_bounded_in_total() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.02)

        async with scripted(script) as port:
            pool = UpstreamPool(replace(Limits(), connect_s_max=0.2))
            timeouts = Timeouts(5, 5, 5, 0.3)
            with pytest.raises(UpstreamError) as caught:
                await (await pool.request(target_of(port), "GET", "/", [], b"", timeouts=timeouts)).read()
            assert caught.value.code is Code.UPSTREAM_TIMEOUT
            await pool.close()

    run(main())


def test_a_handshake_that_hangs() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await asyncio.sleep(60)

        async with scripted(script) as port:
            pool = UpstreamPool(Limits(connect_s_max=0.2))
            target, _ = UpstreamTarget.from_url(f"https://localhost:{port}")
            with pytest.raises(UpstreamError) as caught:
                await fetch(pool, target)
            assert caught.value.code is Code.UPSTREAM_TIMEOUT
            assert not caught.value.request_sent
            assert pool._host(target).open == 0
            await pool.close()

    run(main())


def test_who_must_wait_waits_in_order() -> None:
    async def main() -> None:
        most = open_now = 0

        async def handler(request: Request, responder: Responder) -> None:
            nonlocal most, open_now
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.005)
            open_now -= 1
            responder.send(200, [], request.path.encode())

        async with gateway(handler) as it:
            pool = UpstreamPool(replace(Limits(), upstream_connections_per_host_max=2))
            finished: list[int] = []

            async def one(number: int) -> None:
                assert await fetch(pool, target_of(it.port), f"/{number}") == b"/%d" % number
                finished.append(number)

            await asyncio.gather(*[one(number) for number in range(20)])
            assert most == 2
            assert all(abs(place - number) <= 1 for place, number in enumerate(finished))
            assert it.server.counters.connections_total == 2
            await pool.close()

    run(main())


def test_waiting_is_bounded_in_number_and_time() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await asyncio.sleep(60)

        limits = replace(Limits(), upstream_connections_per_host_max=1, upstream_waiters_max=1, connect_s_max=0.2)
        async with scripted(script) as port:
            pool = UpstreamPool(limits)
            first = asyncio.ensure_future(fetch(pool, target_of(port)))
            await asyncio.sleep(0.05)
            second = asyncio.ensure_future(fetch(pool, target_of(port)))
            await asyncio.sleep(0)
            with pytest.raises(UpstreamError) as caught:
                await fetch(pool, target_of(port))
            assert caught.value.code is Code.OVERLOADED
            with pytest.raises(UpstreamError) as caught:
                await second
            assert caught.value.code is Code.UPSTREAM_TIMEOUT
            assert not caught.value.request_sent
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            assert pool._host(target_of(port)).open == 0
            await pool.close()

    run(main())


@pytest.mark.parametrize("when", ["connecting", "waiting", "head", "body"])
def test_a_cancelled_call_leaves_nothing_behind(when: str) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            if when == "body":
                writer.write(OK[:-1])
            await reader.read()

        async with scripted(script) as port:
            pool = UpstreamPool(replace(Limits(), upstream_connections_per_host_max=1))
            host = pool._host(target_of(port))
            blocker = asyncio.ensure_future(fetch(pool, target_of(port))) if when == "waiting" else None
            await asyncio.sleep(0.05)
            call = asyncio.ensure_future(fetch(pool, target_of(port)))
            await asyncio.sleep(0 if when == "connecting" else 0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            if blocker is not None:
                blocker.cancel()
                await asyncio.gather(blocker, return_exceptions=True)
            assert host.open == 0
            assert pool.connections == set()
            await pool.close()

    run(main())


def test_a_waiter_that_is_cancelled_as_it_is_served_passes_its_turn_on() -> None:
    async def main() -> None:
        async with gateway() as it:
            pool = UpstreamPool(replace(Limits(), upstream_connections_per_host_max=1))
            target = target_of(it.port)
            lease = await pool.open(target)
            first = asyncio.ensure_future(fetch(pool, target))
            second = asyncio.ensure_future(fetch(pool, target))
            await asyncio.sleep(0)
            lease.release()
            first.cancel()
            assert await second == b""
            with pytest.raises(asyncio.CancelledError):
                await first
            await pool.close()

    run(main())


def test_a_lease_serves_one_request() -> None:
    async def main() -> None:
        async with gateway() as it:
            pool = UpstreamPool(Limits())
            target = target_of(it.port)
            lease = await pool.open(target)
            response = await lease.request("POST", "/", [], b"abc")
            assert await response.read() == b"abc"
            with pytest.raises(RuntimeError):
                await lease.request("POST", "/", [], b"abc")
            lease.release()
            unused = await pool.open(target)
            with pytest.raises(FieldError):
                await unused.request("GET", "bad", [], b"")
            assert len(pool._host(target).idle) == 1
            assert it.server.counters.connections_total == 1
            await pool.close()

    run(main())


def test_a_lease_whose_connection_was_closed_takes_another() -> None:
    async def main() -> None:
        async with gateway(limits=replace(Limits(), idle_time_s_max=0.1)) as it:
            pool = UpstreamPool(Limits())
            lease = await pool.open(target_of(it.port))
            await asyncio.sleep(0.3)
            assert it.server.counters.connections == 0
            assert await (await lease.request("POST", "/", [], b"abc")).read() == b"abc"
            await pool.close()

    run(main())


def test_idle_connections_expire() -> None:
    async def main() -> None:
        async with gateway() as it:
            pool = UpstreamPool(replace(Limits(), upstream_idle_s_max=0.1))
            await fetch(pool, target_of(it.port))
            assert len(pool.connections) == 1
            await asyncio.sleep(0.3)
            assert len(pool.connections) == 0
            assert pool._host(target_of(it.port)).open == 0
            await pool.close()

    run(main())


def test_targets_that_a_reload_dropped_are_forgotten() -> None:
    async def main() -> None:
        async with gateway() as it, gateway() as other:
            pool = UpstreamPool(Limits())
            kept, dropped = target_of(it.port), target_of(other.port)
            await fetch(pool, kept)
            await fetch(pool, dropped)
            pool.retire({kept})
            assert list(pool._hosts) == [kept]
            assert len(pool.connections) == 1
            await pool.close()

    run(main())


def test_closing_the_pool_wakes_who_waits() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await asyncio.sleep(60)

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            call = asyncio.ensure_future(fetch(pool, target_of(port)))
            await asyncio.sleep(0.05)
            await pool.close()
            with pytest.raises(UpstreamError) as caught:
                await call
            assert caught.value.code is Code.UPSTREAM_INTERRUPTED

    run(main())


def test_a_head_request_is_not_read_for_a_body() -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
            await reader.read()

        async with scripted(script) as port:
            pool = UpstreamPool(Limits())
            response = await pool.request(target_of(port), "HEAD", "/", [], b"")
            assert (response.status, await response.read()) == (200, b"")
            await pool.close()

    run(main())
