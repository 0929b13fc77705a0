"""What one row of a node's journal holds: the entries and frames of one commit.

Rule 1: MessagePack arrays; a field is only ever added at the end, with a default.
Rule 2: nothing here is in clear that a leaf or a blinded column would not show.
"""

from typing import Final

import msgspec

from lawgate.domain.errors import EvidenceError


class PartRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One sealed part. ``ciphertext`` is empty when the content is ``frames`` frames of ``series``.

    ``owner`` and ``bucket`` are ids of the two keys that ``wrap`` needs; losing either loses the part.
    """

    label: str
    commitment: bytes
    owner: int
    bucket: int
    wrap: bytes
    ciphertext: bytes
    series: str = ""
    frames: int = 0


class EntryRow(msgspec.Struct, array_like=True, gc=False):
    """One entry: its leaf, its parts (encoded ``list[PartRow]``) and the columns that find it."""

    id: str
    nseq: int
    kind: str
    ts: int
    owner: int
    exchange: str | None
    principal: bytes | None
    subject: bytes | None
    connection: str | None
    purpose: str | None
    state: str | None
    outcome: str | None
    code: str | None
    leaf: bytes
    parts: bytes


class SeriesRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the frames of one series share; stands with its first frame."""

    id: str
    exchange: str
    label: str
    retention: str
    owner: int
    bucket: int
    wrap: bytes


class FrameRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One window of an answer; ``opens`` is there when ``number`` is 0."""

    series: str
    number: int
    ciphertext: bytes
    opens: SeriesRow | None = None


class Group(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The body of a journal row. A frame stands before the outcome that commits to it."""

    entries: list[EntryRow]
    frames: list[FrameRow]


encode: Final = msgspec.msgpack.Encoder().encode
_decode_group: Final = msgspec.msgpack.Decoder(Group).decode
_decode_parts: Final = msgspec.msgpack.Decoder(list[PartRow]).decode
_decode_series: Final = msgspec.msgpack.Decoder(SeriesRow).decode


def decode_group(body: bytes, where: str) -> Group:
    """Read a journal row. Raises ``EvidenceError`` that names the row as ``where``."""
    try:
        return _decode_group(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(where) from error


def decode_parts(data: bytes, where: str) -> list[PartRow]:
    """Read an entry's parts. Raises ``EvidenceError`` that names the entry as ``where``."""
    try:
        return _decode_parts(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(where) from error


def decode_series(data: bytes, where: str) -> SeriesRow:
    """Read a series' head. Raises ``EvidenceError`` that names the series as ``where``."""
    try:
        return _decode_series(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(where) from error


def _damaged(where: str) -> EvidenceError:
    return EvidenceError(f"{where} is damaged; keep a copy, run 'lawgate verify', and restore from a backup")
