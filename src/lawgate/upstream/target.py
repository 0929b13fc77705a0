"""Where an upstream is, and how it is reached and trusted.

Rule: a target is a key. Two exchanges share a connection only if everything here is equal.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from lawgate.domain.errors import ConfigurationError
from lawgate.domain.limits import Limits

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """Trust: files in PEM; ``pin_sha256`` are lower-case hexadecimal digests of accepted leaf certificates.

    ``ca_file`` replaces the system's authorities. Pins come on top of verification, never instead.
    """

    ca_file: str | None = None
    pin_sha256: tuple[str, ...] = ()
    client_certificate: str | None = None
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that is asked to CONNECT. ``authorization`` is the whole field value, never shown."""

    host: str
    port: int
    authorization: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """``http://[user:password@]host[:port]``; raises ``ConfigurationError`` without repeating the URL."""
        scheme, host, port, path = _split(url, "proxy")
        if scheme != "http" or path.strip("/"):
            raise ConfigurationError("proxy: write it as http://host:port (TLS to the upstream runs inside)")
        parts = urlsplit(url)
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            authorization = b"Basic " + b64encode(pair)
        return cls(host, port, authorization)


@dataclass(frozen=True, slots=True)
class UpstreamTarget:
    """One scheme, host and port with its trust and its proxy."""

    scheme: str
    host: str
    port: int
    tls: UpstreamTls = UpstreamTls()
    proxy: Proxy | None = None

    @classmethod
    def from_url(cls, url: str, tls: UpstreamTls | None = None, proxy: Proxy | None = None) -> tuple[Self, str]:
        """The target and the path prefix (without its last ``/``) of a URL; raises ``ConfigurationError``."""
        scheme, host, port, path = _split(url, "upstream")
        if "@" in urlsplit(url).netloc:
            raise ConfigurationError("upstream: a URL must hold no credential; use the connection's credential")
        return cls(scheme, host, port, tls or UpstreamTls(), proxy), path.rstrip("/")

    @property
    def authority(self) -> str:
        """What ``Host`` says: the port only where it is not the scheme's own (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def _split(url: str, what: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{what}: the URL's host or port cannot be read") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError(f"{what}: the URL must start with http:// or https:// and name a host")
    if parts.query or parts.fragment or not (parts.path.isascii() and url.isprintable() and " " not in url):
        raise ConfigurationError(f"{what}: the URL must end with its path, in ASCII and without spaces")
    try:
        parts.hostname.encode("ascii" if parts.hostname.isascii() else "idna")
    except UnicodeError:
        raise ConfigurationError(f"{what}: the URL's host is not a host name") from None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds in time of one upstream call, in seconds; see ``Limits`` for each."""

    connect_s: float
    first_byte_s: float
    stream_idle_s: float
    total_s: float

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """The process-wide bounds."""
        return cls(limits.connect_s_max, limits.time_to_first_byte_s_max, limits.stream_idle_s_max, limits.total_s_max)
