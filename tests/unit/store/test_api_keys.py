from collections.abc import Iterator
from dataclasses import replace

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.ports import ApiKeyRow
from lawgate.store.api_keys import ApiKeyTable
from tests.store_world import NOW, World

ROW = ApiKeyRow("k1", bytes(32), "reporting-batch", "dpo@northwind.example", "reporting", ("batch",), NOW, NOW + 100)


@pytest.fixture
def table(world: World) -> Iterator[ApiKeyTable]:
    table = ApiKeyTable(world.paths)
    yield table
    table.close()


def test_a_key_is_found_as_it_was_stored(table: ApiKeyTable) -> None:
    table.create(ROW)
    assert table.lookup("k1") == ROW
    assert table.lookup("k2") is None


def test_a_revocation_by_another_process_counts_at_once(world: World, table: ApiKeyTable) -> None:
    table.create(ROW)
    assert table.lookup("k1") == ROW
    other = ApiKeyTable(world.paths)
    assert other.revoke("k1", NOW + 5)
    other.close()
    assert table.lookup("k1") == replace(ROW, revoked_at=NOW + 5)


def test_a_key_is_revoked_once(table: ApiKeyTable) -> None:
    table.create(ROW)
    assert [table.revoke("k1", NOW + 5), table.revoke("k1", NOW + 9), table.revoke("nothing", NOW)] == [
        True,
        False,
        False,
    ]
    found = table.lookup("k1")
    assert found is not None
    assert found.revoked_at == NOW + 5


def test_all_keys_are_listed_the_revoked_ones_too(table: ApiKeyTable) -> None:
    table.create(replace(ROW, id="younger", created_at=NOW + 1))
    table.create(ROW)
    table.revoke("k1", NOW)
    assert [row.id for row in table.rows()] == ["k1", "younger"]


def test_an_id_is_not_given_twice(table: ApiKeyTable) -> None:
    table.create(ROW)
    with pytest.raises(EvidenceError, match="exists"):
        table.create(replace(ROW, principal="other"))
    assert table.lookup("k1") == ROW


@pytest.mark.parametrize("bad", [replace(ROW, secret_hash=b"plain secret"), replace(ROW, expires_at=NOW)])
def test_a_key_without_hash_or_expiry_is_refused(table: ApiKeyTable, bad: ApiKeyRow) -> None:
    with pytest.raises(EvidenceError):
        table.create(bad)
    assert table.rows() == []


def test_a_table_that_cannot_be_used_says_so(table: ApiKeyTable) -> None:
    table._db.execute("DROP TABLE api_keys")
    for attempt in (
        lambda: table.lookup("k1"),
        table.rows,
        lambda: table.create(ROW),
        lambda: table.revoke("k1", 1),
    ):
        with pytest.raises(EvidenceError, match=r"access\.db"):
            attempt()


def test_a_closed_table_says_so(world: World) -> None:
    table = ApiKeyTable(world.paths)
    table.close()
    with pytest.raises(EvidenceError):
        table.lookup("k1")
