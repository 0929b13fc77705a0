"""What a provider's discovery document may say (OpenID Connect Discovery 1.0, RFC 8414).

Rule 1: the issuer in the document equals the configured one exactly, or the document is another's
(OpenID Connect Discovery section 4.3, RFC 8414 section 3.3).
Rule 2: keys come over TLS. Plain HTTP is for loopback, or where the configuration says so aloud.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lawgate.domain.errors import ConfigurationError, LawgateError
from lawgate.identify.encoding import UnreadableError, decode_object

URL_LENGTH_MAX: Final = 2048
WELL_KNOWN: Final = "/.well-known/openid-configuration"


class MetadataError(LawgateError):
    """A discovery document that must not be used; the message says why."""


def require_issuer_url(issuer: str) -> None:
    """Raise ``ConfigurationError`` unless this can be an issuer: a URL without query or fragment.

    ``|`` is no character of a URL (RFC 3986), and it separates issuer and subject in ``Principal.id``.
    """
    if _split(issuer) is None or any(character in issuer for character in "?#|"):
        raise ConfigurationError(f"issuer {issuer!r} is not an https URL without user, query and fragment")


def discovery_url(issuer: str) -> str:
    """Where the issuer's metadata is (OpenID Connect Discovery section 4)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def may_fetch(url: str, *, allow_http: bool) -> bool:
    """Whether keys may be fetched from here: https, or http to loopback or by explicit permission."""
    parts = _split(url)
    return parts is not None and (parts.scheme == "https" or allow_http or is_loopback(parts.hostname or ""))


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal is this machine and no other."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def jwks_uri_from(document: bytes, issuer: str, *, allow_http: bool) -> str:
    """Return the address of the issuer's keys; raises ``MetadataError`` if the document is not the issuer's."""
    try:
        metadata = decode_object(document)
    except UnreadableError as error:
        raise MetadataError(f"the discovery document is {error}") from None
    if metadata.get("issuer") != issuer:
        raise MetadataError("the discovery document names another issuer than the configured one")
    uri = metadata.get("jwks_uri")
    if not isinstance(uri, str) or not may_fetch(uri, allow_http=allow_http):
        raise MetadataError("the discovery document has no 'jwks_uri' that may be fetched (https, or http to loopback)")
    return uri


def _split(url: str) -> SplitResult | None:
    """Split an absolute http(s) URL that means the same to every reader, else ``None``."""
    if not url.isascii() or len(url) > URL_LENGTH_MAX or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return None
    except ValueError:
        return None
    return parts if parts.scheme in {"https", "http"} and parts.hostname and "@" not in parts.netloc else None
