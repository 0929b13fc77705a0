"""What is inside a ciphertext: a plaintext compressed and padded.

    envelope = length of frame (32 bits, big-endian) || zstd frame || zeros up to a multiple of 256

Rule 1: the frame states its content size, which is checked against the limit before unpacking.
Rule 2: padding is the shortest that fits and all zeros; any other envelope is refused.
Rule 3: no dictionary. One trained on traffic would itself be personal data.
"""

import struct
from typing import Final

import zstandard

from lawgate.evidence.errors import EvidenceInputError

PLAINTEXT_MAX: Final = 64 * 1024 * 1024
"""Bytes of one part; above every body limit that the gateway can be given."""

BLOCK: Final = 256
LEVEL: Final = 1
"""Level 1 and level 3 differ by less than 1 % in size on 2 kB of JSON; level 1 needs the least memory."""

_LENGTH: Final = struct.Struct(">I")

# A compressor is reused (16 us to make, 4 to use) but must never serve two threads at once. Taking
# it out of the list is one atomic step, so each caller holds one that nobody else can reach.
_COMPRESSORS: Final[list[zstandard.ZstdCompressor]] = []
_DECOMPRESSORS: Final[list[zstandard.ZstdDecompressor]] = []


class EnvelopeError(EvidenceInputError):
    """A plaintext too large to seal, or an opened ciphertext that is not an envelope."""


def pack(plaintext: bytes) -> bytes:
    """Compress and pad; raises ``EnvelopeError`` above ``PLAINTEXT_MAX``."""
    if len(plaintext) > PLAINTEXT_MAX:
        message = f"a part of {len(plaintext)} bytes, more than the {PLAINTEXT_MAX} allowed"
        raise EnvelopeError(message)
    try:
        compressor = _COMPRESSORS.pop()
    except IndexError:
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True, write_checksum=False)
    frame = compressor.compress(plaintext)
    _COMPRESSORS.append(compressor)
    size = _LENGTH.size + len(frame)
    return _LENGTH.pack(len(frame)) + frame + bytes(-size % BLOCK)


def unpack(envelope: bytes) -> bytes:
    """The plaintext; raises ``EnvelopeError``."""
    # 1. The frame lies inside, and only the shortest padding follows.
    if not envelope or len(envelope) % BLOCK:
        message = f"an envelope is padded to {BLOCK} bytes"
        raise EnvelopeError(message)
    (length,) = _LENGTH.unpack_from(envelope)
    end = _LENGTH.size + length
    padding = envelope[end:]
    if end > len(envelope) or len(padding) >= BLOCK or padding.strip(b"\x00"):
        message = "an envelope's padding is wrong"
        raise EnvelopeError(message)
    # 2. The size it will have is known and allowed (RFC 8878 section 3.1.1.1.4).
    frame = envelope[_LENGTH.size : end]
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= PLAINTEXT_MAX:
            message = f"a part must state its size and have at most {PLAINTEXT_MAX} bytes"
            raise EnvelopeError(message)
        plaintext = _decompress(frame)
    except zstandard.ZstdError as error:
        message = "an envelope's zstd frame is damaged"
        raise EnvelopeError(message) from error
    # 3. It has that size.
    if len(plaintext) != size:
        message = "an envelope's zstd frame has another size than it states"
        raise EnvelopeError(message)
    return plaintext


def _decompress(frame: bytes) -> bytes:
    try:
        decompressor = _DECOMPRESSORS.pop()
    except IndexError:
        decompressor = zstandard.ZstdDecompressor()
    plaintext = decompressor.decompress(frame, read_across_frames=False, allow_extra_data=False)
    _DECOMPRESSORS.append(decompressor)
    return plaintext
