import base64
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lawgate.evidence.checkpoint import (
    COSIGNATURE_V1,
    Checkpoint,
    NoteError,
    cosign,
    encode_checkpoint,
    note_sign,
    vkey,
)
from lawgate.evidence.merkle import ProofError, leaf_hash, path_of, root_of
from lawgate.evidence.proof import Proof, encode_proof, parse_proof, verify_proof

ORIGIN, SEED = "gateway.example/evidence/1", bytes(range(32))
KEY = vkey(ORIGIN, Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw())
ENTRIES = [b"entry %d" % number for number in range(5)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]
TEXT = encode_checkpoint(Checkpoint(ORIGIN, 5, root_of(HASHES)))
NOTE = note_sign(TEXT, ORIGIN, SEED)


def proof(index: int, note: bytes = NOTE, extra: bytes | None = None) -> Proof:
    return Proof(index, tuple(path_of(HASHES, index)), note, extra)


def witness(name: str, number: int, key_number: int | None = None) -> tuple[str, bytes]:
    private = sha256(b"%d" % (number if key_number is None else key_number)).digest()
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return vkey(name, public, COSIGNATURE_V1), cosign(TEXT, name, private, 1_760_000_000 + number)


def test_a_proof_is_written_exactly_so() -> None:
    lines = b"".join(base64.b64encode(item) + b"\n" for item in path_of(HASHES, 4))
    assert encode_proof(proof(4)) == b"c2sp.org/tlog-proof@v1\nindex 4\n" + lines + b"\n" + NOTE
    assert encode_proof(proof(4, extra=b"more")).startswith(b"c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 4\n")


@pytest.mark.parametrize("extra", [None, b"more"])
def test_every_entry_is_proved_on_its_own(extra: bytes | None) -> None:
    for index, entry in enumerate(ENTRIES):
        written = encode_proof(proof(index, extra=extra))
        assert parse_proof(written) == proof(index, extra=extra)
        verified = verify_proof(written, entry, KEY)
        assert (verified.index, verified.checkpoint.size) == (index, 5)
        with pytest.raises(ProofError):
            verify_proof(written, entry + b"!", KEY)


def test_a_tree_of_one_has_an_empty_path() -> None:
    text = encode_checkpoint(Checkpoint(ORIGIN, 1, HASHES[0]))
    written = encode_proof(Proof(0, (), note_sign(text, ORIGIN, SEED)))
    assert verify_proof(written, ENTRIES[0], KEY).index == 0


def test_the_log_must_have_signed() -> None:
    stranger = vkey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
    with pytest.raises(NoteError):
        verify_proof(encode_proof(proof(0)), ENTRIES[0], stranger)


def test_a_quorum_counts_different_witnesses() -> None:
    one, two = witness("w1.example", 1), witness("w2.example", 2)
    written = encode_proof(proof(0, NOTE + one[1] + two[1]))
    keys = [one[0], two[0]]
    assert len(verify_proof(written, ENTRIES[0], KEY, keys, quorum=2).signatures) == 3
    with pytest.raises(ProofError):
        verify_proof(written, ENTRIES[0], KEY, keys[:1], quorum=2)
    with pytest.raises(ProofError):
        verify_proof(encode_proof(proof(0, NOTE + one[1])), ENTRIES[0], KEY, keys, quorum=2)


def test_one_key_under_two_names_is_one_witness() -> None:
    one, again = witness("w1.example", 1), witness("w2.example", 2, key_number=1)
    written = encode_proof(proof(0, NOTE + one[1] + again[1]))
    with pytest.raises(ProofError):
        verify_proof(written, ENTRIES[0], KEY, [one[0], again[0]], quorum=2)


def test_the_logs_own_signature_is_no_witness() -> None:
    with pytest.raises(ProofError):
        verify_proof(encode_proof(proof(0)), ENTRIES[0], KEY, [KEY], quorum=1)


GOOD = encode_proof(proof(1, extra=b"more"))
LONG = b"\n".join([base64.b64encode(bytes(32))] * 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        GOOD.replace(b"@v1", b"@v2"),
        GOOD.replace(b"index 1", b"index 01"),
        GOOD.replace(b"index 1", b"index -1"),
        GOOD.replace(b"index 1", b"index  1"),
        GOOD.replace(b"index 1\n", b""),
        GOOD.replace(b"index 1", b"index 9223372036854775808"),
        GOOD.replace(b"extra bW9yZQ==", b"extra "),
        GOOD.replace(b"extra bW9yZQ==", b"extra bW9yZR=="),
        GOOD.replace(b"extra bW9yZQ==\nindex 1", b"index 1\nextra bW9yZQ=="),
        GOOD.replace(b"index 1\n", b"index 1\nYQ==\n"),
        GOOD.replace(b"index 1\n", b"index 1\n" + LONG + b"\n"),
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.partition(b"\n\n")[0],
        b" " + GOOD,
        b"x" * 600_000,
    ],
)
def test_a_proof_in_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_proof(data)


@pytest.mark.parametrize("change", [{"index": -1}, {"index": 2**63}, {"path": (b"x",)}, {"extra": b""}])
def test_an_impossible_proof_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(ProofError):
        encode_proof(replace(proof(0), **change))  # type: ignore[arg-type]


def test_another_index_or_path_does_not_verify() -> None:
    for wrong in (replace(proof(1), index=2), replace(proof(1), path=proof(2).path), replace(proof(1), path=())):
        with pytest.raises(ProofError):
            verify_proof(encode_proof(wrong), ENTRIES[1], KEY)
