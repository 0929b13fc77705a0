"""Through an HTTP proxy by CONNECT (RFC 9110 section 9.3.6).

Rule 1: a tunnel is open after a 2xx head and nothing else; bytes behind that head would reach TLS as if
    the upstream had sent them, so they refuse the tunnel.
Rule 2: what the proxy says besides its status is not repeated.
"""

import asyncio
import re
from typing import Final, cast

from lawgate.domain.errors import Code, UpstreamError
from lawgate.upstream.target import Proxy, UpstreamTarget

_HEAD_B_MAX: Final = 16 * 1024
"""h11's bound of an incomplete head."""
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


class Tunnel(asyncio.Protocol):
    """Asks the proxy and waits for its head."""

    def __init__(self, target: UpstreamTarget, proxy: Proxy) -> None:
        self._request = connect_request(target, proxy)
        self._head = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Judge the proxy's head once it is whole."""
        if self.opened.done():
            return
        self._head += data
        if b"\r\n\r\n" in self._head or len(self._head) > _HEAD_B_MAX:
            problem = judge(self._head)
            if problem is None:
                self.opened.set_result(None)
            else:
                self._fail(problem)

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy hung up."""
        del exc
        self._fail("the proxy closed the connection before it answered CONNECT")

    def _fail(self, problem: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(UpstreamError(Code.UPSTREAM_UNREACHABLE, problem, request_sent=False))
            self.opened.exception()  # looked at here, because the waiter may have timed out already


def connect_request(target: UpstreamTarget, proxy: Proxy) -> bytes:
    """The CONNECT request: authority-form always names the port (RFC 9112 section 3.2.3)."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    authority = f"{host}:{target.port}".encode("idna" if not target.host.isascii() else "ascii")
    credential = b"proxy-authorization: %b\r\n" % proxy.authorization if proxy.authorization else b""
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority, authority, credential)


def judge(answer: bytes) -> str | None:
    """``None`` when the tunnel is open, else one sentence that says why it is not."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    if not end:
        return "the proxy's answer to CONNECT is too long"
    status = _STATUS_LINE.match(head + b"\r")
    if status is None:
        return "the proxy's answer to CONNECT is not HTTP/1.1"
    if not status[1].startswith(b"2"):
        return f"the proxy refused CONNECT with status {status[1].decode()}"
    return "the proxy sent bytes of its own into the tunnel" if rest else None
