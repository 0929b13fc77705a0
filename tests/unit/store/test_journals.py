import sqlite3

import pytest

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.store.journals import Journals, Place
from lawgate.store.watermarks import START
from tests.store_world import World, intent


@pytest.fixture
async def filled(world: World) -> World:
    """A journal of six rows with an entry each."""
    async with world.node() as store:
        for number in range(6):
            await store.recorder.record(intent(number))
    return world


async def test_rows_are_followed_in_order_from_any_place(filled: World) -> None:
    journals = Journals(filled.paths)
    rows = journals.rows("gw-1", START)
    assert [row.after.seq for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.group.entries[0].nseq for row in rows] == [0, 1, 2, 3, 4, 5]
    assert journals.rows("gw-1", rows[3].after) == rows[4:]
    assert journals.rows("gw-1", rows[-1].after) == []
    journals.close()


async def test_what_is_read_at_once_is_bounded_but_never_nothing(filled: World) -> None:
    journals = Journals(filled.paths)
    assert len(journals.rows("gw-1", START, size_b_max=1)) == 1
    assert [row.after.seq for row in journals.tail("gw-1", START)] == [1, 2, 3, 4, 5, 6]
    journals.close()


@pytest.mark.parametrize(
    ("tampering", "match"),
    [
        ("DELETE FROM groups WHERE seq = 3", "row 4 does not follow row 2"),
        ("DELETE FROM groups WHERE seq <= 3", "row 4 does not follow row 0"),
        ("UPDATE groups SET first_nseq = 9 WHERE seq = 3", "row 3 does not follow"),
        ("UPDATE groups SET body = x'00ff' WHERE seq = 2", "row 2 is damaged"),
        ("UPDATE groups SET body = (SELECT body FROM groups WHERE seq = 1), entries = 2 WHERE seq = 2", "says 2"),
    ],
)
async def test_removed_or_damaged_rows_are_named(filled: World, tampering: str, match: str) -> None:
    filled.tamper(filled.paths.journal("gw-1"), tampering)
    journals = Journals(filled.paths)
    with pytest.raises(EvidenceError, match=match):
        list(journals.tail("gw-1", START))
    journals.close()


async def test_a_journal_that_is_being_made_is_empty(world: World) -> None:
    sqlite3.connect(world.paths.journal("gw-7")).close()
    journals = Journals(world.paths)
    assert journals.nodes() == ["gw-7"]
    assert journals.rows("gw-7", START) == []
    with pytest.raises(StoreUnavailableError):
        journals.rows("gw-8", Place(0, 0, b""))
    journals.close()
