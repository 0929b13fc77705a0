"""What is inside a ciphertext: a plaintext compressed and padded.

    envelope = length of frame (32 bits, big-endian) || zstd frame || zeros up to a multiple of 256

Rule 1: the frame states its content size, which is checked against the limit before unpacking.
Rule 2: padding is the shortest that fits and all zeros; any other envelope is refused.
Rule 3: what fits into one block as it is, is stored as it is: compressing it would change nothing
    that anyone sees, and hand the interpreter lock around.
Rule 4: no dictionary. One trained on traffic would itself be personal data.
"""

import struct
from typing import Final

import zstandard

from lawgate.evidence.errors import EvidenceInputError

PLAINTEXT_MAX: Final = 64 * 1024 * 1024
"""Bytes of one part; above every body limit that the gateway can be given."""

BLOCK: Final = 256
SMALL_MAX: Final = 4096
"""Bytes of a usual part. Its compressor has tables of a size to match, which leave the caches to others."""

_LARGE: Final = 1
"""Level 1 and level 3 differ by less than 1 % in size on 2 kB of JSON; level 1 needs the least memory."""

_SMALL: Final = zstandard.ZstdCompressionParameters.from_level(
    -1, source_size=SMALL_MAX, write_content_size=True, write_checksum=False
)
"""Level -1 leaves out entropy coding: half the time of level 1, for a block or two of padding."""

_STORED: Final = b"\x28\xb5\x2f\xfd\x20"
"""Magic and descriptor of a single-segment frame whose size takes one byte (RFC 8878 section 3.1.1.1)."""

_STORED_OVERHEAD: Final = len(_STORED) + 1 + 3
_STORED_MAX: Final = BLOCK - 4 - _STORED_OVERHEAD
_LENGTH: Final = struct.Struct(">I")
_ZEROS: Final = bytes(BLOCK)

# A compressor is reused (16 us to make, 4 to use) but must never serve two threads at once. Taking
# it out of the list is one atomic step, so each caller holds one that nobody else can reach.
_SMALL_COMPRESSORS: Final[list[zstandard.ZstdCompressor]] = []
_LARGE_COMPRESSORS: Final[list[zstandard.ZstdCompressor]] = []
_DECOMPRESSORS: Final[list[zstandard.ZstdDecompressor]] = []


class EnvelopeError(EvidenceInputError):
    """A plaintext too large to seal, or an opened ciphertext that is not an envelope."""


def pack(plaintext: bytes) -> bytes:
    """Compress and pad; raises ``EnvelopeError`` above ``PLAINTEXT_MAX``."""
    size = len(plaintext)
    if size <= _STORED_MAX:
        # one last raw block (RFC 8878 section 3.1.1.2): its header is 24 bits, little-endian
        header = bytes((size, (size << 3 | 1) & 0xFF, size >> 5, 0))
        return (_LENGTH.pack(size + _STORED_OVERHEAD) + _STORED + header + plaintext).ljust(BLOCK, b"\x00")
    frame = _compress(plaintext, size)
    return _LENGTH.pack(len(frame)) + frame + _ZEROS[: -(len(frame) + 4) % BLOCK]


def _compress(plaintext: bytes, size: int) -> bytes:
    if size > PLAINTEXT_MAX:
        message = f"a part of {size} bytes, more than the {PLAINTEXT_MAX} allowed"
        raise EnvelopeError(message)
    idle = _SMALL_COMPRESSORS if size <= SMALL_MAX else _LARGE_COMPRESSORS
    try:
        compressor = idle.pop()
    except IndexError:
        compressor = _new_small() if idle is _SMALL_COMPRESSORS else _new_large()
    frame = compressor.compress(plaintext)
    idle.append(compressor)
    return frame


def _new_small() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(compression_params=_SMALL)


def _new_large() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=_LARGE, write_content_size=True, write_checksum=False)


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
