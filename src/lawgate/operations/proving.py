"""Whether one exchange's entries are what was recorded, and proofs of them for somebody else.

Rule 1: every check runs to the end and says what it found; a damaged row is a failed check, no exception.
Rule 2: content is compared with its commitment inside this process and shown to nobody.
Rule 3: proofs of one export stand under one checkpoint.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import FIRST_NSEQ, GENESIS_PREV, Leaf, decode_leaf
from lawgate.evidence.merkle import leaf_hash
from lawgate.evidence.parts import commitment, parts_root
from lawgate.evidence.proof import parse_proof, verify_proof
from lawgate.evidence.verify import Check
from lawgate.operations.actor import Actor
from lawgate.operations.drafts import access_draft
from lawgate.operations.errors import NotFoundError
from lawgate.operations.listing import is_step
from lawgate.operations.visit import Visit
from lawgate.store.files import StorePaths, read_vkey
from lawgate.store.reader import StoredEntry, StoreReader

CHECKPOINT: Final = "checkpoint"
VKEY: Final = "log.vkey"
_SAME_HEAD_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ExportedProof:
    """One entry's files: its leaf, byte for byte, and its proof (C2SP tlog-proof)."""

    kind: str
    index: int
    leaf: Path
    proof: Path


@dataclass(frozen=True, slots=True)
class Export:
    """What was written. ``size`` is that of the checkpoint that all proofs stand under."""

    proofs: tuple[ExportedProof, ...]
    checkpoint: Path
    vkey: Path


# --- checking


def verify_exchange(reader: StoreReader, paths: StorePaths, entries: Sequence[StoredEntry]) -> list[Check]:
    """Check the entries of one exchange. Raises ``EvidenceError`` only if the store cannot be read at all."""
    vkey = read_vkey(paths)
    destroyed: list[str] = []
    return [
        _checked("leaf", "every entry is a leaf and says what its columns say", entries, _leaf_problem),
        _checked(
            "chain",
            "every entry follows its node's previous one, and the next follows it",
            entries,
            lambda entry: _chain_problem(reader, entry),
        ),
        _checked(
            "inclusion",
            "every entry is under the signed checkpoint",
            entries,
            lambda entry: _inclusion_problem(reader, entry, vkey),
        ),
        _checked("parts", "the stored commitments are those of the leaves", entries, _parts_problem),
        _content_check(reader, entries, destroyed),
        _journey_check(entries),
    ]


def _checked(
    name: str, passed: str, entries: Sequence[StoredEntry], problem_of: Callable[[StoredEntry], str | None]
) -> Check:
    problems = [(entry, problem) for entry in entries if (problem := problem_of(entry)) is not None]
    if not problems:
        return Check(name, ok=True, checked=len(entries), failed=0, first_bad=None, detail=passed)
    entry, problem = problems[0]
    where = f"entry {entry.row.id if entry.index is None else entry.index}"
    return Check(name, False, len(entries), len(problems), entry.index, f"{where}: {problem}")  # noqa: FBT003 - fields in order


def _leaf_problem(entry: StoredEntry) -> str | None:
    leaf = _leaf(entry)
    if leaf is None:
        return "no leaf can be read from it"
    row = entry.row
    said = (row.kind, row.id, row.ts, entry.node, row.nseq)
    return None if said == (leaf.kind, leaf.id, leaf.ts, leaf.node, leaf.nseq) else "a search column was changed"


def _leaf(entry: StoredEntry) -> Leaf | None:
    try:
        return decode_leaf(entry.row.leaf)
    except EvidenceInputError:
        return None


def _chain_problem(reader: StoreReader, entry: StoredEntry) -> str | None:
    leaf = _leaf(entry)
    if leaf is None:
        return "no leaf can be read from it"
    before, after = _neighbours(reader, entry)
    if leaf.nseq == FIRST_NSEQ:
        problem = None if leaf.nprev == GENESIS_PREV else "the first entry of its node names a previous one"
    elif before is None or before.row.nseq != leaf.nseq - 1:
        problem = "its node's previous entry is missing"
    else:
        problem = None if leaf_hash(before.row.leaf) == leaf.nprev else "its node's previous entry was changed"
    if problem is None and after is not None:
        following = _leaf(after)
        if following is None or following.nprev != leaf_hash(entry.row.leaf):
            return "its node's next entry holds another hash of it"
    return problem


def _neighbours(reader: StoreReader, entry: StoredEntry) -> tuple[StoredEntry | None, StoredEntry | None]:
    """The entries of the same node before and after, from the index or, beyond it, from the journals."""
    snapshot = reader.snapshot()
    tail = {each.row.nseq: each for each in snapshot.entries() if each.node == entry.node}
    at = snapshot.size if entry.index is None else entry.index
    before = tail.get(entry.row.nseq - 1) or next(
        reader.indexed("node = ?", [entry.node], newest_first=True, size=at), None
    )
    after = tail.get(entry.row.nseq + 1)
    if after is None and entry.index is not None:
        terms = "node = ? AND idx > ?"
        after = next(reader.indexed(terms, [entry.node, entry.index], newest_first=False, size=snapshot.size), None)
    return before, after


def _inclusion_problem(reader: StoreReader, entry: StoredEntry, vkey: str) -> str | None:
    try:
        verify_proof(reader.proof(entry), entry.row.leaf, vkey)
    except (EvidenceError, EvidenceInputError) as error:
        return str(error)
    return None


def _parts_problem(entry: StoredEntry) -> str | None:
    leaf = _leaf(entry)
    try:
        commitments = [part.commitment for part in entry.part_rows()]
    except EvidenceError as error:
        return str(error)
    if leaf is None or leaf.parts_count != len(commitments) or leaf.parts_root != parts_root(commitments):
        return f"{len(commitments)} commitments are stored that its leaf does not have"
    return None


def _content_check(reader: StoreReader, entries: Sequence[StoredEntry], destroyed: list[str]) -> Check:
    check = _checked(
        "content",
        "every part opens and is what its leaf commits to",
        entries,
        lambda entry: _content_problem(reader, entry, destroyed),
    )
    if not check.ok or not destroyed:
        return check
    return Check(check.name, True, check.checked, 0, None, f"{check.detail}; {len(destroyed)} parts are destroyed")  # noqa: FBT003 - fields in order


def _content_problem(reader: StoreReader, entry: StoredEntry, destroyed: list[str]) -> str | None:
    try:
        for number, row in enumerate(entry.part_rows()):
            part = reader.open_one(entry, number, row)
            if part.destroyed:
                destroyed.append(row.label)
            elif part.plaintext is None or part.secret is None:
                return f"part {row.label} does not open: {part.damaged}"
            elif commitment(part.secret, row.label, sha256(part.plaintext).digest()) != row.commitment:
                return f"part {row.label} is not what its leaf commits to"
    except (EvidenceError, EvidenceInputError) as error:
        return str(error)
    return None


def _journey_check(entries: Sequence[StoredEntry]) -> Check:
    """An outcome names the intent of this very exchange."""
    leaves = [leaf for entry in entries if is_step(entry) and (leaf := _leaf(entry)) is not None]
    intents = {leaf.id for leaf in leaves if leaf.kind == "intent"}
    strays = [leaf for leaf in leaves if leaf.kind == "outcome" and leaf.extra.get("re") not in intents]
    detail = "every outcome belongs to the exchange's intent"
    if strays:
        detail = "an outcome belongs to an intent that this exchange does not have"
    return Check("outcomes", not strays, len(leaves), len(strays), None, detail)


# --- exporting


async def export_proofs(visit: Visit, actor: Actor, exchange: str, out: Path) -> Export:
    """Write leaf, proof, checkpoint and key of each step. Raises ``NotFoundError`` or ``EvidenceError``."""
    steps = [entry for entry in await visit.signed(exchange) if is_step(entry)]
    if not steps:
        raise NotFoundError(f"no exchange has the id {exchange}; 'lawgate records list' shows those there are")
    proofs, checkpoint = _under_one_checkpoint(visit.reader, steps)
    details = {"entries": len(steps)}
    await visit.record(access_draft(actor, "proof", int(time.time()), exchange=exchange, details=details))
    try:
        return _written(out, visit.paths, steps, proofs, checkpoint)
    except OSError as error:
        msg = f"{error.filename or out}: cannot be written ({error.strerror}); choose an empty directory with --out"
        raise EvidenceError(msg) from error


def _under_one_checkpoint(reader: StoreReader, steps: Sequence[StoredEntry]) -> tuple[list[bytes], bytes]:
    """A running gateway signs every second, so the head may move between two proofs."""
    for _ in range(_SAME_HEAD_ATTEMPTS):
        proofs = [reader.proof(entry) for entry in steps]
        heads = {parse_proof(proof).checkpoint for proof in proofs}
        if len(heads) == 1:
            return proofs, heads.pop()
    raise EvidenceError("the checkpoint moved while the proofs were made; try again")


def _written(
    out: Path, paths: StorePaths, steps: Sequence[StoredEntry], proofs: Sequence[bytes], checkpoint: bytes
) -> Export:
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise EvidenceError(f"{out} is not empty; choose another directory with --out")
    exported = []
    for number, (entry, proof) in enumerate(zip(steps, proofs, strict=True), 1):
        name = f"{number:02}-{entry.row.kind}"
        files = ExportedProof(entry.row.kind, entry.index or 0, out / f"{name}.leaf.json", out / f"{name}.tlog-proof")
        files.leaf.write_bytes(entry.row.leaf)
        files.proof.write_bytes(proof)
        exported.append(files)
    (out / CHECKPOINT).write_bytes(checkpoint)
    (out / VKEY).write_text(read_vkey(paths) + "\n", encoding="utf-8")
    return Export(tuple(exported), out / CHECKPOINT, out / VKEY)
