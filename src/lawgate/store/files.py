"""Where the store keeps its files, and how it writes and guards them.

Rule 1: evidence and keys live in two directories that must not share a volume or a backup.
Rule 2: a file that is not a database is replaced whole: written aside, synced, renamed, directory synced.
Rule 3: key material that others can read is refused, with the mend.
Rule 4: never open a database file except through SQLite: closing any descriptor of it drops the
    process's POSIX locks on it (sqlite.org/howtocorrupt.html section 2.2).
"""

import fcntl
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lawgate.domain.errors import EvidenceError

NODE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
PRIVATE_FILE_B_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class StorePaths:
    """The two directories of an embedded store."""

    evidence: Path
    keys: Path

    @property
    def index(self) -> Path:
        """The integrated log; written by the integrator only."""
        return self.evidence / "evidence.db"

    @property
    def access(self) -> Path:
        """The API keys."""
        return self.evidence / "access.db"

    @property
    def checkpoint(self) -> Path:
        """The latest signed note (C2SP tlog-checkpoint)."""
        return self.evidence / "checkpoint"

    @property
    def integrator_lock(self) -> Path:
        """Held by the one process that gives entries their index."""
        return self.evidence / "integrator.lock"

    @property
    def journals(self) -> Path:
        """One database for each node."""
        return self.evidence / "journal"

    def journal(self, node: str) -> Path:
        """The database that only ``node`` writes."""
        return self.journals / f"{node}.db"

    def node_lock(self, node: str) -> Path:
        """Held while a process is this node."""
        return self.journals / f"{node}.lock"

    @property
    def key_database(self) -> Path:
        """The wrapped keys."""
        return self.keys / "keys.db"

    @property
    def signing_key(self) -> Path:
        """Ed25519 key that signs checkpoints, PEM."""
        return self.keys / "log-signing.key"

    @property
    def vkey(self) -> Path:
        """The verifier's key (C2SP signed-note), public."""
        return self.keys / "log.vkey"

    @property
    def pinned(self) -> Path:
        """The last checkpoint that we signed, kept away from the evidence: shows a rollback."""
        return self.keys / "pinned-checkpoint"


def require_node_name(node: str) -> str:
    """A node's name becomes a file name, so it is checked here."""
    if not NODE_NAME.fullmatch(node):
        msg = f"node name {node!r} cannot be used; use lower-case letters, digits, '.', '_' and '-' (at most 63)"
        raise EvidenceError(msg)
    return node


def make_private_directory(path: Path) -> None:
    """Create ``path`` (mode 0700) if it is missing. Raises ``EvidenceError``."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path}: cannot create the directory ({error.strerror}); create it for this user, or change store.path"
        raise EvidenceError(msg) from error


def require_private(path: Path) -> None:
    """Refuse key material that group or others can reach."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        msg = f"{path}: cannot read it ({error.strerror}); run 'lawgate init', or restore it from its backup"
        raise EvidenceError(msg) from error
    if mode & 0o077:
        msg = f"{path} can be read or changed by other users (mode {mode:04o}); run: chmod 600 {path}"
        raise EvidenceError(msg)


def read_private(path: Path) -> bytes:
    """The bytes of a small file that only its owner may read."""
    require_private(path)
    with path.open("rb") as file:
        return file.read(PRIVATE_FILE_B_MAX)


def create_private(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet (mode 0600); durable on return."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _write_synced(descriptor, data)
    sync_directory(path.parent)


def replace_file(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Put ``data`` in place of ``path`` at once: a reader sees the old bytes or the new ones."""
    aside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    _write_synced(descriptor, data, sync=durable)
    aside.replace(path)
    if durable:
        sync_directory(path.parent)


def read_if_there(path: Path) -> bytes | None:
    """The bytes of a file, or ``None`` if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def read_vkey(paths: StorePaths) -> str:
    """The log's public key. Raises ``EvidenceError`` if it is missing."""
    data = read_if_there(paths.vkey)
    if data is None:
        msg = f"{paths.vkey} is missing; restore it from the backup of the keys"
        raise EvidenceError(msg)
    return data.decode("utf-8", "replace").strip()


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(descriptor: int, data: bytes, *, sync: bool = True) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


class FileLock:
    """An exclusive advisory lock (flock(2)) held until ``release`` or the end of the process."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> Self | None:
        """The lock, or ``None`` when another holder has it; never waits. Raises ``EvidenceError``."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            msg = f"{path}: cannot be opened ({error.strerror}); run as the user that owns the store"
            raise EvidenceError(msg) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it; harmless the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()
