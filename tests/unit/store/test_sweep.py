from lawgate.store.pool import KeyPool
from lawgate.store.sweep import sweep_unused
from tests.store_world import RETENTION, World, exchange_id, intent


async def test_keys_of_an_earlier_run_live_only_if_something_was_sealed_under_them(world: World) -> None:
    async with world.node(keys_ahead=32) as store:
        await store.recorder.record(intent(1))
        world.integrate()
        await store.recorder.record(intent(2))  # stays in the tail
        await store.recorder.windows(exchange_id(3), RETENTION).journal([("answer", b"x")])
        # A crash: the pool never gets to destroy what nobody took.
        left = [key.id for key in store._pool._keys]
        store._pool._keys.clear()
    with world.keys() as keys, world.reader() as reader:
        assert all(keys.owner_key(key_id) for key_id in left)
        used = {entry.row.owner for entry in reader.entries()}
        assert sweep_unused(keys, reader, "gw-1", "next run") == len(left)
        assert [keys.owner_key(key_id) for key_id in left] == [None] * len(left)
        assert all(keys.owner_key(key_id) for key_id in used)
        series = [frame.opens for row in reader.snapshot().tail for frame in row.group.frames]
        assert all(head is not None and keys.owner_key(head.owner) for head in series)
        assert series
        assert sweep_unused(keys, reader, "gw-1", "next run") == 0


async def test_a_start_sweeps(world: World) -> None:
    with world.keys() as keys:
        minted = keys.mint("gw-1", "crashed run", 5)
        others = keys.mint("gw-2", "its run", 5)
    async with world.node("gw-1") as store:
        assert isinstance(store._pool, KeyPool)
    with world.keys() as keys:
        assert [keys.owner_key(key.id) for key in minted] == [None] * 5
        assert all(keys.owner_key(key.id) for key in others)
