import asyncio
import os
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from lawgate.config.load import load_config
from lawgate.config.settings import Config, ListenAddress
from lawgate.operations.finding import Finding
from lawgate.operations.health_network import ask_control, network_findings, node_finding, upstream_finding
from tests.loopback import Authority, Script, read_request, run, scripted
from tests.playbook import CONNECTION
from tests.token_mint import jwk, jwks
from tests.unit.config.files import VALID, written


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


def answering(*bodies: bytes, status: bytes = b"200 OK") -> Script:
    """A server that gives the bodies in turn, the last one for ever."""
    left = list(bodies)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = left.pop(0) if len(left) > 1 else left[0]
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        writer.write(head + body)
        await writer.drain()

    return script


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config(folder: Path, *, issuer: str = "https://login.example", control: int = 0) -> Config:
    text = VALID.replace("https://login.example", issuer).replace(
        "audience: lawgate", "audience: lawgate, allow_cleartext: true" if issuer.startswith("http:") else "audience: x"
    )
    text += f"listen: {{data: '127.0.0.1:{free_port()}', control: '127.0.0.1:{control or free_port()}'}}\n"
    return load_config(written(folder, text), env=os.environ)


# --- upstreams


def asked(upstream: str, **more: object) -> Finding:
    return run(upstream_finding(replace(CONNECTION, upstream=upstream, **more)))  # type: ignore[arg-type]


def test_an_upstream_that_listens_is_fine() -> None:
    async def main() -> Finding:
        async with scripted(silent) as port:
            return await upstream_finding(replace(CONNECTION, upstream=f"http://127.0.0.1:{port}/v1"))

    assert run(main()).health == "ok"


@pytest.mark.parametrize(
    ("upstream", "said"),
    [("http://127.0.0.1:1/v1", "refused"), ("http://nowhere.invalid/v1", "cannot be resolved"), ("ftp://x", "http")],
)
def test_an_upstream_that_cannot_be_reached_says_why(upstream: str, said: str) -> None:
    found = asked(upstream)
    assert found.health == "failed"
    assert said in found.found.lower()


def test_certificates_are_checked_as_they_will_be_in_use(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    certificate, key, digest = authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> list[Finding]:
        async with scripted(silent, ssl=context) as port:
            at = replace(CONNECTION, upstream=f"https://127.0.0.1:{port}/v1")
            return [
                await upstream_finding(replace(at, ca_file=authority.file)),
                await upstream_finding(replace(at, ca_file=authority.file, pin_sha256=(digest,))),
                await upstream_finding(replace(at, ca_file=stranger.file)),
                await upstream_finding(replace(at, ca_file=authority.file, pin_sha256=("0" * 64,))),
                await upstream_finding(replace(at, ca_file=str(tmp_path / "none.pem"))),
            ]

    found = run(main())
    assert [finding.health for finding in found] == ["ok", "ok", "failed", "failed", "failed"]
    assert "not trusted" in found[2].found
    assert "pin_sha256" in found[3].found
    assert "none.pem" in found[4].found


def test_through_a_proxy_only_the_proxy_is_asked() -> None:
    async def main() -> Finding:
        async with scripted(silent) as port:
            through = f"http://user:secret@127.0.0.1:{port}"
            return await upstream_finding(replace(CONNECTION, upstream="https://far.invalid/v1", proxy=through))

    found = run(main())
    assert found.health == "ok"
    assert "was not asked" in found.found
    assert "secret" not in found.found


# --- identity providers


def test_a_provider_with_keys_is_fine_and_one_without_says_why(tmp_path: Path) -> None:
    async def main(body: bytes) -> list[Finding]:
        documents: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await answering(documents[0] if b"openid" in (await peek(reader)) else body)(reader, writer)

        async def peek(reader: asyncio.StreamReader) -> bytes:
            head = await reader.readuntil(b"\r\n")
            reader._buffer[0:0] = head  # type: ignore[attr-defined]
            return head

        async with scripted(script) as port:
            issuer = f"http://127.0.0.1:{port}"
            documents.append(f'{{"issuer":"{issuer}","jwks_uri":"{issuer}/jwks"}}'.encode())
            return await network_findings(config(tmp_path, issuer=issuer), 1_790_000_000.0)

    good = run(main(jwks(jwk())))
    assert (good[0].name, good[0].health) == ("identity provider", "ok")
    bad = run(main(b'{"keys":[]}'))
    assert (bad[0].health, bad[0].mend) == ("failed", "without its keys every token is refused")


def test_a_provider_that_is_down_is_a_failure(tmp_path: Path) -> None:
    found = run(network_findings(config(tmp_path, issuer="http://127.0.0.1:1"), 0.0))
    assert found[0].health == "failed"
    assert "127.0.0.1:1" in found[0].found


# --- our own ports


def test_a_gateway_that_does_not_run_leaves_free_ports(tmp_path: Path) -> None:
    found = run(node_finding(config(tmp_path)))
    assert (found.health, found.mend) == ("warning", "start it: lawgate serve")


def test_a_port_that_somebody_else_has_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = config(tmp_path)
        listen = replace(settings.listen, data=ListenAddress("127.0.0.1", port))
        found = run(node_finding(replace(settings, listen=listen)))
    assert found.health == "failed"
    assert f"127.0.0.1:{port}" in found.found


@pytest.mark.parametrize(
    ("body", "health", "said"),
    [
        (b'{"ready":true,"missing":null}', "ok", "is ready"),
        (b'{"ready":false,"missing":"evidence"}', "failed", "evidence is missing"),
    ],
)
def test_a_gateway_that_runs_says_itself_how_it_is(tmp_path: Path, body: bytes, health: str, said: str) -> None:
    async def main() -> Finding:
        async with scripted(answering(body)) as port:
            return await node_finding(config(tmp_path, control=port))

    found = run(main())
    assert found.health == health
    assert said in found.found


@pytest.mark.parametrize("body", [b"ok\n", b"[1]", b"", b"\xff"])
def test_something_else_on_the_control_port_is_no_answer(body: bytes) -> None:
    async def main() -> dict[str, object] | None:
        async with scripted(answering(body)) as port:
            return await ask_control(ListenAddress("0.0.0.0", port), "/readyz")

    assert run(main()) is None
