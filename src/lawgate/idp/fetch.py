"""One GET for one small JSON document of an identity provider.

Rule 1: no redirect, no cookie, no proxy, no compression, no retry. The address is configured, or
comes from a document that the configured address gave (SSRF: nothing from a token gets here).
Rule 2: the whole call ends within ``timeout_s``, name resolution and TLS included, and the answer
within ``ANSWER_BYTES_MAX``; a provider that drips bytes gains nothing.
Rule 3: httptools on an asyncio stream, both of which the data plane has loaded anyway: an HTTP
client library would cost 9 MB of the gateway's idle memory for two requests in five minutes.
"""

import asyncio
import ssl
from typing import Final, Protocol
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from lawgate.domain.errors import ConfigurationError, LawgateError
from lawgate.identify.metadata import may_fetch

ANSWER_BYTES_MAX: Final = 262_144
"""Head and body. Ten keys with their certificate chains are near 40 kB."""
TIMEOUT_S: Final = 5.0
JSON_TYPES: Final = ("application/json", "application/jwk-set+json")
"""RFC 8259 and RFC 7517 section 8.5.2."""

_CHUNK_BYTES: Final = 65_536


class FetchError(LawgateError):
    """A document could not be had; the message says why, for the people who run Lawgate."""


class Fetch(Protocol):
    """Gets a document; raises ``FetchError``."""

    async def __call__(self, url: str) -> bytes: ...


class HttpFetch:
    """A ``Fetch`` over HTTP/1.1, with the system's certificate authorities or those of ``ca_file``."""

    def __init__(self, *, ca_file: str | None = None, allow_http: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self._allow_http = allow_http
        self._timeout_s = timeout_s
        self._tls = None if ca_file is None else _tls(ca_file)

    async def __call__(self, url: str) -> bytes:
        """Return the body of a 200 answer in JSON; raises ``FetchError``."""
        if not may_fetch(url, allow_http=self._allow_http):
            raise FetchError("an address is neither https nor http on loopback, or has a user in it")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._get(url)
        except TimeoutError:
            raise FetchError(f"{url} did not answer within {self._timeout_s:g} s") from None
        except ssl.SSLError as error:
            raise FetchError(f"{url} failed TLS: {error.reason or 'unknown'}") from None
        except HttpParserError:
            raise FetchError(f"{url} did not answer in HTTP/1.1") from None
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be encoded
            raise FetchError(f"{url} cannot be reached: {type(error).__name__}") from None

    async def _get(self, url: str) -> bytes:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if secure else 80), ssl=self._context() if secure else None
        )
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            writer.write(_request(target, parts.netloc))
            return await _answer(reader, url)
        finally:
            # Abort: a close would wait for the peer's half of the TLS shutdown, which may never come.
            writer.transport.abort()

    def _context(self) -> ssl.SSLContext:
        """Load the system's authorities on first use: they take memory that plain loopback never needs."""
        if self._tls is None:
            self._tls = _tls(None)
        return self._tls


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"CA file {ca_file} cannot be read as PEM certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _request(target: str, host: str) -> bytes:
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
        "User-Agent: lawgate\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


async def _answer(reader: asyncio.StreamReader, url: str) -> bytes:
    answer = _Answer()
    parser = HttpResponseParser(answer)
    received = 0
    while not answer.complete:
        data = await reader.read(_CHUNK_BYTES)
        if not data:
            break
        received += len(data)
        if received > ANSWER_BYTES_MAX:
            raise FetchError(f"{url} answered more than {ANSWER_BYTES_MAX} bytes")
        parser.feed_data(data)
        if answer.head_complete:
            _require_json(parser.get_status_code(), answer, url)
    # A body with neither length nor chunks ends with the connection (RFC 9112 section 6.3); JSON shows a cut.
    if not answer.head_complete or (answer.framed and not answer.complete):
        raise FetchError(f"{url} cut its answer short")
    return b"".join(answer.body)


def _require_json(status: int, answer: "_Answer", url: str) -> None:
    if 300 <= status < 400:  # noqa: PLR2004 (the class of status codes that redirect)
        raise FetchError(f"{url} answered {status}: redirects are not followed, configure the final address")
    if status != 200:  # noqa: PLR2004
        raise FetchError(f"{url} answered {status}")
    if answer.content_type not in JSON_TYPES:
        raise FetchError(f"{url} answered something else than JSON")
    if answer.encoded:
        raise FetchError(f"{url} answered with a content encoding that was not asked for")


class _Answer:
    """What httptools found: its callbacks."""

    __slots__ = ("body", "complete", "content_type", "encoded", "framed", "head_complete")

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.content_type = ""
        self.encoded = False
        self.framed = False
        self.head_complete = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-type":
                self.content_type = value.decode("latin-1").partition(";")[0].strip().lower()
            case b"content-encoding":
                self.encoded = value.strip().lower() != b"identity"
            case b"content-length" | b"transfer-encoding":
                self.framed = True

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True
