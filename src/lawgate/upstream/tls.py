"""TLS towards upstreams.

Rule 1: verified chain, verified host name, TLS 1.2 at least (RFC 9325 section 3.1.1); nothing turns this off.
Rule 2: a pin narrows trust to certificates that were named; it never widens it.
"""

import hashlib
import ssl

from lawgate.domain.errors import Code, ConfigurationError, UpstreamError
from lawgate.upstream.target import UpstreamTls


def client_context(tls: UpstreamTls) -> ssl.SSLContext:
    """A context for one target; raises ``ConfigurationError`` when a file is not usable."""
    if (tls.client_certificate is None) != (tls.client_key is None):
        raise ConfigurationError("upstream TLS: client_certificate and client_key go together; name both or none")
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.client_certificate is not None:
            context.load_cert_chain(tls.client_certificate, tls.client_key)
    except OSError as error:  # ssl.SSLError is one
        named = ", ".join(name for name in (tls.ca_file, tls.client_certificate, tls.client_key) if name)
        reason = getattr(error, "reason", None) or error.strerror or "unreadable"
        raise ConfigurationError(f"upstream TLS: {named} cannot be used: {reason}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def check_pin(tls: UpstreamTls, certificate: bytes | None) -> None:
    """Raises ``UpstreamError`` unless the leaf certificate (DER) is one of the pinned ones."""
    if not tls.pin_sha256:
        return
    digest = hashlib.sha256(certificate or b"").hexdigest()
    if certificate is None or digest not in tls.pin_sha256:
        raise UpstreamError(
            Code.UPSTREAM_UNREACHABLE,
            f"the upstream's certificate (SHA-256 {digest}) is not one of pin_sha256",
            request_sent=False,
        )
