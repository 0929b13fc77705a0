"""The log's name and its signing key (Ed25519), made once by ``lawgate init``.

Rule 1: the key's name is the log's origin (C2SP tlog-checkpoint), so both are made together.
Rule 2: neither is ever overwritten: another key under the same name would be a fork.
"""

import re
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import vkey
from lawgate.store.files import StorePaths, create_private

ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(/[A-Za-z0-9._~-]{1,64}){1,8}")
"""Host and path as C2SP asks for ("a schema-less URL"), in ASCII and without spaces or ``+``."""


def require_origin(origin: str) -> str:
    """A log's name is for ever, so it is checked before anything is signed under it."""
    if not ORIGIN.fullmatch(origin):
        msg = f"log origin {origin!r} cannot be used; write it as a host and a path, like northwind.example/lawgate/1"
        raise EvidenceError(msg)
    return origin


def create_signing_key(paths: StorePaths, origin: str) -> None:
    """Write ``log-signing.key`` (0600) and ``log.vkey``; durable on return."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    create_private(paths.signing_key, pem)
    create_private(paths.vkey, vkey(origin, key.public_key().public_bytes_raw()).encode() + b"\n")


def seed_from_pem(path: Path, pem: bytes) -> bytes:
    """The 32-byte seed (RFC 8032). The message never quotes the content, which is a secret."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} is not an Ed25519 private key in PEM; restore it from the backup of the keys"
        raise EvidenceError(msg)
    return key.private_bytes_raw()
