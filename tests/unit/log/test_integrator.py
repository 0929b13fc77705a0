import asyncio
import threading
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import Checkpoint, open_checkpoint
from lawgate.evidence.proof import verify_proof
from lawgate.log.integrator import Integrator
from lawgate.store.files import read_vkey
from lawgate.store.log_store import SqliteLogStore
from lawgate.store.verification import verify_store
from tests.store_world import ORIGIN, WAIT_S, World, intent, make_world, record_exchanges


def head(world: World, note: bytes | None = None) -> Checkpoint:
    return open_checkpoint(note or world.paths.checkpoint.read_bytes(), read_vkey(world.paths))[0]


async def record(world: World, numbers: range, node: str = "gw-1") -> None:
    async with world.node(node) as store:
        await record_exchanges(store, numbers)


def assert_sound(world: World) -> None:
    with world.keys() as keys:
        report = verify_store(world.paths, keys)
    assert report.ok, [check for check in report.checks if not check.ok]


async def test_entries_of_all_nodes_get_an_index_and_a_signed_head(world: World) -> None:
    await record(world, range(150), "gw-1")
    await record(world, range(200, 250), "gw-2")
    assert world.integrate() == 400
    assert world.integrate() == 0
    assert (head(world).size, head(world).origin) == (400, ORIGIN)
    assert world.paths.pinned.read_bytes() == world.paths.checkpoint.read_bytes()
    assert_sound(world)


async def test_nodes_that_run_are_integrated_meanwhile(world: World) -> None:
    async with world.node("gw-1") as one, world.node("gw-2") as two:
        total = 0
        for round_number in range(4):
            numbers = range(round_number * 10, round_number * 10 + 10)
            await asyncio.gather(record_exchanges(one, numbers), record_exchanges(two, range(1000, 1010)))
            total += world.integrate()
        assert total == 160
        assert_sound(world)
    assert_sound(world)


async def test_every_entry_can_be_proved_under_the_head(world: World) -> None:
    await record(world, range(140))
    world.integrate()
    with world.reader() as reader:
        for entry in list(reader.entries())[::37]:
            proof = reader.proof(entry)
            assert verify_proof(proof, entry.row.leaf, read_vkey(world.paths)).index == entry.index


async def test_partial_tiles_do_not_pile_up(world: World) -> None:
    async with world.node() as store:
        integrator = Integrator(SqliteLogStore(world.paths))
        for number in range(6):
            await record_exchanges(store, [number])
            integrator.run_once()
        integrator.stop()
    assert [path.name for path in (world.paths.evidence / "tile").rglob("*.p/*")] == ["12", "12"]


async def test_only_one_process_integrates(world: World) -> None:
    await record(world, range(1))
    first, second = Integrator(SqliteLogStore(world.paths)), Integrator(SqliteLogStore(world.paths))
    assert first.run_once() == 2
    assert (second.run_once(), second.size) == (0, -1)
    await record(world, range(1, 2))
    first.stop()
    assert second.run_once() == 2
    second.stop()


async def test_the_thread_integrates_when_poked_and_once_more_when_stopped(world: World) -> None:
    published = threading.Event()
    integrator = Integrator(SqliteLogStore(world.paths), interval_s=60, on_checkpoint=lambda _: published.set())
    async with world.node() as store:
        await record_exchanges(store, [1])
        integrator.start()
        assert await asyncio.to_thread(published.wait, WAIT_S)
        published.clear()
        await record_exchanges(store, [2])
        integrator.poke()
        assert await asyncio.to_thread(published.wait, WAIT_S)
        await record_exchanges(store, [3])
    await asyncio.to_thread(integrator.stop)
    assert (integrator.fault, head(world).size) == (None, 6)


# ------------------------------------------------------------------------------------------ crashes


class Crash(Exception):  # noqa: N818 - not an error: the power went
    pass


@pytest.mark.parametrize("step", ["append", "write_tiles", "publish", "remove_tiles"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_around_any_step_is_finished_by_the_next_start(
    world: World, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(world, range(10))
    world.integrate()
    await record(world, range(10, 150))
    store = SqliteLogStore(world.paths)
    real = getattr(store, step)

    def crash(*arguments: object) -> None:
        if when == "after":
            real(*arguments)
        raise Crash

    monkeypatch.setattr(store, step, crash)
    integrator = Integrator(store)
    with pytest.raises(Crash):
        integrator.run_once()
    store.close()
    world.integrate()
    assert head(world).size == 300
    assert_sound(world)


async def test_an_error_leaves_the_integrator_able_to_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(world, range(3))
    store = SqliteLogStore(world.paths)
    integrator = Integrator(store)
    with monkeypatch.context() as patch:
        patch.setattr(store, "publish", lambda _: (_ for _ in ()).throw(EvidenceError("disk full")))
        with pytest.raises(EvidenceError, match="disk full"):
            integrator.run_once()
    assert integrator.run_once() == 0
    assert integrator.size == 6
    integrator.stop()
    assert_sound(world)


async def test_lost_tiles_are_made_again(world: World) -> None:
    await record(world, range(300))
    world.integrate()
    for path in [path for path in (world.paths.evidence / "tile").rglob("*") if path.is_file()]:
        path.unlink()
    await record(world, range(300, 301))
    world.integrate()
    assert_sound(world)


async def test_a_lost_checkpoint_is_signed_again(world: World) -> None:
    await record(world, range(3))
    world.integrate()
    before = head(world)
    world.paths.checkpoint.unlink()
    world.integrate()
    assert head(world) == before


# ------------------------------------------------------------------------------------------ refusals


async def refused(world: World, match: str) -> None:
    with pytest.raises(EvidenceError, match=match):
        world.integrate()


async def test_a_rolled_back_log_is_refused(world: World) -> None:
    await record(world, range(5))
    world.integrate()
    world.tamper(
        world.paths.index,
        "DELETE FROM entries WHERE idx >= 4",
        "UPDATE tree SET frontier = zeroblob(8)",
    )
    await refused(world, "rolled back|not those")


async def test_an_older_copy_of_the_index_is_refused(world: World) -> None:
    await record(world, range(5))
    world.integrate()
    older = world.paths.index.read_bytes(), world.paths.checkpoint.read_bytes()
    await record(world, range(5, 9))
    world.integrate()
    world.paths.index.write_bytes(older[0])
    world.paths.checkpoint.write_bytes(older[1])
    await refused(world, "rolled back")


async def test_a_rewritten_entry_is_refused_at_start(world: World) -> None:
    await record(world, range(5))
    world.integrate()
    world.paths.checkpoint.unlink()  # so that the tree is made again from the entries
    world.tamper(world.paths.index, "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE idx = 1) WHERE idx = 2")
    await refused(world, "not those that were integrated")


async def test_a_log_rewritten_with_its_frontier_is_refused_by_the_pin(world: World, tmp_path: Path) -> None:
    await record(world, range(5))
    world.integrate()
    other = make_world(tmp_path / "other")
    await record(other, range(6))
    other.integrate()
    for name in ("evidence.db", "checkpoint"):
        (world.paths.evidence / name).write_bytes((other.paths.evidence / name).read_bytes())
    await refused(world, "rewritten")


async def test_a_missing_pin_is_refused(world: World) -> None:
    await record(world, range(5))
    world.integrate()
    world.paths.pinned.unlink()
    await refused(world, "pinned-checkpoint is missing")


async def test_a_pin_of_another_key_is_refused(world: World, tmp_path: Path) -> None:
    await record(world, range(5))
    world.integrate()
    other = make_world(tmp_path / "other")
    world.paths.pinned.write_bytes(other.paths.pinned.read_bytes())
    await refused(world, "not signed by this log's key")


async def test_another_signing_key_is_refused(world: World, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other")
    world.paths.signing_key.write_bytes(other.paths.signing_key.read_bytes())
    await refused(world, "does not belong")


async def test_a_signing_key_that_others_can_read_is_refused(world: World) -> None:
    world.paths.signing_key.chmod(0o644)
    await refused(world, "chmod 600")


async def test_rows_missing_from_a_journal_stop_the_integration_and_say_so(world: World) -> None:
    await record(world, range(1, 3))
    async with world.node() as store:
        await store.recorder.record(intent(7))
        await store.recorder.record(intent(8))
    world.tamper(world.paths.journal("gw-1"), "DELETE FROM groups WHERE seq = (SELECT max(seq) - 1 FROM groups)")
    await refused(world, "rows were removed")
    integrator = Integrator(SqliteLogStore(world.paths), interval_s=60)
    integrator._round()
    assert "rows were removed" in (integrator.fault or "")
    integrator.stop()
