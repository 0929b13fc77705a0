from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.store.log_store import SqliteLogStore
from tests.store_world import ORIGIN, World, exchange_id, intent, outcome, record_exchanges


def opened(world: World) -> SqliteLogStore:
    store = SqliteLogStore(world.paths)
    assert store.try_lock()
    return store


def test_without_the_lock_nothing_can_be_asked(world: World) -> None:
    store = SqliteLogStore(world.paths)
    for attempt in (lambda: store.origin, store.frontier, store.pending, lambda: store.leaves(0, 1)):
        with pytest.raises(EvidenceError, match=r"integrator\.lock"):
            attempt()


def test_the_lock_has_one_holder_and_taking_it_twice_is_harmless(world: World) -> None:
    first, second = opened(world), SqliteLogStore(world.paths)
    assert (first.try_lock(), second.try_lock(), first.origin) == (True, False, ORIGIN)
    first.close()
    assert second.try_lock()
    second.close()


async def test_entries_are_integrated_once_and_in_their_node_s_order(world: World) -> None:
    async with world.node() as node:
        await record_exchanges(node, range(4))
    store = opened(world)
    pending = store.pending()
    store.append(pending, b"frontier")
    assert store.leaves(0, 100) == list(pending.leaves)
    assert (len(pending.leaves), store.frontier()) == (8, b"frontier")
    assert not store.pending().token
    store.close()
    again = opened(world)
    assert not again.pending().token
    again.close()


async def test_a_failed_append_leaves_nothing_behind(world: World) -> None:
    async with world.node() as node:
        await record_exchanges(node, range(4))
    store = opened(world)
    pending = store.pending()
    store._database().execute("DROP TABLE open_exchanges")
    with pytest.raises(EvidenceError, match=r"evidence\.db"):
        store.append(pending, b"frontier")
    assert store.leaves(0, 100) == []
    assert store.frontier() == b""
    assert len(store.pending().leaves) == 8
    store.close()


async def test_open_exchanges_are_those_with_a_state_and_no_outcome(world: World) -> None:
    def open_ones() -> list[str]:
        store = opened(world)
        store.append(store.pending(), b"")
        found = [row[0] for row in store._database().execute("SELECT exchange FROM open_exchanges ORDER BY 1")]
        store.close()
        return found

    async with world.node() as node:
        first, second = await node.recorder.record(intent(1)), await node.recorder.record(intent(2))
        await node.recorder.record(outcome(1, first))
        assert open_ones() == [exchange_id(2)]
        third = await node.recorder.record(intent(3))
        assert open_ones() == [exchange_id(2), exchange_id(3)]
        await node.recorder.record(outcome(2, second))
        await node.recorder.record(outcome(3, third))
        assert open_ones() == []


def test_tiles_and_notes_are_files(world: World) -> None:
    store = opened(world)
    store.write_tiles([("tile/0/000.p/1", b"partial"), ("tile/0/x001/000", b"full")])
    assert [store.fetch(path) for path in ("tile/0/000.p/1", "tile/0/x001/000", "tile/0/001")] == [
        b"partial",
        b"full",
        None,
    ]
    store.remove_tiles(["tile/0/000.p/1", "tile/0/nothing"])
    assert store.fetch("tile/0/000.p/1") is None
    store.publish(b"note")
    assert (store.checkpoint(), store.pinned()) == (b"note", b"note")
    store.close()


def test_a_volume_that_cannot_be_written_says_so(world: World) -> None:
    store = opened(world)
    (world.paths.evidence / "tile").write_text("in the way")
    with pytest.raises(EvidenceError, match="tiles cannot be written"):
        store.write_tiles([("tile/0/000", b"")])
    world.paths.checkpoint.unlink()
    world.paths.checkpoint.mkdir()
    (world.paths.checkpoint / "in the way").write_text("")
    with pytest.raises(EvidenceError, match="cannot be written"):
        store.publish(b"note")
    store.close()


def test_an_index_of_a_newer_format_is_refused_and_the_lock_given_back(world: World) -> None:
    world.tamper(world.paths.index, "PRAGMA user_version=99")
    for _ in range(2):
        with pytest.raises(EvidenceError, match="newer"):
            SqliteLogStore(world.paths).try_lock()


def test_the_signing_seed_is_read_from_a_private_file(world: World) -> None:
    store = opened(world)
    assert len(store.signing_seed()) == 32
    assert store.vkey().startswith(ORIGIN)
    Path(world.paths.signing_key).chmod(0o644)
    with pytest.raises(EvidenceError, match="chmod 600"):
        store.signing_seed()
    store.close()
