"""Verification of a whole store, of a copy of one, and of exported files alone.

Rule 1: nothing is written and nothing is shown of any content, so this is no reading and leaves no entry.
Rule 2: what was not checked is said to be so.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import decode_leaf
from lawgate.evidence.proof import parse_proof, verify_proof
from lawgate.evidence.verify import Check, Report, verify_note
from lawgate.kms.key_file import load_key_file
from lawgate.operations.errors import UnreadableError
from lawgate.operations.place import Place
from lawgate.operations.visit import require_owner
from lawgate.store.files import StorePaths
from lawgate.store.opening import open_keys
from lawgate.store.verification import verify_store

NO_CONTENT: Final = "content: no key was given, so no part was opened"
NO_PIN: Final = "pinned checkpoint: none was given, so a rollback to before the published one would not show"
FILE_B_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found; ``left_out`` says what could not be checked with what was given."""

    report: Report
    left_out: tuple[str, ...] = ()


def verify_place(place: Place, notes: Sequence[bytes] = ()) -> Verification:
    """The store of a configuration, content included. Raises ``UnreadableError``."""
    try:
        # Opening a database as another user would leave files that its owner cannot use.
        require_owner(place.paths.evidence, os.geteuid())
        return _with_keys(place.paths, place.kek_file, notes)
    except EvidenceError as error:
        raise UnreadableError(str(error)) from error


def verify_copy(
    evidence: Path, *, keys: Path | None, key_file: Path | None, vkey: Path | None, notes: Sequence[bytes] = ()
) -> Verification:
    """A copy of the evidence. ``keys`` needs to hold ``log.vkey`` and ``pinned-checkpoint`` only, unless
    ``key_file`` is given to open the content; without ``keys``, ``vkey`` says who signed. Raises ``UnreadableError``.
    """
    try:
        if keys is None:
            return _with_vkey(evidence, _read(vkey) if vkey is not None else b"", notes)
        paths = StorePaths(evidence, keys)
        if key_file is not None:
            return _with_keys(paths, key_file, notes)
        return Verification(verify_store(paths, None, notes), (NO_CONTENT,))
    except EvidenceError as error:
        raise UnreadableError(str(error)) from error


def _with_keys(paths: StorePaths, key_file: Path, notes: Sequence[bytes]) -> Verification:
    with closing(open_keys(paths, load_key_file(key_file))) as keys:
        return Verification(verify_store(paths, keys, notes))


def _with_vkey(evidence: Path, vkey: bytes, notes: Sequence[bytes]) -> Verification:
    """Verification looks for the public key and the pin among the keys; here there is only the one."""
    with tempfile.TemporaryDirectory(prefix="lawgate-verify-") as folder:
        paths = StorePaths(evidence, Path(folder))
        paths.vkey.write_bytes(vkey)
        report = verify_store(paths, None, notes)
    checks = tuple(check for check in report.checks if check.detail != "the pinned checkpoint is missing")
    return Verification(replace(report, checks=checks), (NO_CONTENT, NO_PIN))


# --- exported files


@dataclass(frozen=True, slots=True)
class Exported:
    """Files that somebody was given. ``proof`` and ``leaf`` go together."""

    vkey: Path
    checkpoint: Path | None = None
    proof: Path | None = None
    leaf: Path | None = None


def verify_files(exported: Exported) -> list[Check]:
    """Check a proof, a checkpoint or both against the log's public key. Raises ``UnreadableError``."""
    vkey = _read(exported.vkey).decode("utf-8", "replace").strip()
    checks: list[Check] = []
    note = None
    if exported.checkpoint is not None:
        note = _read(exported.checkpoint)
        check, head = verify_note(note, vkey)
        if head is not None:
            check = replace(check, detail=f"{check.detail} over {head.size} entries of {head.origin}")
        checks.append(check)
    if exported.proof is not None and exported.leaf is not None:
        checks += _proof_checks(_read(exported.proof), _read(exported.leaf), vkey, note)
    return checks


def _proof_checks(proof: bytes, leaf: bytes, vkey: str, note: bytes | None) -> list[Check]:
    checks = [_outcome("leaf", *_leaf_said(leaf))]
    try:
        held = verify_proof(proof, leaf, vkey)
    except EvidenceInputError as error:
        return [*checks, _outcome("inclusion", f"{error}", ok=False)]
    said = f"the leaf is entry {held.index} of the {held.checkpoint.size} under the proof's checkpoint"
    checks.append(_outcome("inclusion", said, ok=True))
    if note is not None:
        same = _text(parse_proof(proof).checkpoint) == _text(note)
        said = "the proof stands under this checkpoint" if same else "the proof stands under another checkpoint"
        checks.append(_outcome("checkpoint", said, ok=same))
    return checks


def _text(note: bytes) -> bytes:
    """What is signed: two notes that differ only in their signatures say the same."""
    return note.partition(b"\n\n")[0]


def _leaf_said(data: bytes) -> tuple[str, bool]:
    try:
        leaf = decode_leaf(data)
    except EvidenceInputError as error:
        return str(error), False
    return f"a leaf of kind {leaf.kind}, number {leaf.nseq} of node {leaf.node}", True


def _outcome(name: str, detail: str, ok: bool) -> Check:  # noqa: FBT001 - the check's own field
    return Check(name, ok, 1, 0 if ok else 1, None, detail)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_B_MAX)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from None


def read_notes(paths: Sequence[Path]) -> list[bytes]:
    """Signed checkpoints that were kept elsewhere. Raises ``UnreadableError``."""
    return [_read(path) for path in paths]
