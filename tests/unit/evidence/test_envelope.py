import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard

from lawgate.evidence.envelope import PLAINTEXT_MAX, SMALL_MAX, EnvelopeError, pack, unpack


def envelope(frame: bytes, *, length: int | None = None, fill: bytes = b"\x00") -> bytes:
    head = struct.pack(">I", len(frame) if length is None else length) + frame
    return head + fill * (-len(head) % 256)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 242, 243, 244, 1000, SMALL_MAX, SMALL_MAX + 1])
def test_every_size_comes_out_of_any_zstd(size: int) -> None:
    plaintext = bytes(number * 7 % 251 for number in range(size))
    packed = pack(plaintext)
    assert unpack(packed) == plaintext
    (length,) = struct.unpack(">I", packed[:4])
    frame = packed[4 : 4 + length]
    assert zstandard.frame_content_size(frame) == size
    assert zstandard.ZstdDecompressor().decompress(frame) == plaintext


def test_what_fits_into_a_block_is_stored_there() -> None:
    assert len(pack(b"x" * 243)) == 256
    assert b"a name" in pack(b"a name")


@pytest.mark.parametrize("plaintext", [b"", b"x", b"x" * 255, bytes(range(256)) * 9, b"ab" * 100_000])
def test_what_was_packed_comes_out(plaintext: bytes) -> None:
    packed = pack(plaintext)
    assert unpack(packed) == plaintext
    assert len(packed) % 256 == 0


def test_length_tells_only_the_next_block() -> None:
    assert {len(pack(bytes(range(n)))) for n in range(1, 200)} == {256}


def test_a_frame_from_another_zstd_is_read() -> None:
    # RFC 8878: magic, single segment with a one-byte content size, one last raw block.
    frame = bytes.fromhex("28b52ffd20") + b"\x05" + struct.pack("<I", 1 | 5 << 3)[:3] + b"hello"
    assert unpack(envelope(frame)) == b"hello"


GOOD = zstandard.ZstdCompressor().compress(b"evidence" * 20)
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(b"evidence" * 20)
# A header that claims 2**62 bytes, and one that claims one byte more than allowed.
HUGE = bytes.fromhex("28b52ffde0") + struct.pack("<Q", 2**62) + bytes.fromhex("010000")
OVER = bytes.fromhex("28b52ffda0") + struct.pack("<I", PLAINTEXT_MAX + 1) + bytes.fromhex("010000")
LIES_SHORT = bytes.fromhex("28b52ffd20") + b"\x04" + struct.pack("<I", 1 | 5 << 3)[:3] + b"hello"
LIES_LONG = bytes.fromhex("28b52ffd20") + b"\x06" + struct.pack("<I", 1 | 5 << 3)[:3] + b"hello"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 255,
        b"\x00" * 256,
        envelope(GOOD)[:-1],
        envelope(GOOD) + b"\x00" * 256,
        envelope(GOOD, fill=b"\x01"),
        envelope(GOOD, length=len(GOOD) - 1),
        envelope(GOOD, length=len(GOOD) + 1),
        envelope(GOOD, length=2**32 - 1),
        envelope(GOOD[:-1]),
        envelope(GOOD + GOOD),
        envelope(GOOD + b"x"),
        envelope(UNSIZED),
        envelope(HUGE),
        envelope(OVER),
        envelope(LIES_SHORT),
        envelope(LIES_LONG),
        envelope(b"not zstd at all"),
        # a skippable frame, which says nothing about a size
        envelope(bytes.fromhex("502a4d18") + struct.pack("<I", 3) + b"abc"),
    ],
)
def test_any_other_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        unpack(data)


def test_a_refused_frame_spoils_nothing_for_the_next() -> None:
    with pytest.raises(EnvelopeError):
        unpack(envelope(LIES_LONG))
    assert unpack(pack(b"still fine")) == b"still fine"


def test_threads_do_not_share_a_compressor() -> None:
    texts = [bytes([number]) * 40_000 + b"%d" % number for number in range(8)] * 40
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: unpack(pack(text)), texts)) == texts


def test_the_limit_on_plaintext_is_kept_when_sealing() -> None:
    with pytest.raises(EnvelopeError):
        pack(bytes(PLAINTEXT_MAX + 1))
