"""Parts: the sealed side of an entry, and the commitments that the leaf makes to them.

Rule 1: a part's secret is 32 random bytes, used for one sealing or one series of frames. Its key and
its salt both come from it, so that destroying it kills the content and unlinks the commitment.
Rule 2: the commitment is to the plaintext. AES-GCM does not commit to its key, and a commitment to
the plaintext survives re-encryption.
Rule 3: the additional data binds a ciphertext to its place: entry and part number, or series, frame
number and whether it is the last frame.
Rule 4: a secret is wrapped under its owner's key and its retention bucket's; losing either loses it.
Rule 5: secrets, nonces and ids arrive as arguments. A nonce is 12 random bytes, never used twice.
Rule 6: ``seal_at`` and ``WrappingKey.wrap`` run for each part of each entry. They check nothing: whoever
    calls them has cut secret and nonce to their sizes, and every other function here checks for itself.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lawgate.evidence import envelope
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import leaf_hash, path_of, root_of, verify_inclusion

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
WRAPPED_SIZE: Final = NONCE_SIZE + KEY_SIZE + 16
"""Bytes of a wrapped secret: nonce, secret, tag."""

NUMBER_LIMIT: Final = 2**32
"""Parts of an entry and frames of a series: NIST SP 800-38D section 8.3 allows 2**32 random nonces a key."""

_INFO_ENCRYPT: Final = b"lawgate/v1/enc\x01"
_INFO_COMMIT: Final = b"lawgate/v1/commit\x01"
_INFO_WRAP: Final = b"lawgate/v1/wrap\x01"
"""The info of HKDF-Expand and the counter of its only block (RFC 5869 section 2.3)."""

_SEAL_PLACE: Final = b"lawgate/seal/v1\x00"
_WRAP_PLACE: Final = b"lawgate/wrap/v1\x00"
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}").fullmatch
_LABELS_MAX: Final = 256
_PLACE: Final = struct.Struct(">I").pack
_FRAME_PLACE: Final = struct.Struct(">I?")

# HMAC-SHA-256 by its definition (RFC 2104 section 2) for keys of 32 bytes: two hashes of short
# strings cost half of what hmac.digest spends on looking its algorithm up.
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_KEY_FILL: Final = bytes(32)
"""A key shorter than the block of 64 bytes is filled up with zeros."""


class PartError(EvidenceInputError):
    """A part cannot be sealed, opened or wrapped with what was given."""


@dataclass(frozen=True, slots=True)
class SealedPart:
    """What is stored of a part: ``ciphertext`` is nonce, AES-256-GCM, tag; ``commitment`` is 32 bytes."""

    label: str
    ciphertext: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class OpenedSeries:
    """The plaintexts of a series joined; ``complete`` says whether its last frame was marked final."""

    plaintext: bytes
    complete: bool


def _hmac(key: bytes, message: bytes) -> bytes:
    block = key + _KEY_FILL
    inner = sha256(block.translate(_INNER) + message).digest()
    return sha256(block.translate(_OUTER) + inner).digest()


def _check_key(key: bytes, name: str) -> None:
    if len(key) != KEY_SIZE:
        message = f"the {name} must have {KEY_SIZE} bytes, not {len(key)}"
        raise PartError(message)


# --- commitments


def commitment_salt(secret: bytes) -> bytes:
    """The salt that opens a part's commitment: all that a disclosure gives away of the secret."""
    _check_key(secret, "secret")
    return _hmac(secret, _INFO_COMMIT)


def commitment_of(salt: bytes, label: str, plaintext_sha256: bytes) -> bytes:
    """The commitment that a disclosed salt and plaintext give."""
    if len(salt) != KEY_SIZE or len(plaintext_sha256) != KEY_SIZE:
        message = "a commitment takes a salt and a SHA-256 of 32 bytes each"
        raise PartError(message)
    return sha256(_label_prefix(label) + salt + plaintext_sha256).digest()


def _checked_label_prefix(label: str) -> bytes:
    if _LABEL(label) is None:
        message = "a label has 1 to 64 of a-z, 0-9, dot, underscore, slash and hyphen"
        raise PartError(message)
    return b"lawgate/part/v1\x00" + label.encode() + b"\x00"


_label_prefix: Final = lru_cache(_LABELS_MAX)(_checked_label_prefix)
"""What a commitment begins with. A product has a handful of labels, and errors are not kept."""


def commitment(secret: bytes, label: str, plaintext_sha256: bytes) -> bytes:
    """What the leaf commits to: 32 bytes that say nothing without the secret, and bind with it."""
    return commitment_of(commitment_salt(secret), label, plaintext_sha256)


def parts_root(commitments: Sequence[bytes]) -> bytes:
    """The leaf's ``pr``: the RFC 6962 root with the commitments as entries."""
    if not 0 < len(commitments) <= _FOLDED_MAX:
        return root_of([leaf_hash(item) for item in commitments])
    root = b""
    for item in commitments:
        hashed = sha256(b"\x00" + item).digest()
        root = sha256(b"\x01" + root + hashed).digest() if root else hashed
    return root


_FOLDED_MAX: Final = 3
"""Up to three entries, the tree is what folding from the left gives (RFC 9162 section 2.1.1)."""


def part_proof(commitments: Sequence[bytes], number: int) -> list[bytes]:
    """The path from one commitment to ``parts_root``, for a disclosure; raises ``ProofError``."""
    return path_of([leaf_hash(item) for item in commitments], number)


def verify_part(
    *, label: str, plaintext: bytes, salt: bytes, number: int, count: int, path: Sequence[bytes], root: bytes
) -> None:
    """Raise ``ProofError`` or ``PartError`` unless the disclosed part is part ``number`` under the leaf's ``pr``."""
    found = commitment_of(salt, label, sha256(plaintext).digest())
    verify_inclusion(number, count, leaf_hash(found), path, root)


# --- sealing


def seal(*, entry: str, number: int, label: str, plaintext: bytes, secret: bytes, nonce: bytes) -> SealedPart:
    """Seal one part of an entry and commit to it; raises ``PartError`` or ``EnvelopeError``."""
    _check_key(secret, "secret")
    _check_nonce(nonce)
    _check_number(number)
    ciphertext, committed = seal_at(entry_place(entry), number, label, plaintext, secret, nonce)
    return SealedPart(label, ciphertext, committed)


def entry_place(entry: str) -> bytes:
    """The start of the additional data of every part of an entry, for ``seal_at``; raises ``PartError``."""
    return _SEAL_PLACE + _ascii(entry) + b"\x00"


def seal_at(
    place: bytes, number: int, label: str, plaintext: bytes, secret: bytes, nonce: bytes
) -> tuple[bytes, bytes]:
    """(ciphertext, commitment) of a part; raises ``PartError`` for the label, or ``EnvelopeError``.

    ``place`` is ``entry_place`` of the entry. The number and the sizes of ``secret`` and ``nonce`` are the
    caller's to get right (rule 6).
    """
    block = secret + _KEY_FILL
    inner, outer = block.translate(_INNER), block.translate(_OUTER)
    key = sha256(outer + sha256(inner + _INFO_ENCRYPT).digest()).digest()
    salt = sha256(outer + sha256(inner + _INFO_COMMIT).digest()).digest()
    committed = sha256(_label_prefix(label) + salt + sha256(plaintext).digest()).digest()
    sealed = AESGCM(key).encrypt(nonce, envelope.pack(plaintext), place + _PLACE(number))
    return nonce + sealed, committed


def open_sealed(*, entry: str, number: int, ciphertext: bytes, secret: bytes) -> bytes:
    """The plaintext of one part; raises ``PartError`` or ``EnvelopeError``."""
    _check_key(secret, "secret")
    return envelope.unpack(_decrypt(_hmac(secret, _INFO_ENCRYPT), ciphertext, _place(entry, number)))


def _place(entry: str, number: int) -> bytes:
    """Additional data of a part. The number has a fixed width, so no two places read alike."""
    _check_number(number)
    return entry_place(entry) + _PLACE(number)


def _check_number(number: int) -> None:
    if not 0 <= number < NUMBER_LIMIT:
        message = f"part and frame numbers lie between 0 and 2**32, {number} does not"
        raise PartError(message)


def _ascii(name: str) -> bytes:
    if not name or not name.isascii():
        message = "an entry or series id is not empty and all ASCII"
        raise PartError(message)
    return name.encode()


def _check_nonce(nonce: bytes) -> None:
    if len(nonce) != NONCE_SIZE:
        message = f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}"
        raise PartError(message)


def _encrypt(key: bytes, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
    _check_nonce(nonce)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place)


def _decrypt(key: bytes, ciphertext: bytes, place: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(ciphertext[:NONCE_SIZE], ciphertext[NONCE_SIZE:], place)
    except (InvalidTag, ValueError) as error:
        message = "the ciphertext was changed, or belongs to another key or place"
        raise PartError(message) from error


# --- frames


class FramesDigest:
    """SHA-256 of a series' plaintexts, joined in order, for the outcome's commitment to the series."""

    __slots__ = ("_count", "_digest")

    def __init__(self) -> None:
        self._digest = sha256()
        self._count = 0

    @property
    def count(self) -> int:
        """How many frames were added."""
        return self._count

    def update(self, plaintext: bytes) -> None:
        """Add the next frame."""
        self._digest.update(plaintext)
        self._count += 1

    def sha256(self) -> bytes:
        """The digest so far; more frames may follow."""
        return self._digest.digest()


def seal_frame(*, series: str, number: int, final: bool, plaintext: bytes, secret: bytes, nonce: bytes) -> bytes:
    """One frame of a series that shares a secret; raises ``PartError`` or ``EnvelopeError``."""
    _check_key(secret, "secret")
    place = _frame_place(series, number, final=final)
    return _encrypt(_hmac(secret, _INFO_ENCRYPT), nonce, envelope.pack(plaintext), place)


def open_frame(*, series: str, number: int, final: bool, ciphertext: bytes, secret: bytes) -> bytes:
    """The plaintext of one frame; raises ``PartError`` or ``EnvelopeError``."""
    _check_key(secret, "secret")
    place = _frame_place(series, number, final=final)
    return envelope.unpack(_decrypt(_hmac(secret, _INFO_ENCRYPT), ciphertext, place))


def open_series(*, series: str, frames: Sequence[bytes], secret: bytes) -> OpenedSeries:
    """All frames of a series, numbered from 0; raises ``PartError`` when one is missing, moved or follows the end."""
    plaintexts = [
        open_frame(series=series, number=number, final=False, ciphertext=frame, secret=secret)
        for number, frame in enumerate(frames[:-1])
    ]
    complete = False
    if frames:
        last = len(frames) - 1
        try:
            plaintexts.append(
                open_frame(series=series, number=last, final=True, ciphertext=frames[last], secret=secret)
            )
            complete = True
        except PartError:  # interrupted: the stream stopped before its final frame
            plaintexts.append(
                open_frame(series=series, number=last, final=False, ciphertext=frames[last], secret=secret)
            )
    return OpenedSeries(b"".join(plaintexts), complete)


def _frame_place(series: str, number: int, *, final: bool) -> bytes:
    """Additional data of a frame (the STREAM construction's position and last-block flag)."""
    _check_number(number)
    return b"lawgate/frame/v1\x00" + _ascii(series) + b"\x00" + _FRAME_PLACE.pack(number, final)


# --- wrapping


def wrapping_key(owner_key: bytes, bucket_key: bytes) -> bytes:
    """HKDF-SHA-256 over both keys, no salt (RFC 5869 section 2.2): derive it once for an exchange."""
    _check_key(owner_key, "owner's key")
    _check_key(bucket_key, "bucket's key")
    return _hmac(_hmac(bytes(32), owner_key + bucket_key), _INFO_WRAP)


class WrappingKey:
    """A wrapping key made ready for the parts of one exchange: making its cipher costs more than using it."""

    __slots__ = ("_encrypt",)

    def __init__(self, key: bytes) -> None:
        _check_key(key, "wrapping key")
        self._encrypt = AESGCM(key).encrypt

    def wrap(self, secret: bytes, context: bytes, nonce: bytes) -> bytes:
        """``wrap_with`` for a secret and a nonce whose sizes are right (rule 6)."""
        return nonce + self._encrypt(nonce, secret, _WRAP_PLACE + context)


def wrap_with(key: bytes, *, secret: bytes, context: bytes, nonce: bytes) -> bytes:
    """Wrap a part's secret; ``context`` (entry, part and key ids) is authenticated. Raises ``PartError``."""
    _check_key(secret, "secret")
    _check_nonce(nonce)
    return WrappingKey(key).wrap(secret, context, nonce)


def unwrap_with(key: bytes, *, wrapped: bytes, context: bytes) -> bytes:
    """A part's secret; raises ``PartError`` when a key or the context is another's."""
    _check_key(key, "wrapping key")
    if len(wrapped) != WRAPPED_SIZE:
        message = f"a wrapped secret has {WRAPPED_SIZE} bytes, not {len(wrapped)}"
        raise PartError(message)
    return _decrypt(key, wrapped, _WRAP_PLACE + context)


def wrap(*, owner_key: bytes, bucket_key: bytes, secret: bytes, context: bytes, nonce: bytes) -> bytes:
    """``wrap_with`` under ``wrapping_key`` of the two."""
    return wrap_with(wrapping_key(owner_key, bucket_key), secret=secret, context=context, nonce=nonce)


def unwrap(*, owner_key: bytes, bucket_key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """``unwrap_with`` under ``wrapping_key`` of the two."""
    return unwrap_with(wrapping_key(owner_key, bucket_key), wrapped=wrapped, context=context)
