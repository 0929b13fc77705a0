"""What ``lawgate doctor`` asks of the network: identity providers, upstreams, our own ports.

Rule 1: every question has a bound in time, and all are asked at once.
Rule 2: no request with content is sent, and no credential.
"""

import asyncio
import errno
import json
import socket
import ssl
from collections.abc import Awaitable, Iterable
from typing import Any, Final

from lawgate.config.settings import Config, IssuerSettings, ListenAddress
from lawgate.domain.errors import LawgateError, RefusedError, UpstreamError
from lawgate.domain.processing import Connection
from lawgate.idp.fetch import HttpFetch
from lawgate.idp.oidc import OidcIssuer
from lawgate.operations.finding import Finding, failed, fine, warning
from lawgate.upstream.target import Proxy, UpstreamTarget, UpstreamTls
from lawgate.upstream.tls import check_pin, client_context

TIMEOUT_S: Final = 5.0
_ANSWER_B_MAX: Final = 65_536
_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound


async def network_findings(config: Config, now: float) -> list[Finding]:
    """Everything at once; in the order: providers, upstreams, ports."""
    questions: list[Awaitable[Finding]] = [_issuer_finding(each, now) for each in config.identity]
    questions += [upstream_finding(connection) for connection in config.connections.values()]
    questions.append(node_finding(config))
    return list(await asyncio.gather(*questions))


async def _issuer_finding(settings: IssuerSettings, now: float) -> Finding:
    """Its discovery document and its keys can be had, and are usable."""
    issuer = settings.policy.issuer
    name = "identity provider"
    try:
        fetch = HttpFetch(ca_file=settings.ca_file, allow_http=settings.allow_cleartext)
        source = OidcIssuer(issuer, fetch, allow_http=settings.allow_cleartext)
    except LawgateError as error:
        return failed(name, f"{issuer}: {error}")
    try:
        await source.current(now)
    except RefusedError:
        return failed(name, f"{issuer}: {source.failure}", "without its keys every token is refused")
    except LawgateError as error:
        return failed(name, f"{issuer}: {error}", "without its keys every token is refused")
    finally:
        await source.aclose()
    return fine(name, f"{issuer}: its keys are at hand")


async def upstream_finding(connection: Connection) -> Finding:
    """Whether a connection can be opened, with TLS as it will be used; through a proxy, the proxy alone."""
    name = f"upstream {connection.name}"
    try:
        proxy = Proxy.from_url(connection.proxy) if connection.proxy else None
        trust = UpstreamTls(
            connection.ca_file, connection.pin_sha256, connection.client_certificate, connection.client_key
        )
        target, _ = UpstreamTarget.from_url(connection.upstream, trust, proxy)
        if proxy is not None:
            await _reach(proxy.host, proxy.port, None)
            return fine(name, f"its proxy {proxy.host}:{proxy.port} answers; {target.authority} was not asked")
        await _reach(target.host, target.port, target)
    except (LawgateError, OSError, TimeoutError) as error:
        return failed(name, f"{connection.upstream}: {_reason(error)}", "check address, network and certificates")
    return fine(name, f"{target.authority} answers" + (" with a good certificate" if target.scheme == "https" else ""))


async def _reach(host: str, port: int, target: UpstreamTarget | None) -> None:
    secure = target is not None and target.scheme == "https"
    context = client_context(target.tls) if target is not None and secure else None
    async with asyncio.timeout(TIMEOUT_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
            if target is not None and tls is not None:
                check_pin(target.tls, tls.getpeercert(binary_form=True))
        finally:
            writer.transport.abort()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {TIMEOUT_S:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or 'unknown'}"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(error, UpstreamError):
        return error.detail
    if isinstance(error, OSError):
        return error.strerror or (errno.errorcode.get(error.errno, "unreachable") if error.errno else "unreachable")
    return str(error)


# --- our own ports


async def node_finding(config: Config) -> Finding:
    """The gateway runs and is ready, or its ports are free."""
    answer = await ask_control(config.listen.control, "/readyz")
    if answer is not None:
        where = f"on {_shown(config.listen.control)}"
        if answer.get("ready") is True:
            return fine("gateway", f"it runs and is ready {where}")
        missing = answer.get("missing")
        return failed("gateway", f"it runs {where} and is not ready: {missing} is missing", "read its log")
    taken = [_shown(address) for address in _addresses(config) if not _is_free(address)]
    if taken:
        return failed("gateway", f"it does not answer, and {' and '.join(taken)} cannot be used", "free the port")
    return warning("gateway", "it does not run; its ports are free", "start it: lawgate serve")


async def ask_control(address: ListenAddress, path: str) -> dict[str, Any] | None:
    """What the control port answers in JSON, or ``None`` if nobody does."""
    host = _EVERY_ADDRESS.get(address.host, address.host)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, address.port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii"))
                _, _, body = (await reader.read(_ANSWER_B_MAX)).partition(b"\r\n\r\n")
                answer = json.loads(body)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _addresses(config: Config) -> Iterable[ListenAddress]:
    return (config.listen.data, config.listen.control)


def _shown(address: ListenAddress) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"


def _is_free(address: ListenAddress) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        socket.create_server((address.host, address.port), family=family).close()
    except OSError:
        return False
    return True
