"""TLS towards clients.

Rule 1: TLS 1.2 at least (RFC 9325 section 3.1.1), ``http/1.1`` by ALPN, nothing else.
Rule 2: new certificates are loaded aside and taken only when they are whole; old connections keep theirs.
"""

import ssl
from dataclasses import dataclass

from lawgate.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Files in PEM. ``client_ca_file`` asks clients for a certificate; ``client_required`` insists."""

    certificate_file: str
    key_file: str
    client_ca_file: str | None = None
    client_required: bool = False


class TlsListener:
    """Holds the context that listeners use. ``reload`` swaps what is inside it."""

    def __init__(self, settings: ServerTls) -> None:
        self._settings = settings
        self._current = _context(settings)
        self.context = _context(settings)
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """For each handshake: use the context of the last good reload."""
        connection.context = self._current

    def check(self) -> None:
        """Whether ``reload`` would take the files as they are now; raises ``ConfigurationError``."""
        _context(self._settings)

    def reload(self) -> None:
        """Read the files again; raises ``ConfigurationError`` and keeps the old ones if they are not good."""
        self._current = fresh = _context(self._settings)
        # A client without SNI never reaches the callback; the files were just proven to be good.
        self.context.load_cert_chain(self._settings.certificate_file, self._settings.key_file)
        del fresh


def _context(settings: ServerTls) -> ssl.SSLContext:
    if settings.client_required and settings.client_ca_file is None:
        raise ConfigurationError("TLS: client certificates are required, so name a client_ca_file to check them with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
        if settings.client_ca_file is not None:
            context.load_verify_locations(cafile=settings.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED if settings.client_required else ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:  # SSLError is an OSError; both are named for the reader
        raise ConfigurationError(f"TLS: {_files(settings)} cannot be used: {_reason(error)}") from None
    return context


def _files(settings: ServerTls) -> str:
    named = (settings.certificate_file, settings.key_file, settings.client_ca_file)
    return ", ".join(name for name in named if name)


def _reason(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else (error.strerror or "unreadable")
