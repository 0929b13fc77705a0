"""The fetcher against servers on loopback that answer with the very bytes a row says."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lawgate.domain.errors import ConfigurationError
from lawgate.idp.fetch import ANSWER_BYTES_MAX, FetchError, HttpFetch

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: bytes, seen: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return serve


def fetched(serve: Serve, *, tls: ssl.SSLContext | None = None, path: str = "/jwks", **settings: object) -> bytes:
    async def run() -> bytes:
        served: list[asyncio.Task[None] | None] = []

        async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.append(asyncio.current_task())
            with suppress(OSError):
                await serve(reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        async with server:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
            try:
                return await HttpFetch(**settings)(url)  # type: ignore[arg-type]
            finally:
                await asyncio.gather(*(task for task in served if task is not None))

    return asyncio.run(run())


def ok(body: bytes, *headers: bytes, content_type: bytes = b"application/json") -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + content_type, *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"{}", b"Content-Length: 2"),
        ok(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
        ok(b"{}", b"Connection: close"),
        ok(b"{}", b"Content-Length: 2", content_type=b"application/json; charset=utf-8"),
        ok(b"{}", b"Content-Length: 2", content_type=b"Application/JWK-Set+JSON"),
        ok(b"{}", b"Content-Length: 2", b"Content-Encoding: identity"),
    ],
)
def test_a_small_json_document_is_fetched(answer: bytes) -> None:
    assert fetched(answering(answer)) == b"{}"


def test_the_request_is_plain_and_says_its_host() -> None:
    seen: list[bytes] = []
    fetched(answering(ok(b"{}", b"Content-Length: 2"), seen), path="/a/jwks?x=1")
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET /a/jwks?x=1 HTTP/1.1"
    assert lines[1].startswith(b"Host: 127.0.0.1:")
    assert b"Connection: close" in lines


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n",
            "redirects are not followed",
        ),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://evil.example/\r\n\r\n", "redirects are not followed"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "answered 500"),
        (ok(b"<html>", b"Content-Length: 6", content_type=b"text/html"), "something else than JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "something else than JSON"),
        (ok(b"xx", b"Content-Length: 2", b"Content-Encoding: gzip"), "content encoding"),
        (ok(b" " * (ANSWER_BYTES_MAX + 1)), "more than"),
        (ok(b"", b"X-Long: " + b"x" * ANSWER_BYTES_MAX), "more than|HTTP/1.1"),
        (ok(b"{", b"Content-Length: 2"), "cut its answer short"),
        (ok(b"2\r\n{}\r\n", b"Transfer-Encoding: chunked"), "cut its answer short"),
        (b"HTTP/1.1 200 OK\r\nContent-Ty", "cut its answer short"),
        (b"", "cut its answer short"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1"),
        (b"\x16\x03\x01" + b"\0" * 64, "HTTP/1.1"),
        (ok(b"{}", b"Content-Length: 2", b"Transfer-Encoding: chunked"), "HTTP/1.1"),
        (ok(b"{}", b"Content-Length: 2", b"Content-Length: 3"), "HTTP/1.1"),
    ],
)
def test_any_other_answer_is_refused_with_its_fault(answer: bytes, fault: str) -> None:
    with pytest.raises(FetchError, match=fault):
        fetched(answering(answer))


def test_a_server_that_drips_bytes_gains_no_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        gone = asyncio.create_task(reader.read())
        for byte in ok(b"{}", b"X-Long: " + b"x" * 1000):
            writer.write(bytes([byte]))
            if (await asyncio.wait({gone}, timeout=0.01))[0]:
                break
        await gone

    with pytest.raises(FetchError, match=r"within 0\.2 s"):
        fetched(drip, timeout_s=0.2)


def test_a_server_that_never_answers_ends_in_time() -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(FetchError, match=r"within 0\.1 s"):
        fetched(hang, timeout_s=0.1)


def test_nobody_listening_is_an_error_in_words() -> None:
    with pytest.raises(FetchError, match="cannot be reached: ConnectionRefusedError"):
        asyncio.run(HttpFetch()("http://127.0.0.1:1/"))


@pytest.mark.parametrize("url", ["http://keys.northwind.example/", "file:///etc/passwd", "https://a@b.example/", ""])
def test_an_address_that_is_not_allowed_is_not_called(url: str) -> None:
    with pytest.raises(FetchError, match="neither https nor http on loopback"):
        asyncio.run(HttpFetch()(url))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1: the file to trust, and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    begun = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begun, begun + timedelta(9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, folder / "key.pem")
    return ca_file, context


def test_https_is_trusted_through_the_configured_authority(certificate: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = certificate
    assert fetched(answering(ok(b"{}", b"Content-Length: 2")), tls=context, ca_file=str(ca_file)) == b"{}"


def test_https_is_not_trusted_without_it(certificate: tuple[Path, ssl.SSLContext]) -> None:
    with pytest.raises(FetchError, match="failed TLS: CERTIFICATE_VERIFY_FAILED"):
        fetched(answering(ok(b"{}")), tls=certificate[1])


def test_a_ca_file_that_is_none_is_found_at_load(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not PEM")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ConfigurationError, match="CA file"):
            HttpFetch(ca_file=str(tmp_path / name))
