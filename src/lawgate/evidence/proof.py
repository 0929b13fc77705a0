"""A proof for one entry that stands alone (C2SP tlog-proof v1).

Rule 1: the extra data is not authenticated; it is handed back and used for nothing here.
Rule 2: a proof holds only if its log signed the checkpoint, as many witnesses as asked cosigned it,
and the path leads from the entry's bytes to the checkpoint's root.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lawgate.evidence.checkpoint import (
    COSIGNATURE_V1,
    NOTE_SIZE_MAX,
    Checkpoint,
    NoteError,
    NoteSignature,
    decode_base64,
    decode_number,
    open_checkpoint,
    parse_vkey,
)
from lawgate.evidence.merkle import HASH_SIZE, SIZE_LIMIT, ProofError, leaf_hash, verify_inclusion

MAGIC: Final = b"c2sp.org/tlog-proof@v1"
PATH_MAX: Final = 63
PROOF_SIZE_MAX: Final = 2 * NOTE_SIZE_MAX


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry ``index`` under a signed checkpoint; ``checkpoint`` is the note as it was signed."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """What a proof that held says: the checkpoint, the entry's index in it, and who signed."""

    checkpoint: Checkpoint
    index: int
    signatures: tuple[NoteSignature, ...]


def encode_proof(proof: Proof) -> bytes:
    """The proof as text in UTF-8; raises ``ProofError``."""
    _check(proof)
    lines = [MAGIC]
    if proof.extra is not None:
        lines.append(b"extra " + base64.b64encode(proof.extra))
    lines.append(b"index %d" % proof.index)
    lines.extend(base64.b64encode(item) for item in proof.path)
    return b"\n".join(lines) + b"\n\n" + proof.checkpoint


def parse_proof(data: bytes) -> Proof:
    """Read a proof; nothing in it is verified yet. Raises ``ProofError``."""
    if len(data) > PROOF_SIZE_MAX:
        message = f"a proof has at most {PROOF_SIZE_MAX} bytes"
        raise ProofError(message)
    head, gap, note = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if not gap or lines[0] != MAGIC:
        message = f"a proof starts with the line {MAGIC.decode()} and has an empty line before its checkpoint"
        raise ProofError(message)
    del lines[0]
    try:
        extra = None
        if lines and lines[0].startswith(b"extra "):
            extra = decode_base64(lines.pop(0).removeprefix(b"extra "))
        if not lines or not lines[0].startswith(b"index "):
            message = "a proof's index line is missing"
            raise ProofError(message)
        index = decode_number(lines.pop(0).removeprefix(b"index "))
        proof = Proof(index, tuple(decode_base64(line) for line in lines), note, extra)
    except NoteError as error:
        message = f"a proof's line is malformed: {error}"
        raise ProofError(message) from error
    _check(proof)
    return proof


def _check(proof: Proof) -> None:
    if not 0 <= proof.index < SIZE_LIMIT:
        message = "a proof's index lies between 0 and 2**63"
        raise ProofError(message)
    if len(proof.path) > PATH_MAX or any(len(item) != HASH_SIZE for item in proof.path):
        message = f"a path has at most {PATH_MAX} hashes of {HASH_SIZE} bytes"
        raise ProofError(message)
    if proof.extra == b"":
        message = "extra data that is empty is left out"
        raise ProofError(message)


def verify_proof(
    data: bytes, leaf: bytes, log_vkey: str, witness_vkeys: Sequence[str] = (), quorum: int = 0
) -> VerifiedProof:
    """Check a proof for the entry whose bytes are ``leaf``; raises ``ProofError`` or ``NoteError``.

    ``quorum`` is how many different witness keys must have cosigned.
    """
    # 1. The checkpoint is the log's.
    proof = parse_proof(data)
    checkpoint, signatures = open_checkpoint(proof.checkpoint, log_vkey, witness_vkeys)
    # 2. Enough witnesses saw it. A key listed under two names is one witness.
    signed = {(item.name, item.key_id) for item in signatures}
    witnesses = [key for key in map(parse_vkey, witness_vkeys) if key.signature_type == COSIGNATURE_V1]
    seen = {key.public for key in witnesses if (key.name, key.key_id) in signed}
    if len(seen) < quorum:
        message = f"{len(seen)} of {quorum} witnesses cosigned the checkpoint"
        raise ProofError(message)
    # 3. The entry is in the tree (RFC 9162 section 2.1.3.2).
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(leaf), proof.path, checkpoint.root)
    return VerifiedProof(checkpoint, proof.index, signatures)
