"""TLS on both sides with certificates made for the test: clients to the gateway, the gateway to its upstream."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lawgate.domain.errors import Code
from tests.gateway_process import PREAMBLE, GatewayProcess
from tests.loopback import Authority
from tests.system.conftest import MAIL, RECIPIENT, Curled, chat_json, curl, entries_of
from tests.system.model_server import ModelServer, running_model

PURPOSES = """\
purposes:
  answer: {title: Answer, allow: {connections: [%s]}, lawful_basis: 6-1-b}
"""


@dataclass
class ConnectProxy:
    """An HTTP proxy that opens tunnels (RFC 9110 section 9.3.6) and keeps what it was asked and what it carried."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    carried: bytearray = field(default_factory=bytearray)
    refuses: bool = False


@contextmanager
def running_proxy() -> Iterator[ConnectProxy]:
    """Serve tunnels on threads until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        it = ConnectProxy(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, it), daemon=True)
        thread.start()
        try:
            yield it
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _accept(listener: socket.socket, proxy: ConnectProxy) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_tunnel, args=(client, proxy), daemon=True).start()


def _tunnel(client: socket.socket, proxy: ConnectProxy) -> None:
    with client:
        client.settimeout(30)
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        proxy.asked.append(head)
        if proxy.refuses:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as upstream:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(upstream, client, proxy), daemon=True)
            back.start()
            _copy(client, upstream, proxy)
            back.join(30)


def _copy(source: socket.socket, sink: socket.socket, proxy: ConnectProxy) -> None:
    try:
        while data := source.recv(65_536):
            proxy.carried += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@dataclass
class Trust:
    """Two authorities, and what the first issued."""

    folder: Path
    authority: Authority
    stranger: Authority
    server: tuple[str, str, str]


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("trust")
    authority = Authority(folder, "authority")
    return Trust(folder, authority, Authority(folder, "stranger"), authority.issue("127.0.0.1"))


def server_context(trust: Trust, *, client_ca: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust.server[0], trust.server[1])
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="module")
def tls_model(trust: Trust) -> Iterator[ModelServer]:
    """The model server behind a certificate of a private authority."""
    with running_model(server_context(trust)) as server:
        yield server


@pytest.fixture(scope="module")
def strict_model(trust: Trust) -> Iterator[ModelServer]:
    """One that asks its clients for a certificate."""
    with running_model(server_context(trust, client_ca=trust.authority.file)) as server:
        yield server


@pytest.fixture(scope="module")
def proxy() -> Iterator[ConnectProxy]:
    with running_proxy() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    trust: Trust,
    tls_model: ModelServer,
    strict_model: ModelServer,
    proxy: ConnectProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProcess]:
    """In front of one upstream that is trusted in several ways, right and wrong."""
    pin, wrong = trust.server[2], "ab" * 32
    client, client_key, _ = trust.authority.issue("gateway")
    wrong_name = tls_model.url.replace("127.0.0.1", "localhost")
    trusted = f"ca_file: {trust.authority.file}"
    strict = f"upstream: {strict_model.url}/v1, {trusted}"
    rows = {
        "plain-ca": f"upstream: {tls_model.url}/v1, {trusted}",
        "pinned": f"upstream: {tls_model.url}/v1, {trusted}, pin_sha256: ['{wrong}', '{pin}']",
        "wrong-pin": f"upstream: {tls_model.url}/v1, {trusted}, pin_sha256: ['{wrong}']",
        "wrong-ca": f"upstream: {tls_model.url}/v1, ca_file: {trust.stranger.file}",
        "system-ca": f"upstream: {tls_model.url}/v1",
        "wrong-name": f"upstream: {wrong_name}/v1, {trusted}",
        "not-tls": f"upstream: {tls_model.url.replace('https', 'http')}/v1",
        "client-cert": f"{strict}, client_certificate: {client}, client_key: {client_key}",
        "no-client-cert": strict,
        "proxied": f"upstream: {tls_model.url}/v1, {trusted}, proxy: 'http://127.0.0.1:{proxy.port}'",
    }
    lines = "\n".join(f"  {name}: {{protocol: openai, {row}, {RECIPIENT}}}" for name, row in rows.items())
    text = f"{PREAMBLE}connections:\n{lines}\n{PURPOSES % ', '.join(rows)}"
    with GatewayProcess(tmp_path_factory.mktemp("tls-gateway"), text) as running:
        yield running
    assert "Traceback" not in running.stderr


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.new_key("answer")


def ask(gateway: GatewayProcess, connection: str, key: str, *options: str, stream: bool = False) -> Curled:
    return curl(
        "-N",
        f"{gateway.data_url}/{connection}/v1/chat/completions",
        "-H",
        f"x-api-key: {key}",
        "-H",
        "content-type: application/json",
        "-d",
        chat_json(f"I am {MAIL}", stream=stream),
        *options,
    )


# ---- towards the upstream -------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["plain-ca", "pinned", "client-cert"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_trusted_upstream(gateway: GatewayProcess, key: str, connection: str, *, stream: bool) -> None:
    answer = ask(gateway, connection, key, stream=stream)
    assert answer.status == 200
    assert b"DE89 3704" not in answer.body


@pytest.mark.parametrize(
    "connection", ["wrong-pin", "wrong-ca", "system-ca", "wrong-name", "no-client-cert", "not-tls"]
)
def test_an_upstream_that_is_not_trusted_gets_nothing(
    gateway: GatewayProcess, key: str, connection: str, tls_model: ModelServer, strict_model: ModelServer
) -> None:
    before = len(tls_model.seen), len(strict_model.seen)
    answer = ask(gateway, connection, key)
    assert answer.status == 502
    code = answer.json["error"]["code"]
    assert code in {Code.UPSTREAM_UNREACHABLE, Code.UPSTREAM_PROTOCOL, Code.UPSTREAM_INTERRUPTED}
    assert (len(tls_model.seen), len(strict_model.seen)) == before
    intent, outcome = entries_of(gateway, answer.exchange)
    assert (intent.kind, outcome.outcome, outcome.code) == ("intent", "failed", code)
    assert outcome.meta["detail"]
    assert "certificate" not in answer.json["error"]["message"], "the caller learns nothing of the inside"


def test_a_wrong_pin_is_named_in_the_record(gateway: GatewayProcess, key: str, trust: Trust) -> None:
    answer = ask(gateway, "wrong-pin", key)
    assert answer.json["error"]["code"] == "upstream_unreachable"
    detail = entries_of(gateway, answer.exchange)[-1].meta["detail"]
    assert trust.server[2] in detail, "the operator reads which certificate there was"


def test_through_a_proxy(gateway: GatewayProcess, key: str, proxy: ConnectProxy, tls_model: ModelServer) -> None:
    answer = ask(gateway, "proxied", key)
    assert answer.status == 200
    authority = tls_model.url.removeprefix("https://").encode()
    assert proxy.asked[0].startswith(b"CONNECT %b HTTP/1.1\r\n" % authority)
    assert tls_model.of(answer.exchange).header("proxy-authorization") is None
    assert b"<EMAIL>" not in bytes(proxy.carried), "the proxy saw TLS and nothing else"
    proxy.refuses = True
    try:
        # The tunnel that stands is used again; the key is the target, so another connection needs a new tunnel.
        assert ask(gateway, "proxied", key).status == 200
        assert len(proxy.asked) == 1
    finally:
        proxy.refuses = False


# ---- towards clients ------------------------------------------------------------------------


def tls_configuration(model: ModelServer, certificate: str, key: str, client_ca: str = "") -> str:
    tls = f"tls: {{certificate: {certificate}, key: {key}{f', client_ca: {client_ca}' if client_ca else ''}}}"
    head = PREAMBLE.replace("control: 127.0.0.1:0", f"control: 127.0.0.1:0, {tls}")
    connection = f"  llm: {{protocol: openai, upstream: {model.url}/v1, {RECIPIENT}}}\n"
    return f"{head}connections:\n{connection}{PURPOSES % 'llm'}"


def served_certificate(port: int, ca_file: str) -> str:
    """SHA-256 of the certificate that a listener shows now."""
    from hashlib import sha256

    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        certificate = tls.getpeercert(binary_form=True)
        assert certificate is not None
        assert tls.version() in {"TLSv1.2", "TLSv1.3"}
        return sha256(certificate).hexdigest()


def test_clients_over_tls_and_a_new_certificate_by_sighup(trust: Trust, model: ModelServer, tmp_path: Path) -> None:
    certificate, private_key, first = trust.authority.issue("127.0.0.1", stem="listener")
    with GatewayProcess(tmp_path / "g", tls_configuration(model, certificate, private_key)) as gateway:
        key = gateway.new_key("answer")
        trusted = ("--cacert", trust.authority.file)
        assert gateway.data_url.startswith("https://")
        assert ask(gateway, "llm", key, *trusted).status == 200
        assert ask(gateway, "llm", key, *trusted, stream=True).status == 200
        assert ask(gateway, "llm", key, "--cacert", trust.stranger.file).code == 60
        assert ask(gateway, "llm", key, *trusted, "--tls-max", "1.1").code != 0
        assert curl(gateway.data_url.replace("https", "http") + "/llm/v1/models").status in {0, 400}
        assert served_certificate(gateway.data_port, trust.authority.file) == first

        _, _, second = trust.authority.issue("127.0.0.1", stem="listener")
        gateway.reload()
        assert served_certificate(gateway.data_port, trust.authority.file) == second
        assert ask(gateway, "llm", key, *trusted).status == 200

        # A broken file changes nothing, and is said.
        Path(certificate).write_text("not a certificate")
        gateway.reload("configuration not reloaded; the old one stays")
        assert served_certificate(gateway.data_port, trust.authority.file) == second
        assert ask(gateway, "llm", key, *trusted).status == 200


def test_clients_must_show_a_certificate(trust: Trust, model: ModelServer, tmp_path: Path) -> None:
    certificate, private_key, _ = trust.authority.issue("127.0.0.1", stem="strict-listener")
    known = trust.authority.issue("client-7")
    unknown = trust.stranger.issue("client-8")
    text = tls_configuration(model, certificate, private_key, trust.authority.file)
    with GatewayProcess(tmp_path / "g", text) as gateway:
        key = gateway.new_key("answer")
        trusted = ("--cacert", trust.authority.file)
        assert ask(gateway, "llm", key, *trusted, "--cert", known[0], "--key", known[1]).status == 200
        before = len(model.seen)
        assert ask(gateway, "llm", key, *trusted).code in {35, 52, 55, 56}
        assert ask(gateway, "llm", key, *trusted, "--cert", unknown[0], "--key", unknown[1]).code in {35, 52, 55, 56}
        assert len(model.seen) == before


def test_a_certificate_that_cannot_be_used_stops_the_start(trust: Trust, model: ModelServer, tmp_path: Path) -> None:
    certificate, _, _ = trust.authority.issue("127.0.0.1", stem="mismatched")
    _, other_key, _ = trust.authority.issue("127.0.0.1", stem="other")
    gateway = GatewayProcess(tmp_path / "g", tls_configuration(model, certificate, other_key))
    with pytest.raises(AssertionError, match=r"TLS: .* cannot be used"):
        gateway.start()
    assert gateway.stop() == 3
