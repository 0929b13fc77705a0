import asyncio
from pathlib import Path

import pytest

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.limits import Limits
from lawgate.gateway.tls import ServerTls, TlsListener
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.proxy import connect_request, judge
from lawgate.upstream.target import Proxy, UpstreamTarget, UpstreamTls
from tests.loopback import Authority, gateway, run, scripted


@pytest.mark.parametrize(
    ("host", "authority"),
    [("a.example", b"a.example:443"), ("::1", b"[::1]:443"), ("b\u00fccher.example", b"xn--bcher-kva.example:443")],
)
def test_connect_names_host_and_port(host: str, authority: bytes) -> None:
    request = connect_request(UpstreamTarget("https", host, 443), Proxy("p", 1))
    assert request == b"CONNECT " + authority + b" HTTP/1.1\r\nhost: " + authority + b"\r\n\r\n"


def test_connect_carries_the_proxys_credential() -> None:
    request = connect_request(UpstreamTarget("https", "a", 443), Proxy("p", 1, b"Basic abc"))
    assert b"\r\nproxy-authorization: Basic abc\r\n\r\n" in request


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 \r\nX: y\r\n\r\n", b"HTTP/1.1 299\r\n\r\n"]
)
def test_a_tunnel_that_opens(answer: bytes) -> None:
    assert judge(answer) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"HTTP/1.1 301 Moved\r\nLocation: x\r\n\r\n", "301"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "100"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP/1.1"),
        (b"200\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 2000\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03", "of its own"),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * 20000, "too long"),
    ],
)
def test_a_tunnel_that_does_not(answer: bytes, why: str) -> None:
    problem = judge(answer)
    assert problem is not None
    assert why in problem


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("secured", [False, True])
def test_a_request_through_a_proxy(tmp_path: Path, *, secured: bool) -> None:
    authority = Authority(tmp_path)
    certificate, key, digest = authority.issue("localhost")
    tls = TlsListener(ServerTls(certificate, key)).context if secured else None

    async def main() -> None:
        asked: list[bytes] = []
        seen: list[bytes] = []

        async with gateway(tls=tls) as it:

            async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", it.port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

                async def upwards() -> None:
                    while data := await reader.read(65536):
                        seen.append(data)
                        up_writer.write(data)
                    up_writer.close()

                try:
                    await asyncio.gather(upwards(), pipe(up_reader, writer))
                finally:
                    up_writer.close()

            async with scripted(proxy) as port:
                pool = UpstreamPool(Limits())
                target, _ = UpstreamTarget.from_url(
                    f"{'https' if secured else 'http'}://localhost:{it.port}",
                    UpstreamTls(ca_file=authority.file, pin_sha256=(digest,) if secured else ()),
                    Proxy.from_url(f"http://user:pw@127.0.0.1:{port}"),
                )
                for body in (b"one", b"two"):
                    response = await pool.request(target, "POST", "/x", [], body)
                    assert (response.status, await response.read()) == (200, body)
                assert len(asked) == 1
                assert asked[0].startswith(f"CONNECT localhost:{it.port} HTTP/1.1\r\n".encode())
                assert (b"one" in b"".join(seen)) is not secured
                await pool.close()

    run(main())


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b""]
)
def test_a_proxy_that_refuses(answer: bytes) -> None:
    async def main() -> None:
        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)

        async with scripted(proxy) as port:
            pool = UpstreamPool(Limits())
            target, _ = UpstreamTarget.from_url("http://a.invalid", proxy=Proxy("127.0.0.1", port))
            with pytest.raises(UpstreamError) as caught:
                await pool.request(target, "GET", "/", [], b"")
            assert caught.value.code is Code.UPSTREAM_UNREACHABLE
            assert not caught.value.request_sent
            assert pool._host(target).open == 0
            await pool.close()

    run(main())
