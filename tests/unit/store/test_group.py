import msgspec
import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.store.group import (
    EntryRow,
    FrameRow,
    Group,
    PartRow,
    SeriesRow,
    decode_group,
    decode_parts,
    decode_series,
    encode,
)

PART = PartRow("meta", bytes(32), 1, 2, bytes(60), b"sealed")
SERIES = SeriesRow("ab", "cd", "answer", "c30e365", 1, 2, bytes(60))
ENTRY = EntryRow("e", 0, "intent", 1, 1, None, None, b"s", None, None, None, None, None, b"leaf", encode([PART]))
GROUP = Group([ENTRY], [FrameRow("ab", 0, b"x", SERIES), FrameRow("ab", 1, b"y")])


def test_a_group_comes_back_as_it_was() -> None:
    assert decode_group(encode(GROUP), "row 1") == GROUP
    assert decode_parts(ENTRY.parts, "entry e") == [PART]
    assert decode_series(encode(SERIES), "series ab") == SERIES


@pytest.mark.parametrize("cut", [0, 1, 7, 40, -1])
def test_a_damaged_row_is_named(cut: int) -> None:
    for decode, value in ((decode_group, encode(GROUP)), (decode_parts, ENTRY.parts), (decode_series, encode(SERIES))):
        with pytest.raises(EvidenceError, match="row 1 is damaged"):
            decode(value[:cut], "row 1")


def test_a_field_added_by_a_later_version_at_the_end_is_ignored() -> None:
    longer = msgspec.msgpack.encode([["meta", bytes(32), 1, 2, bytes(60), b"sealed", "", 0, "new"]])
    assert decode_parts(longer, "entry e") == [PART]


def test_fields_with_a_default_may_be_missing() -> None:
    shorter = msgspec.msgpack.encode([["meta", bytes(32), 1, 2, bytes(60), b"sealed"]])
    assert decode_parts(shorter, "entry e") == [PART]
