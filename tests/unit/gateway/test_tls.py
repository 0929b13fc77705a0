import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from lawgate.domain.errors import ConfigurationError
from lawgate.gateway.http1 import Request, Responder
from lawgate.gateway.tls import ServerTls, TlsListener
from tests.loopback import Authority, gateway, run

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def fetch(
    port: int, context: ssl.SSLContext, *, sni: str | None = "localhost"
) -> tuple[bytes, bytes | None, str | None]:
    """An answer's head, the server's certificate and the protocol that ALPN chose."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=sni or "")
    writer.write(GET)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    tls = writer.get_extra_info("ssl_object")
    result = head, tls.getpeercert(binary_form=True), tls.selected_alpn_protocol()
    writer.close()
    return result


def client(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def show(request: Request, responder: Responder) -> None:
    await request.body()
    responder.send(200, [(b"x-certificate", b"yes" if request.client_certificate else b"no")], b"")


def test_a_request_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("localhost")

    async def main() -> None:
        async with gateway(show, tls=TlsListener(ServerTls(certificate, key)).context) as it:
            head, _, alpn = await fetch(it.port, client(authority))
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"x-certificate: no" in head
            assert alpn == "http/1.1"

    run(main())


def test_old_tls_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("localhost")

    async def main() -> None:
        async with gateway(show, tls=TlsListener(ServerTls(certificate, key)).context) as it:
            old = client(authority)
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning, match="TLSv1"):
                old.minimum_version = ssl.TLSVersion.TLSv1
            with pytest.warns(DeprecationWarning, match="TLSv1"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await fetch(it.port, old)

    run(main())


@pytest.mark.parametrize("required", [False, True])
def test_client_certificates(tmp_path: Path, *, required: bool) -> None:
    authority = Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    certificate, key, _ = authority.issue("localhost")
    settings = ServerTls(certificate, key, client_ca_file=authority.file, client_required=required)

    async def main() -> None:
        async with gateway(show, tls=TlsListener(settings).context) as it:
            known = client(authority)
            known.load_cert_chain(*authority.issue("agent")[:2])
            assert b"x-certificate: yes" in (await fetch(it.port, known))[0]
            unknown = client(authority)
            unknown.load_cert_chain(*stranger.issue("agent", stem="strange")[:2])
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await fetch(it.port, unknown)
            if required:
                with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                    await fetch(it.port, client(authority))
            else:
                assert b"x-certificate: no" in (await fetch(it.port, client(authority)))[0]

    run(main())


@pytest.mark.parametrize("sni", ["localhost", None])
def test_a_reload_serves_the_new_certificate(tmp_path: Path, sni: str | None) -> None:
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("localhost")
    listener = TlsListener(ServerTls(certificate, key))

    async def main() -> None:
        async with gateway(show, tls=listener.context) as it:
            context = client(authority)
            if sni is None:
                context.check_hostname = False
            _, before, _ = await fetch(it.port, context, sni=sni)
            authority.issue("localhost")
            _, still, _ = await fetch(it.port, context, sni=sni)
            assert still == before
            listener.reload()
            _, after, _ = await fetch(it.port, context, sni=sni)
            assert after != before

    run(main())


def spoil(path: str, other: str, broken: str) -> None:
    if broken == "missing":
        Path(path).unlink()
    else:
        Path(path).write_bytes(Path(other).read_bytes())


@pytest.mark.parametrize("broken", ["certificate", "key", "missing"])
def test_a_reload_that_fails_keeps_the_old_certificate(tmp_path: Path, broken: str) -> None:
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("localhost")
    listener = TlsListener(ServerTls(certificate, key))

    async def main() -> None:
        async with gateway(show, tls=listener.context) as it:
            _, before, _ = await fetch(it.port, client(authority))
            other_certificate, other_key, _ = authority.issue("localhost", stem="other")
            spoil(certificate if broken != "key" else key, other_key if broken == "key" else other_certificate, broken)
            with pytest.raises(ConfigurationError, match="localhost"):
                listener.reload()
            _, after, _ = await fetch(it.port, client(authority))
            assert after == before

    run(main())


def test_requiring_certificates_needs_an_authority(tmp_path: Path) -> None:
    certificate, key, _ = Authority(tmp_path).issue("localhost")
    with pytest.raises(ConfigurationError, match="client_ca_file"):
        TlsListener(ServerTls(certificate, key, client_required=True))


def test_a_clear_request_on_a_tls_port_reaches_nothing(tmp_path: Path) -> None:
    certificate, key, _ = Authority(tmp_path).issue("localhost")

    async def main() -> None:
        async with gateway(tls=TlsListener(ServerTls(certificate, key)).context) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(GET)
            with contextlib.suppress(ConnectionError):
                assert b"HTTP" not in await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert it.handled == []

    run(main())
