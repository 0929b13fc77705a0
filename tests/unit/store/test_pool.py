import asyncio

import pytest

from lawgate.domain.errors import StoreUnavailableError
from lawgate.store.keys import HeldKey, KeyDatabase
from lawgate.store.pool import BATCH, KeyPool
from tests.store_world import WAIT_S, World


async def taken(pool: KeyPool) -> HeldKey:
    while (key := pool.take()) is None:
        await pool.fill()
    return key


async def taken_by_many(pool: KeyPool, count: int) -> list[HeldKey]:
    return await asyncio.wait_for(asyncio.gather(*[taken(pool) for _ in range(count)]), WAIT_S)


def pool_of(keys: KeyDatabase, batch: int) -> KeyPool:
    return KeyPool(keys, "gw-1", asyncio.get_running_loop(), batch=batch)


@pytest.mark.parametrize("batch", [1, 2, 8, BATCH])
async def test_many_who_wait_for_a_dry_pool_get_different_durable_keys(world: World, batch: int) -> None:
    """A waiter that found the minting done before its keys were in the pool used to spin for ever."""
    with world.keys() as keys:
        pool = pool_of(keys, batch)
        held = await taken_by_many(pool, 200)
        assert len({key.id for key in held}) == len({key.key for key in held}) == 200
        assert all(keys.owner_key(key.id) == key.key for key in held)
        pool.close()


async def test_batches_grow_when_load_outruns_them(world: World) -> None:
    with world.keys() as keys:
        pool = pool_of(keys, 2)
        await taken_by_many(pool, 100)
        assert pool._batch > 2
        pool.close()


async def test_keys_that_nobody_took_are_destroyed_at_the_end(world: World) -> None:
    with world.keys() as keys:
        pool = pool_of(keys, 16)
        held = await taken(pool)
        left = [key.id for key in pool._keys]
        assert left
        pool.close()
        assert [keys.owner_key(key_id) for key_id in left] == [None] * len(left)
        assert keys.owner_key(held.id) == held.key


async def test_a_key_database_that_cannot_be_written_fails_those_who_wait_and_no_one_later(world: World) -> None:
    with world.keys() as keys:
        pool = pool_of(keys, 2)
        keys._db.execute("PRAGMA query_only=ON")
        results = await asyncio.gather(*[taken(pool) for _ in range(5)], return_exceptions=True)
        assert all(isinstance(result, StoreUnavailableError) for result in results)
        keys._db.execute("PRAGMA query_only=OFF")
        assert (await taken(pool)).id > 0
        pool.close()


async def test_buckets_are_opened_once_for_a_day(world: World) -> None:
    with world.keys() as keys:
        pool = pool_of(keys, 2)
        assert pool.buckets(30, 365, 20_000) is None
        opened = await pool.open_buckets(30, 365, 20_000)
        assert pool.buckets(30, 365, 20_000) is opened
        next_day = await pool.open_buckets(30, 365, 20_001)
        assert next_day.content.id != opened.content.id
        assert next_day.evidence == opened.evidence  # monthly from 90 days on
        pool.close()


async def test_a_closed_pool_says_so(world: World) -> None:
    with world.keys() as keys:
        pool = pool_of(keys, 2)
        pool.close()
        with pytest.raises(StoreUnavailableError, match="closed"):
            await pool.open_buckets(1, 1, 1)
