from lawgate.store.schema import EVIDENCE
from lawgate.store.sqlite import open_reader
from lawgate.store.watermarks import START, integrated_seq, read_places, read_places_and_size
from tests.store_world import World, record_exchanges


async def test_before_integration_nothing_was_followed_and_after_it_everything(world: World) -> None:
    async with world.node("gw-1") as store:
        await record_exchanges(store, range(5))
    db = open_reader(world.paths.index, EVIDENCE)
    assert (read_places(db), read_places_and_size(db), integrated_seq(db, "gw-1")) == ({}, ({}, 0), 0)
    world.integrate()
    places, size = read_places_and_size(db)
    assert (size, places["gw-1"].nseq, list(places)) == (10, 10, ["gw-1"])
    assert integrated_seq(db, "gw-1") == places["gw-1"].seq > START.seq
    db.close()
