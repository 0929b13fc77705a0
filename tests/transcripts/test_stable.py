"""The stand-ins of transcripts, and the blocks of the README."""

import pytest

from tests.transcripts.readme import block, with_block
from tests.transcripts.stable import stable

ID, OTHER = "8ad68c3a5b69204c3f514807b5e8653d", "0" * 31 + "1"
PAGE = "Before.\n<!-- transcript: demo -->\n```text\nold\n```\n<!-- end transcript -->\nAfter.\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:42523 http://127.0.0.1:41483", "http://127.0.0.1:35225 http://127.0.0.1:33081"),
        (f"{ID} {OTHER} {ID}", f"{OTHER} {ID} {OTHER}"),
        ("at 2026-11-23T19:54:00Z", "at 2027-01-31T00:00:59Z"),
        ("at 2026-11-23 19:54:00", "at 2027-01-31 00:00:59"),
        ("until 2026-12-23.", "until 2027-03-01."),
        ('"ts":1795463979 is now "ts":1795463970', '"ts":1895463971 is now "ts":1895463972'),
        ("3.9 s from the start", "17.1 s from the start"),
        ("(now), took 9 ms", "(12 seconds ago), took 1200 ms"),
    ],
)
def test_what_changes_from_run_to_run_becomes_the_same(one: str, other: str) -> None:
    assert stable(one) == stable(other)


@pytest.mark.parametrize(
    "value", [ID, "8ad68c3a5b69204c", "127.0.0.1:42523", "2026-11-23T19:54:00Z", '"ts":1795463979']
)
def test_what_may_stand_in_a_table_keeps_its_width(value: str) -> None:
    assert len(stable(value)) == len(value)
    assert stable(value) != value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{ID} {OTHER}", f"{ID} {ID}"),
        ("http://127.0.0.1:42523 http://127.0.0.1:42523", "http://127.0.0.1:42523 http://127.0.0.1:42524"),
        ("403 purpose_none", "404 purpose_none"),
        ("+49 30 23125 467", "+49 30 23125 468"),
        ("entry 1", "entry 2"),
        ("66 checks", "67 checks"),
    ],
)
def test_what_is_said_stays_different(one: str, other: str) -> None:
    assert stable(one) != stable(other)


def test_a_block_is_read_as_it_was_written() -> None:
    assert block("demo", PAGE) == "old\n"
    written = with_block("demo", PAGE, "new \\1\n\n")
    assert block("demo", written) == "new \\1\n"
    assert written == PAGE.replace("old", "new \\1")


@pytest.mark.parametrize("text", ["", PAGE * 2, PAGE.replace("demo", "other")])
def test_a_transcript_that_is_not_there_once_is_an_error(text: str) -> None:
    with pytest.raises(LookupError, match="must have one"):
        with_block("demo", text, "new")
