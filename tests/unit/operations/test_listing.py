import pytest

from lawgate.operations.drafts import access_draft
from lawgate.operations.listing import ExchangeRow, Query, list_exchanges, row_view
from lawgate.operations.visit import Visit
from tests.unit.operations.world import NOW, ROOT, World, answered, begun, exchange_id, refused


def listed(world: World, query: Query | None = None) -> list[ExchangeRow]:
    async def look(visit: Visit) -> list[ExchangeRow]:
        return await list_exchanges(visit, ROOT, query or Query())

    return world.visit(look)


@pytest.fixture
def busy(world: World) -> World:
    world.record(answered(1, NOW), refused(2, NOW + 10), begun(3, NOW + 20))
    return world


def numbers(rows: list[ExchangeRow]) -> list[int]:
    known: dict[str, int] = {exchange_id(number): number for number in range(1000)}
    return [known[row.exchange_id] for row in rows]


@pytest.mark.parametrize("indexed", [False, True])
def test_one_row_for_each_exchange_as_it_stands_the_newest_first(busy: World, *, indexed: bool) -> None:
    if indexed:
        busy.integrate()
    under_way, refusal, whole = listed(busy)
    assert (under_way.state, under_way.outcome, under_way.ended) == ("intent_recorded", None, None)
    assert (refusal.state, refusal.outcome, refusal.code) == ("refused", "refused", "purpose_none")
    assert (whole.state, whole.outcome, whole.ts, whole.ended) == ("outcome_recorded", "answered", NOW, NOW + 2)
    assert (whole.purpose, whole.connection, whole.node) == ("answer-customers", "support-llm", "node-1")
    assert numbers([under_way, refusal, whole]) == [3, 2, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(since=NOW + 10), [3, 2]),
        (Query(until=NOW + 10), [1]),
        (Query(since=NOW + 1, until=NOW + 5), [1]),
        (Query(outcome="refused"), [2]),
        (Query(outcome="answered"), [1]),
        (Query(purpose="answer-customers"), [3, 2, 1]),
        (Query(purpose="another"), []),
        (Query(connection="support-llm", limit=2), [3, 2]),
        (Query(principal="https://idp.example|anna"), [3, 2, 1]),
        (Query(principal="https://idp.example|anne"), []),
        (Query(principal="anna"), []),
    ],
)
def test_a_query_finds_its_exchanges(busy: World, query: Query, found: list[int]) -> None:
    assert numbers(listed(busy, query)) == found


def test_an_exchange_that_began_before_the_time_asked_for_is_shown_whole(busy: World) -> None:
    (row,) = listed(busy, Query(since=NOW + 1, until=NOW + 5))
    assert (row.ts, row.outcome) == (NOW, "answered")


def test_the_list_is_an_entry_with_its_query_and_its_size(busy: World) -> None:
    listed(busy, Query(principal="https://idp.example|anna", limit=7))
    (meta,) = busy.metas("access")
    assert meta["action"] == "list"
    assert meta["query"] == {"principal": "https://idp.example|anna", "limit": 7}
    assert meta["rows"] == 3
    (entry,) = busy.entries("access")
    assert b"anna" not in entry.row.leaf


def test_readings_of_an_exchange_are_no_rows(busy: World) -> None:
    async def read(visit: Visit) -> None:
        await visit.record(access_draft(ROOT, "show", NOW + 99, exchange=exchange_id(1), details={}))

    busy.visit(read)
    assert numbers(listed(busy)) == [3, 2, 1]


def test_more_exchanges_than_a_batch(world: World) -> None:
    many = 600
    world.record(*[refused(number, NOW + number) for number in range(many)])
    world.record(answered(many, NOW + many))
    world.integrate()
    world.record(answered(many + 1, NOW + many + 1))
    assert numbers(listed(world)) == list(reversed(range(many + 2)))
    assert numbers(listed(world, Query(limit=3))) == [601, 600, 599]


def test_a_row_for_programs_has_every_field(busy: World) -> None:
    view = row_view(listed(busy)[1])
    assert view["exchange_id"] == exchange_id(2)
    assert set(view) >= {"exchange_id", "state", "outcome", "ts", "purpose", "connection", "code"}
