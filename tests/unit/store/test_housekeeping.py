import logging
from pathlib import Path

import pytest

from lawgate.store import housekeeping
from lawgate.store.housekeeping import Housekeeping
from lawgate.store.opening import Store
from tests.store_world import World, intent, record_exchanges


class Patient:
    def __init__(self, fault: str | None = None) -> None:
        self.fault = fault
        self.probes = 0

    def healthy(self) -> str | None:
        return self.fault

    def probe_soon(self) -> None:
        self.probes += 1


def size_of(path: Path) -> int:
    return path.stat().st_size


def rows(store: Store) -> list[int]:
    return [seq for (seq,) in store._writer.connection.execute("SELECT seq FROM groups ORDER BY seq")]


async def test_only_integrated_rows_are_pruned_and_the_last_one_stays(world: World) -> None:
    async with world.node() as store:
        tidy = Housekeeping(world.paths, "gw-1", Patient())
        for number in range(5):
            await store.recorder.record(intent(number))
        assert tidy.prune() == 0
        world.integrate()
        await store.recorder.record(intent(5))
        assert tidy.prune() == 5
        assert rows(store) == [6]
        world.integrate()
        assert tidy.prune() == 0
        assert rows(store) == [6]
        tidy.close()
    async with world.node() as store:
        assert (await store.recorder.record(intent(6))).nseq == 6
    world.integrate()
    with world.reader() as reader:
        assert reader.snapshot().size == 7


async def test_a_grown_wal_is_copied_and_a_large_one_emptied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.node() as store:
        tidy = Housekeeping(world.paths, "gw-1", Patient())
        wal = Path(f"{world.paths.journal('gw-1')}-wal")
        await record_exchanges(store, range(20))
        before = size_of(wal)
        tidy.checkpoint()
        assert size_of(wal) == before  # small: left alone
        monkeypatch.setattr(housekeeping, "PASSIVE_FROM_B", 1)
        monkeypatch.setattr(housekeeping, "TRUNCATE_FROM_B", 1)
        tidy.checkpoint()
        assert size_of(wal) == 0
        tidy.close()


async def test_during_an_outage_it_knocks_and_nothing_else(world: World) -> None:
    async with world.node() as store:
        await record_exchanges(store, range(2))
        world.integrate()
        patient = Patient("disk full")
        tidy = Housekeeping(world.paths, "gw-1", patient)
        tidy.tidy()
        assert patient.probes == 1
        assert len(rows(store)) > 1
        patient.fault = None
        tidy.tidy()
        assert len(rows(store)) == 1
        tidy.close()


async def test_an_error_is_logged_and_the_next_round_tries_again(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.node():
        tidy = Housekeeping(world.paths, "gw-1", Patient())
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(housekeeping, "_PRUNE", "DELETE FROM nowhere WHERE ? + ?")
            tidy.tidy()
            assert "no such table" in caplog.text
        tidy.tidy()
        tidy.close()
