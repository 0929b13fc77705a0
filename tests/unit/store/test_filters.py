import pytest

from lawgate.ports import EntryDraft
from lawgate.store.filters import EntryFilter
from tests.store_world import NOW, World, exchange_id, intent, outcome

FILTERS = [
    EntryFilter(),
    EntryFilter(exchange=exchange_id(2)),
    EntryFilter(kind="outcome"),
    EntryFilter(since=NOW + 1),
    EntryFilter(until=NOW + 1),
    EntryFilter(since=NOW, until=NOW + 3, kind="intent"),
    EntryFilter(principal="https://idp.example|alice"),
    EntryFilter(principal="https://idp.example|mallory"),
    EntryFilter(connection="gpt", purpose="support"),
    EntryFilter(purpose="other"),
    EntryFilter(outcome="complete"),
    EntryFilter(exchange="' OR 1=1 --"),
]
EXPECTED = [8, 2, 4, 7, 1, 3, 8, 0, 8, 0, 4, 0]


@pytest.fixture
async def filled(world: World) -> World:
    async with world.node() as store:
        for number in range(4):
            recorded = await store.recorder.record(intent(number, NOW + number))
            draft: EntryDraft = outcome(number, recorded, ts=NOW + 10)
            await store.recorder.record(draft)
    return world


@pytest.mark.parametrize(("which", "count"), list(zip(FILTERS, EXPECTED, strict=True)))
async def test_a_filter_finds_the_same_before_and_after_indexing(filled: World, which: EntryFilter, count: int) -> None:
    with filled.reader() as reader:
        before = [entry.row.id for entry in reader.entries(which, newest_first=False)]
    filled.integrate()
    with filled.reader() as reader:
        after = [entry.row.id for entry in reader.entries(which, newest_first=False)]
    assert sorted(before) == sorted(after)
    assert len(after) == count
