"""What ``lawgate doctor`` asks of this machine: key file, store, disk, clock, backlog.

Rule 1: nothing is changed but one small file in each directory, which is removed again.
Rule 2: each question is asked for itself; a broken answer never hides the others.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import open_checkpoint
from lawgate.evidence.errors import EvidenceInputError
from lawgate.kms.key_file import load_key_file
from lawgate.operations.finding import Finding, failed, fine, skipped, warning
from lawgate.operations.place import Place
from lawgate.operations.visit import require_owner
from lawgate.store.files import read_vkey
from lawgate.store.opening import open_keys
from lawgate.store.reader import StoreReader

FREE_B_MIN: Final = 256 * 1024 * 1024
FREE_B_WARN: Final = 2 * 1024 * 1024 * 1024
SYNC_S_WARN: Final = 0.05
"""A commit waits for one sync: at 50 ms a group, streams stutter."""
LAG_S_WARN: Final = 10
"""An integrator signs every second; ten are a fault or a flood."""
AHEAD_S_MAX: Final = 5
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
_MOUNTS: Final = Path("/proc/self/mounts")


def store_findings(place: Place, now: float) -> Iterator[Finding]:
    """Everything about the store that can be seen without starting a node."""
    yield key_file_finding(place)
    owner = _owner_finding(place)
    yield owner
    for name, directory in (("evidence", place.paths.evidence), ("keys", place.paths.keys)):
        yield from disk_findings(name, directory)
    if owner.health != "ok":
        yield skipped("store", "not opened, because this user would leave files that the gateway cannot read")
        return
    yield from _log_findings(place, now)


def key_file_finding(place: Place) -> Finding:
    """The key file is there, private and whole."""
    try:
        key = load_key_file(place.kek_file)
    except EvidenceError as error:
        return failed("key file", str(error))
    return fine("key file", f"{place.kek_file} holds {key.kek_id} and only its owner can read it")


def _owner_finding(place: Place) -> Finding:
    try:
        require_owner(place.paths.evidence, os.geteuid())
    except EvidenceError as error:
        return failed("user", str(error))
    return fine("user", "this user owns the store")


def disk_findings(whose: str, directory: Path) -> Iterator[Finding]:
    """A directory's disk: room, whether it keeps anything, whether a sync works and how long it takes."""
    name = f"{whose} disk"
    if not directory.is_dir():
        yield failed(name, f"{directory} is not there", "run 'lawgate init', or restore it from its backup")
        return
    free_b = shutil.disk_usage(directory).free
    room = f"{free_b / 1024**3:.1f} GiB are free on {directory}"
    if free_b < FREE_B_MIN:
        yield failed(name, room, "free space: without it nothing can be recorded, and nothing is forwarded")
    elif free_b < FREE_B_WARN:
        yield warning(name, room, "free space, or shorten the retention of content")
    else:
        yield fine(name, room)
    kind = filesystem_of(directory)
    if kind in VOLATILE:
        yield warning(name, f"{directory} is on {kind}, which a restart empties", "move it to a disk")
    yield sync_finding(f"{whose} sync", directory)


def sync_finding(name: str, directory: Path) -> Finding:
    """Write, sync, remove."""
    probe = directory / f".lawgate-doctor-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, bytes(4096))
            began = time.perf_counter()
            os.fsync(descriptor)
            took_s = time.perf_counter() - began
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        return failed(name, f"{directory} cannot be written: {error.strerror}", "fix its owner, or mount it writable")
    said = f"a sync on {directory} takes {took_s * 1000:.1f} ms"
    if took_s > SYNC_S_WARN:
        return warning(name, said, "every record waits for a sync; use a faster disk")
    return fine(name, said)


def filesystem_of(directory: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system that holds ``directory``, where the system says it (Linux)."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    real = directory.resolve()
    best, kind = -1, None
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2:  # noqa: PLR2004 - device, place, type
            mounted = Path(fields[1].replace("\\040", " "))
            if real.is_relative_to(mounted) and len(mounted.parts) >= best:
                best, kind = len(mounted.parts), fields[2]
    return kind


def _log_findings(place: Place, now: float) -> Iterator[Finding]:
    try:
        with closing(open_keys(place.paths, load_key_file(place.kek_file))) as keys:
            yield fine("keys", "the key database opens with the key file")
            with closing(StoreReader(place.paths, keys)) as reader:
                yield from reader_findings(place, reader, now)
    except EvidenceError as error:
        yield failed("store", str(error))


def reader_findings(place: Place, reader: StoreReader, now: float) -> Iterator[Finding]:
    """The log: what waits to be signed, and what was signed last."""
    snapshot = reader.snapshot()
    waiting = snapshot.entries()
    yield fine("store", f"{snapshot.size} entries of {reader.origin}, {len(waiting)} not yet in the tree")
    yield clock_finding(reader, now)
    lag_s = max((now - entry.row.ts for entry in waiting), default=0.0)
    if lag_s > LAG_S_WARN:
        yield warning(
            "integrator",
            f"an entry has waited {lag_s:.0f} s for its place in the tree",
            "start the gateway, or read its log if it runs",
        )
    else:
        yield fine("integrator", "no entry waits for its place in the tree")
    yield checkpoint_finding(place, reader, snapshot.size, now)


def clock_finding(reader: StoreReader, now: float) -> Finding:
    """Time has not gone back since the newest entry."""
    newest = next(reader.entries(limit=1), None)
    if newest is not None and newest.row.ts > now + AHEAD_S_MAX:
        ahead_s = newest.row.ts - now
        return failed("clock", f"the newest entry lies {ahead_s:.0f} s ahead", "set the clock by NTP")
    return fine("clock", "not behind the newest entry")


def checkpoint_finding(place: Place, reader: StoreReader, size: int, now: float) -> Finding:
    """The published head covers the tree."""
    note = reader.checkpoint()
    if note is None:
        return failed("checkpoint", f"{place.paths.checkpoint} is missing", "start the gateway: it signs a new one")
    try:
        head, _ = open_checkpoint(note, read_vkey(place.paths))
    except EvidenceInputError as error:
        return failed("checkpoint", f"it does not open: {error}", "run 'lawgate verify'")
    age_s = max(0.0, now - place.paths.checkpoint.stat().st_mtime)
    said = f"{head.size} of {size} entries are signed, {age_s:.0f} s ago"
    if head.size < size and age_s > LAG_S_WARN:
        return warning("checkpoint", said, "start the gateway, or read its log if it runs")
    return fine("checkpoint", said)
