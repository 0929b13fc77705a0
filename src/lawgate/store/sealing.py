"""How parts and windows are sealed under the keys at hand, and opened again.

Rule 1: the wrap authenticates where it belongs (entry and part, or series) and which two keys it took.
Rule 2: randomness comes in one piece for each entry and is cut up: 44 bytes of secret and nonce and
    12 for the wrap's nonce, each used once.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from lawgate.evidence.parts import (
    KEY_SIZE,
    NONCE_SIZE,
    WrappingKey,
    entry_place,
    open_frame,
    open_sealed,
    seal_at,
    unwrap_with,
)
from lawgate.evidence.parts import wrapping_key as derive_wrapping_key
from lawgate.ports import PartDraft
from lawgate.store.group import PartRow, SeriesRow
from lawgate.store.keys import HeldKey
from lawgate.store.pool import BucketPair

PART_RANDOM_B: Final = KEY_SIZE + 2 * NONCE_SIZE
_NONCE_END: Final = KEY_SIZE + NONCE_SIZE


class ExchangeKeys:
    """The owner key of one exchange with the wrapping keys derived from it, and its blinded names.

    An entry of the exchange that names no principal or subject inherits the blinded ones: after a
    restart nobody knows the names any more.
    """

    __slots__ = ("day", "owner", "principal", "principal_name", "subject", "subject_name", "wrapping")

    def __init__(self, owner: HeldKey, day: int) -> None:
        self.owner = owner
        self.day = day
        self.wrapping: dict[int, WrappingKey] = {}
        self.principal: bytes | None = None
        self.principal_name: str | None = None
        self.subject: bytes | None = None
        self.subject_name: str | None = None

    def wrapping_key(self, bucket: HeldKey) -> WrappingKey:
        """Derived once for each bucket."""
        key = self.wrapping.get(bucket.id)
        if key is None:
            key = self.wrapping[bucket.id] = WrappingKey(derive_wrapping_key(self.owner.key, bucket.key))
        return key


def seal_parts(
    entry: str, drafts: Sequence[PartDraft], keys: ExchangeKeys, buckets: BucketPair, random: bytes
) -> list[PartRow]:
    """Seal the parts of one entry; ``random`` has ``PART_RANDOM_B`` bytes for each."""
    assert len(random) == PART_RANDOM_B * len(drafts)  # so every slice below has the size that it names
    rows: list[PartRow] = []
    owner, place, at = keys.owner.id, entry_place(entry), 0
    for number, draft in enumerate(drafts):
        bucket = buckets.content if draft.content else buckets.evidence
        secret, label = random[at : at + KEY_SIZE], draft.label
        ciphertext, commitment = seal_at(
            place, number, label, draft.plaintext, secret, random[at + KEY_SIZE : at + _NONCE_END]
        )
        wrap = keys.wrapping_key(bucket).wrap(
            secret, part_context(entry, number, owner, bucket.id), random[at + _NONCE_END : at + PART_RANDOM_B]
        )
        rows.append(PartRow(label, commitment, owner, bucket.id, wrap, ciphertext))
        at += PART_RANDOM_B
    return rows


def part_context(entry: str, number: int, owner: int, bucket: int) -> bytes:
    """What the wrap of a part is bound to."""
    return f"{entry}/{number}/{owner}/{bucket}".encode("ascii")


def series_context(series: str, owner: int, bucket: int) -> bytes:
    """What the wrap of a series is bound to; an entry id never starts with ``series``."""
    return f"series/{series}/{owner}/{bucket}".encode("ascii")


class KeyPair(NamedTuple):
    """The two keys of a part."""

    owner: bytes
    bucket: bytes


KeyFinder = Callable[[int, int], "KeyPair | None"]
"""(owner key id, bucket key id) -> both keys, or ``None`` when either was destroyed."""


def open_secret(keys: KeyPair, wrap: bytes, context: bytes) -> bytes:
    """The secret that a wrap holds. Raises ``PartError``."""
    return unwrap_with(derive_wrapping_key(keys.owner, keys.bucket), wrapped=wrap, context=context)


def open_part(entry: str, number: int, row: PartRow, keys: KeyPair) -> tuple[bytes, bytes]:
    """(plaintext, secret) of a part that is not a series. Raises ``PartError`` or ``EnvelopeError``."""
    secret = open_secret(keys, row.wrap, part_context(entry, number, row.owner, row.bucket))
    return open_sealed(entry=entry, number=number, ciphertext=row.ciphertext, secret=secret), secret


def open_frames(series: SeriesRow, frames: Sequence[bytes], keys: KeyPair) -> tuple[list[bytes], bytes]:
    """(plaintext of each frame, secret). Raises ``PartError`` when a frame is missing, moved or changed."""
    secret = open_secret(keys, series.wrap, series_context(series.id, series.owner, series.bucket))
    plaintexts = [
        open_frame(series=series.id, number=number, final=False, ciphertext=frame, secret=secret)
        for number, frame in enumerate(frames)
    ]
    return plaintexts, secret
