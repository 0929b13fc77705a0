"""The key-encryption key (KEK) as a file: AES-256-GCM, for installations without a KMS.

Rule 1: nobody but its owner may read the file; anything else is refused with the mend.
Rule 2: a key file is never overwritten: losing it loses every sealed part.
Rule 3: AES-GCM with random nonces is bounded (NIST SP 800-38D section 8.3: 2^32 messages a key), and
    a busy node passes that in days. So the KEK never encrypts: it derives a subkey from a random salt,
    and a salt is used for at most 2^20 wraps.

Wrapped form: ``salt (16) | nonce (12) | ciphertext and tag``.
"""

import base64
import binascii
import hmac
import json
import os
import stat
import threading
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lawgate.domain.errors import EvidenceError

VERSION: Final = 1
KEY_B: Final = 32
SALT_B: Final = 16
NONCE_B: Final = 12
TAG_B: Final = 16
WRAPS_PER_SALT_MAX: Final = 1 << 20
SUBKEYS_CACHED_MAX: Final = 256
FILE_B_MAX: Final = 4096
_SUBKEY_INFO: Final = b"lawgate/kek/v1\0"


class KeyFile:
    """A KEK in memory; implements ``ports.KeyWrapper``. Safe to use from several threads."""

    __slots__ = ("_id", "_key", "_left", "_lock", "_salt", "_subkey", "_subkeys")

    def __init__(self, kek_id: str, key: bytes) -> None:
        if len(key) != KEY_B:
            msg = f"a key-encryption key has {KEY_B} bytes, this one {len(key)}"
            raise EvidenceError(msg)
        self._id = kek_id
        self._key = key
        self._lock = threading.Lock()
        self._subkeys: dict[bytes, AESGCM] = {}
        self._left = 0
        self._salt = b""
        self._subkey = AESGCM(key)

    def __repr__(self) -> str:
        return f"KeyFile({self._id!r})"

    @property
    def kek_id(self) -> str:
        """Names the key; public."""
        return self._id

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt ``plaintext``; ``context`` is authenticated."""
        with self._lock:
            if self._left <= 0:
                self._salt = os.urandom(SALT_B)
                self._subkey = self._derive(self._salt)
                self._left = WRAPS_PER_SALT_MAX
            self._left -= 1
            salt, subkey = self._salt, self._subkey
        nonce = os.urandom(NONCE_B)
        return salt + nonce + subkey.encrypt(nonce, plaintext, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt; raises ``EvidenceError`` when the key, the bytes or the context are another's."""
        if len(wrapped) < SALT_B + NONCE_B + TAG_B:
            msg = "a wrapped key is too short: the key database is damaged; restore it from its backup"
            raise EvidenceError(msg)
        nonce, sealed = wrapped[SALT_B : SALT_B + NONCE_B], wrapped[SALT_B + NONCE_B :]
        try:
            return self._cached(wrapped[:SALT_B]).decrypt(nonce, sealed, context)
        except InvalidTag:
            msg = (
                f"a wrapped key does not open with key file {self._id}: it was wrapped by another key, or the "
                "key database was altered; put the right key file back, or restore the key database"
            )
            raise EvidenceError(msg) from None

    def _cached(self, salt: bytes) -> AESGCM:
        subkey = self._subkeys.get(salt)
        if subkey is None:
            subkey = self._derive(salt)
            with self._lock:
                if len(self._subkeys) >= SUBKEYS_CACHED_MAX:
                    self._subkeys.clear()
                self._subkeys[salt] = subkey
        return subkey

    def _derive(self, salt: bytes) -> AESGCM:
        """RFC 5869 HKDF-Expand for one block: HMAC(key, info | salt | 1)."""
        return AESGCM(hmac.digest(self._key, _SUBKEY_INFO + salt + b"\x01", "sha256"))


def create_key_file(path: Path) -> KeyFile:
    """Write a fresh random key to ``path`` (mode 0600) and return it; durable on return.

    Raises ``EvidenceError`` if anything stands there already.
    """
    key_file = KeyFile(f"kek-{os.urandom(8).hex()}", key := os.urandom(KEY_B))
    document = {"version": VERSION, "id": key_file.kek_id, "key": base64.b64encode(key).decode("ascii")}
    data = json.dumps(document, indent=1).encode("ascii") + b"\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if path.exists():
            msg = f"{path} exists and is not overwritten: losing a key file loses the evidence it protects"
            raise EvidenceError(msg) from None
        msg = f"{path}: cannot create the key file ({error.strerror}); choose a directory that this user may write"
        raise EvidenceError(msg) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(path.parent)
    return key_file


def load_key_file(path: Path) -> KeyFile:
    """Read a key file. Raises ``EvidenceError`` if it is missing, readable by others, or not one."""
    try:
        with path.open("rb") as file:
            _refuse_if_shared(path, os.fstat(file.fileno()))
            data = file.read(FILE_B_MAX + 1)
    except OSError as error:
        msg = f"{path}: cannot read the key file ({error.strerror}); restore it from its backup, or fix store.kek_file"
        raise EvidenceError(msg) from error
    return _parse(path, data)


def _refuse_if_shared(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        msg = f"{path} can be read or changed by other users (mode {mode:04o}); run: chmod 600 {path}"
        raise EvidenceError(msg)


def _parse(path: Path, data: bytes) -> KeyFile:
    """The messages never quote the content, which is a secret."""
    try:
        document = json.loads(data)
        version, kek_id = document["version"], document["id"]
        key = base64.b64decode(document["key"], validate=True)
    except (ValueError, TypeError, KeyError, binascii.Error):
        msg = f"{path} is not a Lawgate key file; restore it from its backup"
        raise EvidenceError(msg) from None
    if version != VERSION:
        msg = f"{path} has key-file version {version!r}, this Lawgate reads {VERSION}; use a newer Lawgate"
        raise EvidenceError(msg)
    if not isinstance(kek_id, str) or len(key) != KEY_B:
        msg = f"{path} is not a Lawgate key file; restore it from its backup"
        raise EvidenceError(msg)
    return KeyFile(kek_id, key)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
