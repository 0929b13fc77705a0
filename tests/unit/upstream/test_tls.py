import ssl
from pathlib import Path

import pytest

from lawgate.domain.errors import Code, ConfigurationError, UpstreamError
from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from lawgate.gateway.tls import ServerTls, TlsListener
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.target import UpstreamTarget, UpstreamTls
from lawgate.upstream.tls import check_pin, client_context
from tests.loopback import Authority, gateway, run


async def ask(port: int, host: str, tls: UpstreamTls) -> bytes:
    pool = UpstreamPool(Limits(connect_s_max=5))
    try:
        target, _ = UpstreamTarget.from_url(f"https://{host}:{port}", tls)
        try:
            return await (await pool.request(target, "POST", "/", [], b"hello")).read()
        finally:
            if pool._host(target).open:
                assert len(pool.connections) == 1
    finally:
        await pool.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_upstream(tmp_path: Path, host: str) -> None:
    authority = Authority(tmp_path)
    certificate, key, digest = authority.issue(host)

    async def main() -> None:
        async with gateway(tls=TlsListener(ServerTls(certificate, key)).context) as it:
            assert await ask(it.port, host, UpstreamTls(ca_file=authority.file)) == b"hello"
            assert await ask(it.port, host, UpstreamTls(authority.file, ("00" * 32, digest))) == b"hello"

    run(main())


@pytest.mark.parametrize("case", ["system", "stranger", "name", "pin", "expired"])
def test_an_upstream_that_is_not_trusted_sees_no_request(tmp_path: Path, case: str) -> None:
    authority = Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    certificate, key, _ = authority.issue("other.example" if case == "name" else "localhost")
    tls = {
        "system": UpstreamTls(),
        "stranger": UpstreamTls(ca_file=stranger.file),
        "name": UpstreamTls(ca_file=authority.file),
        "pin": UpstreamTls(ca_file=authority.file, pin_sha256=("00" * 32,)),
        "expired": UpstreamTls(ca_file=authority.file),
    }[case]
    if case == "expired":
        certificate, key, _ = Authority(tmp_path, "authority", valid_h=-1).issue("localhost")

    async def main() -> None:
        async with gateway(tls=TlsListener(ServerTls(certificate, key)).context) as it:
            with pytest.raises(UpstreamError) as caught:
                await ask(it.port, "localhost", tls)
            assert caught.value.code is Code.UPSTREAM_UNREACHABLE
            assert not caught.value.request_sent
            assert ("pin_sha256" if case == "pin" else "not trusted") in caught.value.detail
            assert it.handled == []

    run(main())


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("localhost")
    own, own_key, _ = authority.issue("gateway")

    async def main() -> None:
        async def handler(request: Request, responder: Responder) -> None:
            await request.body()
            responder.send(200, [], b"yes" if request.client_certificate else b"no")

        settings = ServerTls(certificate, key, client_ca_file=authority.file, client_required=True)
        async with gateway(handler, tls=TlsListener(settings).context) as it:
            tls = UpstreamTls(authority.file, client_certificate=own, client_key=own_key)
            assert await ask(it.port, "localhost", tls) == b"yes"
            with pytest.raises(UpstreamError):
                await ask(it.port, "localhost", UpstreamTls(authority.file))

    run(main())


def test_an_upstream_that_speaks_clear_text(tmp_path: Path) -> None:
    async def main() -> None:
        async with gateway() as it:
            with pytest.raises(UpstreamError) as caught:
                await ask(it.port, "localhost", UpstreamTls(Authority(tmp_path).file))
            assert caught.value.code is Code.UPSTREAM_UNREACHABLE

    run(main())


def test_nothing_turns_verification_off(tmp_path: Path) -> None:
    context = client_context(UpstreamTls(ca_file=Authority(tmp_path).file))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "tls",
    [
        UpstreamTls(ca_file="/nowhere.pem"),
        UpstreamTls(client_certificate="/nowhere.pem", client_key="/nowhere.pem"),
        UpstreamTls(client_certificate="/nowhere.pem"),
        UpstreamTls(client_key="/nowhere.pem"),
    ],
)
def test_files_that_cannot_be_used(tls: UpstreamTls) -> None:
    with pytest.raises(ConfigurationError, match=r"upstream TLS"):
        client_context(tls)


def test_pins() -> None:
    check_pin(UpstreamTls(), None)
    with pytest.raises(UpstreamError):
        check_pin(UpstreamTls(pin_sha256=("00" * 32,)), None)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(UpstreamError):
        check_pin(UpstreamTls(pin_sha256=(empty,)), None)
