import asyncio
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.operations.drafts import access_draft
from lawgate.operations.visit import NODE, Visit, require_owner, visiting
from lawgate.store.files import FileLock
from lawgate.store.reader import StoredEntry
from tests.unit.operations.world import NOW, ROOT, World, answered, exchange_id, refused

DRAFT = access_draft(ROOT, "list", NOW, details={})


async def leave_one(visit: Visit) -> None:
    await visit.record(DRAFT)


def test_what_is_recorded_is_in_the_signed_tree_when_the_visit_ends(world: World) -> None:
    world.visit(leave_one)
    (entry,) = world.entries("access")
    assert (entry.index, entry.node) == (0, NODE)


def test_the_node_name_names_nobody(world: World) -> None:
    """Leaves are public (law 4)."""
    world.visit(leave_one)
    (entry,) = world.entries("access")
    assert b'"node":"lawgate-cli"' in entry.row.leaf


def test_visits_go_on_with_one_sequence(world: World) -> None:
    for _ in range(3):
        world.visit(leave_one)
    assert [entry.row.nseq for entry in world.entries("access")] == [0, 1, 2]


def test_entries_of_a_gateway_that_stopped_are_signed_too(world: World) -> None:
    world.record(answered(1))
    assert [entry.index for entry in world.entries()] == [None, None]
    world.integrate()
    assert [entry.index for entry in world.entries()] == [0, 1]


def test_signed_gives_the_exchange_with_its_places(world: World) -> None:
    world.record(refused(1))

    async def look(visit: Visit) -> list[StoredEntry]:
        return await visit.signed(exchange_id(1))

    assert [entry.index for entry in world.visit(look)] == [0]


def test_a_command_waits_for_its_turn_and_says_so_when_it_does_not_come(world: World) -> None:
    lock = FileLock.acquire(world.place.paths.node_lock(NODE))
    assert lock is not None

    async def hasty() -> None:
        async with visiting(world.place, wait_s=0.0):
            pytest.fail("two commands at once")

    try:
        with pytest.raises(EvidenceError, match=r"another lawgate command .* try again later"):
            asyncio.run(hasty())
    finally:
        lock.release()


def test_commands_at_once_all_get_their_turn(world: World) -> None:
    faults: list[BaseException] = []

    def one() -> None:
        try:
            world.visit(leave_one)
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [entry.row.nseq for entry in world.entries("access")] == [0, 1, 2, 3, 4]


def test_only_the_owner_of_the_store_may_come(world: World) -> None:
    evidence = world.place.paths.evidence
    require_owner(evidence, os.geteuid())
    with pytest.raises(EvidenceError, match=r"belongs to .*sudo -u "):
        require_owner(evidence, os.geteuid() + 1)


def test_a_store_that_is_not_there_is_said_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="lawgate init"):
        require_owner(tmp_path / "none", 0)


def test_a_rolled_back_log_lets_commands_record_and_tells_that_nothing_is_signed(world: World, tmp_path: Path) -> None:
    world.record(refused(1))
    world.integrate()
    old = world.copied(tmp_path / "old")
    world.record(refused(2))
    world.integrate()
    old.place.paths.pinned.write_bytes(world.place.paths.pinned.read_bytes())

    async def record(visit: Visit) -> Visit:
        await visit.record(DRAFT)
        return visit

    visit = old.visit(record)
    assert visit.fault is not None
    assert "restore" in visit.fault
    assert [entry.index for entry in old.entries("access")] == [None]


def test_a_key_file_of_another_store_opens_nothing(world: World) -> None:
    world.place.kek_file.unlink()
    with pytest.raises(EvidenceError, match="cannot read the key file"):
        world.visit(leave_one)


def test_nothing_is_done_where_the_journal_cannot_be_written(world: World) -> None:
    world.visit(leave_one)
    journal = world.place.paths.journal(NODE)
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()
    journal.write_bytes(b"this is not a database, and long enough to be taken for one" * 200)
    with pytest.raises(EvidenceError, match="SQLITE_NOTADB"):
        world.visit(leave_one)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(journal).execute("SELECT * FROM groups")
