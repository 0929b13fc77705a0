"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature).

Rule 1: nothing in a note is believed before a signature of a key that the caller named has verified.
Rule 2: a signature of an unknown key is ignored; a bad signature of a known key refuses the note.
Rule 3: one spelling. Base64, numbers and lines that could be written another way are refused.
Rule 4: a checkpoint counts only under its log's own key, and that key's name is its origin.
"""

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import HASH_SIZE, SIZE_LIMIT

ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04
"""Signature types (C2SP signed-note, "Signature types")."""

NOTE_SIZE_MAX: Final = 256 * 1024
SIGNATURES_MAX: Final = 64
"""C2SP signed-note asks for a limit of at least 16."""

_MARK: Final = "\u2014 ".encode()
_PUBLIC_SIZE: Final = 32
_SIGNATURE_SIZE: Final = 64
_CONTROL: Final = re.compile(rb"[\x00-\x09\x0b-\x1f]").search
_DECIMAL: Final = re.compile(rb"0|[1-9][0-9]{0,18}").fullmatch
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}").fullmatch


class NoteError(EvidenceInputError):
    """A note, key or checkpoint is malformed, or no trusted key signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as a vkey names it; ``signature_type`` is ``ED25519`` or ``COSIGNATURE_V1``."""

    name: str
    key_id: bytes
    signature_type: int
    public: bytes


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature that verified; ``timestamp`` (seconds since the epoch) only for a cosignature."""

    name: str
    key_id: bytes
    signature_type: int
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note's text, final newline included, and the signatures of known keys; there is at least one."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: ``root`` of the first ``size`` entries of the log called ``origin``."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


# --- base64 and numbers in one spelling


def decode_base64(text: bytes) -> bytes:
    """RFC 4648 section 4, refusing every spelling but the one that encoding gives; raises ``NoteError``."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "not base64"
        raise NoteError(message) from error
    if base64.b64encode(data) != text:
        message = "base64 with stray bits or padding"
        raise NoteError(message)
    return data


def decode_number(text: bytes) -> int:
    """A decimal below 2**63 without leading zeros; raises ``NoteError``."""
    if _DECIMAL(text) is None or int(text) >= SIZE_LIMIT:
        message = "not a decimal number below 2**63"
        raise NoteError(message)
    return int(text)


# --- keys


def _check_name(name: str) -> bytes:
    """Key names "MUST be non-empty and MUST NOT contain any Unicode spaces or plus" (C2SP signed-note)."""
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        message = "a key name is not empty and holds no space, plus or control character"
        raise NoteError(message)
    try:
        return name.encode()
    except UnicodeEncodeError as error:
        message = "a key name is not Unicode text"
        raise NoteError(message) from error


def key_id(name: str, public: bytes, signature_type: int = ED25519) -> bytes:
    """Four bytes that, with the name, say which key signed (C2SP signed-note, "Signatures")."""
    return sha256(_check_name(name) + b"\n" + bytes([signature_type]) + public).digest()[:4]


def vkey(name: str, public: bytes, signature_type: int = ED25519) -> str:
    """``name+keyid+base64(type || public)``, as Go's sumdb/note reads it; raises ``NoteError``."""
    if signature_type not in (ED25519, COSIGNATURE_V1) or len(public) != _PUBLIC_SIZE:
        message = "a verifier key is an Ed25519 key of 32 bytes, of type 1 or 4"
        raise NoteError(message)
    encoded = base64.b64encode(bytes([signature_type]) + public).decode()
    return f"{name}+{key_id(name, public, signature_type).hex()}+{encoded}"


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey; raises ``NoteError``."""
    fields = text.split("+", 2)
    if len(fields) != 3 or _KEY_ID(fields[1]) is None or not fields[2].isascii():  # noqa: PLR2004 - name, id, key
        message = "a verifier key reads name+keyid+base64"
        raise NoteError(message)
    name, identifier, encoded = fields
    key = decode_base64(encoded.encode())
    if len(key) != 1 + _PUBLIC_SIZE or key[0] not in (ED25519, COSIGNATURE_V1):
        message = "a verifier key is an Ed25519 key of type 1 or 4"
        raise NoteError(message)
    if key_id(name, key[1:], key[0]).hex() != identifier:
        message = f"the key id of {name} does not belong to its key; it was mistyped or changed"
        raise NoteError(message)
    return VerifierKey(name, bytes.fromhex(identifier), key[0], key[1:])


# --- signing


def _check_text(text: bytes) -> None:
    if not text.endswith(b"\n") or _CONTROL(text) is not None:
        message = "a note's text ends with a newline and holds no other control character"
        raise NoteError(message)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        message = "a note's text is not UTF-8"
        raise NoteError(message) from error


def signature_line(name: str, identifier: bytes, signature: bytes) -> bytes:
    """One line of a note, for signatures made elsewhere (a KMS)."""
    return _MARK + _check_name(name) + b" " + base64.b64encode(identifier + signature) + b"\n"


def note_sign(text: bytes, name: str, private_key: bytes) -> bytes:
    """The whole note: text, empty line, one Ed25519 signature; ``private_key`` is the 32-byte seed of RFC 8032."""
    _check_text(text)
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    identifier = key_id(name, key.public_key().public_bytes_raw())
    return text + b"\n" + signature_line(name, identifier, key.sign(text))


def cosign(text: bytes, name: str, private_key: bytes, timestamp: int) -> bytes:
    """A witness's signature line over a checkpoint's text, to append to its note (C2SP tlog-cosignature)."""
    _check_text(text)
    if not 0 <= timestamp < SIZE_LIMIT:
        message = "a cosignature's time lies between 0 and 2**63"
        raise NoteError(message)
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    identifier = key_id(name, key.public_key().public_bytes_raw(), COSIGNATURE_V1)
    signature = key.sign(_cosigned(text, timestamp))
    return signature_line(name, identifier, struct.pack(">Q", timestamp) + signature)


def _cosigned(text: bytes, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n".encode() + text


# --- opening


def open_note(note: bytes, vkeys: Sequence[str]) -> OpenedNote:
    """Check a note against known keys; raises ``NoteError`` unless one signed it and none of them badly."""
    # 1. Well formed: UTF-8, no control characters, text and signatures parted by the last empty line.
    text, lines = _split(note)
    # 2. "Verifiers MUST ignore signatures from unknown keys"; name and id together say which key.
    keys = _known_keys(vkeys)
    opened: dict[tuple[str, bytes], NoteSignature] = {}
    for line in lines:
        name, identifier, signature = _parse_line(line)
        key = keys.get((name, identifier))
        # 3. "If the key name and ID match a known key, verifiers MUST verify the signature."
        if key is not None:
            opened.setdefault((name, identifier), _verify(key, text, signature))
    # 4. "If no signature from a known key verifies successfully, clients MUST reject the note."
    if not opened:
        message = "no trusted key signed this note; check that the verifier keys are the log's"
        raise NoteError(message)
    return OpenedNote(text, tuple(opened.values()))


def _split(note: bytes) -> tuple[bytes, list[bytes]]:
    if len(note) > NOTE_SIZE_MAX:
        message = f"a note has at most {NOTE_SIZE_MAX} bytes"
        raise NoteError(message)
    _check_text(note)
    middle = note.rfind(b"\n\n")
    if middle < 0:
        message = "a note has an empty line before its signatures"
        raise NoteError(message)
    lines = note[middle + 2 :].split(b"\n")[:-1]
    if not 1 <= len(lines) <= SIGNATURES_MAX:
        message = f"a note has 1 to {SIGNATURES_MAX} signatures"
        raise NoteError(message)
    return note[: middle + 1], lines


def _known_keys(vkeys: Sequence[str]) -> dict[tuple[str, bytes], VerifierKey]:
    keys: dict[tuple[str, bytes], VerifierKey] = {}
    for text in vkeys:
        key = parse_vkey(text)
        if keys.setdefault((key.name, key.key_id), key) != key:
            message = f"two different keys share the name {key.name} and a key id; trust one of them"
            raise NoteError(message)
    return keys


def _parse_line(line: bytes) -> tuple[str, bytes, bytes]:
    fields = line.removeprefix(_MARK).split(b" ")
    if not line.startswith(_MARK) or len(fields) != 2:  # noqa: PLR2004 - name and signature
        message = "a signature line is an em dash, a key name and base64, with single spaces"
        raise NoteError(message)
    name, data = fields[0].decode(), decode_base64(fields[1])
    _check_name(name)
    if len(data) < 5:  # noqa: PLR2004 - a key id of 4 bytes and a signature
        message = "a signature line is too short"
        raise NoteError(message)
    return name, data[:4], data[4:]


def _verify(key: VerifierKey, text: bytes, signature: bytes) -> NoteSignature:
    message, timestamp = text, None
    if key.signature_type == COSIGNATURE_V1:
        timestamp = int.from_bytes(signature[:8], "big")
        if len(signature) != 8 + _SIGNATURE_SIZE or timestamp >= SIZE_LIMIT:
            problem = f"the cosignature of {key.name} is malformed"
            raise NoteError(problem)
        message, signature = _cosigned(text, timestamp), signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        problem = f"the signature of {key.name} does not verify: the note was changed"
        raise NoteError(problem) from error
    return NoteSignature(key.name, key.key_id, key.signature_type, timestamp)


# --- checkpoints


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The note text of a checkpoint; raises ``NoteError``."""
    root = base64.b64encode(checkpoint.root).decode()
    lines = [checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions]
    try:
        text = "".join(f"{line}\n" for line in lines).encode()
    except UnicodeEncodeError as error:
        message = "a checkpoint's lines are Unicode text"
        raise NoteError(message) from error
    if parse_checkpoint(text) != checkpoint:
        message = "a checkpoint's lines hold a newline"
        raise NoteError(message)
    return text


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read a note text as a checkpoint (C2SP tlog-checkpoint, "Note text"); raises ``NoteError``."""
    _check_text(text)
    lines = text.split(b"\n")[:-1]
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004 - origin, size, root
        message = "a checkpoint has at least three lines, none of them empty"
        raise NoteError(message)
    root = decode_base64(lines[2])
    if len(root) != HASH_SIZE:
        message = f"a checkpoint's root has {HASH_SIZE} bytes"
        raise NoteError(message)
    return Checkpoint(
        lines[0].decode(), decode_number(lines[1]), root, tuple(extension.decode() for extension in lines[3:])
    )


def open_checkpoint(
    note: bytes, log_vkey: str, witness_vkeys: Sequence[str] = ()
) -> tuple[Checkpoint, tuple[NoteSignature, ...]]:
    """A checkpoint that its own log signed, and who signed; raises ``NoteError``.

    A witness's signature alone is not enough, and the log's key must carry the checkpoint's origin
    as its name, so that no other log's head can be passed off as this one's.
    """
    log = parse_vkey(log_vkey)
    if log.signature_type != ED25519:
        message = f"the key of {log.name} is a witness's; a log signs with an Ed25519 key of type 1"
        raise NoteError(message)
    opened = open_note(note, [log_vkey, *witness_vkeys])
    if not any(item.name == log.name and item.key_id == log.key_id for item in opened.signatures):
        message = f"{log.name} did not sign this checkpoint"
        raise NoteError(message)
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin != log.name:
        message = f"the checkpoint is of another log than {log.name}"
        raise NoteError(message)
    return checkpoint, opened.signatures
