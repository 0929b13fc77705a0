"""A real gateway listener, raw sockets and certificates on loopback, for tests of the transports.

Rule: a test speaks bytes. Nothing here builds or parses HTTP with the code under test.
"""

import asyncio
import datetime as dt
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lawgate.domain.errors import Code
from lawgate.domain.fields import Fields
from lawgate.domain.limits import Limits
from lawgate.gateway.floor import Handler
from lawgate.gateway.http1 import Request, Responder
from lawgate.gateway.server import Server

WAIT_S = 5.0
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop, bounded in time."""

    async def bounded() -> T:
        return await asyncio.wait_for(main, 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


@dataclass
class Gateway:
    """A listener and what reached its handler."""

    port: int
    server: Server
    handled: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refused: list[Code] = field(default_factory=list)


@asynccontextmanager
async def gateway(handler: Handler | None = None, limits: Limits | None = None, **start: Any) -> AsyncIterator[Gateway]:
    """A started gateway; its usual handler reads the body and echoes it."""

    async def echo(request: Request, responder: Responder) -> None:
        it.handled.append(request.target)
        body = await request.body()
        it.bodies.append(body)
        responder.send(200, [(b"content-type", b"text/plain")], body)

    def refuse(code: Code, detail: str) -> tuple[Fields, bytes]:
        it.refused.append(code)
        return [(b"content-type", b"text/plain")], f"{code.value}: {detail}".encode()

    server = Server(handler or echo, refuse, limits or Limits())
    it = Gateway(0, server)
    await server.start("127.0.0.1", 0, **start)
    it.port = server.port
    try:
        yield it
    finally:
        await server.close_gracefully(0.2)


async def talk(port: int, *sends: bytes, half_close: bool = False) -> bytes:
    """Send, then read until the other side closes; the close must come by itself."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for data in sends:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), WAIT_S)
    finally:
        writer.close()


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in what a client received."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)]


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script, **start: Any) -> AsyncIterator[int]:
    """A server that does what the script says with each connection; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **start)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One request framed by Content-Length (or without a body): head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head, await reader.readexactly(length)


def _signs_certificates() -> x509.KeyUsage:
    """RFC 5280 section 4.2.1.3."""
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """A certificate authority made for one test; ECDSA P-256."""

    def __init__(self, folder: Path, name: str = "authority", *, valid_h: int = 1) -> None:
        self._folder = folder
        self._valid_h = valid_h
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_signs_certificates(), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.file = str(self._write(name, self._certificate.public_bytes(serialization.Encoding.PEM)))

    def issue(self, common_name: str, *, stem: str | None = None) -> tuple[str, str, str]:
        """A leaf for a host name or address: certificate file, key file, SHA-256 of the DER in hex."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(common_name))
        except ValueError:
            alternative = x509.DNSName(common_name)
        builder = self._builder(subject, key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        leaf = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stem = stem or common_name
        certificate_file = self._write(stem, leaf.public_bytes(serialization.Encoding.PEM))
        return str(certificate_file), str(self._write(f"{stem}-key", private)), leaf.fingerprint(hashes.SHA256()).hex()

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=2))
            .not_valid_after(now + dt.timedelta(hours=self._valid_h))
            # RFC 5280 sections 4.2.1.1 and 4.2.1.2; Python 3.13 insists on them
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _write(self, stem: str, data: bytes) -> Path:
        path = self._folder / f"{stem}.pem"
        path.write_bytes(data)
        return path
