import pytest

from lawgate.identify.api_key import parse, verify
from lawgate.operations.api_keys import EXPIRES_S_MAX, CreatedKey, NewKey, create_key, key_state, list_keys, revoke_key
from lawgate.operations.errors import KeyRequestError, NotFoundError
from lawgate.operations.visit import Visit
from tests.unit.operations.world import NOW, ROOT, World

DAY_S = 86_400
WANTED = NewKey("ticket-bot", "answer-customers", "Anna Kowalska", ("support",), NOW, NOW + 90 * DAY_S)


def created(world: World, wanted: NewKey = WANTED) -> CreatedKey:
    async def work(visit: Visit) -> CreatedKey:
        return await create_key(visit, ROOT, wanted)

    return world.visit(work)


def revoked(world: World, key_id: str, at: int = NOW + 5) -> bool:
    async def work(visit: Visit) -> bool:
        return await revoke_key(visit, ROOT, key_id, at)

    return world.visit(work)


def test_a_key_speaks_for_its_principal_and_its_purpose_alone(world: World) -> None:
    made = created(world)
    (row,) = list_keys(world.place)
    principal = verify(row, parse(made.text), NOW + 1)
    assert (principal.subject, principal.purpose, principal.groups) == ("ticket-bot", "answer-customers", ("support",))


def test_the_secret_is_nowhere_on_disk_nor_in_a_repr(world: World) -> None:
    made = created(world)
    secret = parse(made.text).secret
    assert secret not in repr(made)
    for path in world.config.parent.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_making_and_revoking_are_entries(world: World) -> None:
    key_id = created(world).row.id
    assert revoked(world, key_id) is True
    made, ended = world.metas("key")
    assert (made["action"], made["key"], made["owner"]) == ("create", key_id, "Anna Kowalska")
    assert (ended["action"], ended["key"]) == ("revoke", key_id)
    assert {entry.node for entry in world.entries("key")} == {"lawgate-cli"}
    assert all(b"ticket-bot" not in entry.row.leaf for entry in world.entries("key"))


def test_a_key_is_revoked_once(world: World) -> None:
    key_id = created(world).row.id
    assert [revoked(world, key_id, NOW + 5), revoked(world, key_id, NOW + 6)] == [True, False]
    (row,) = list_keys(world.place)
    assert row.revoked_at == NOW + 5
    assert len(world.entries("key")) == 2


def test_a_key_that_never_was_is_said(world: World) -> None:
    with pytest.raises(NotFoundError, match="'nope'"):
        revoked(world, "nope")
    assert world.entries("key") == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (NewKey("", "p", "o", (), NOW, NOW + 1), "--principal"),
        (NewKey("a", "p", " ", (), NOW, NOW + 1), "--owner"),
        (NewKey("a", "p", "o", ("x\n",), NOW, NOW + 1), "--groups"),
        (NewKey("a" * 201, "p", "o", (), NOW, NOW + 1), "--principal"),
        (NewKey("a", "p", "o", (), NOW, NOW), "--expires must lie ahead"),
        (NewKey("a", "p", "o", (), NOW, NOW + EXPIRES_S_MAX + 1), "--expires must be within two years"),
    ],
)
def test_a_key_without_owner_or_end_is_refused_and_leaves_nothing(world: World, wanted: NewKey, said: str) -> None:
    with pytest.raises(KeyRequestError, match=said):
        created(world, wanted)
    assert (list_keys(world.place), world.entries("key")) == ([], [])


def test_a_store_that_never_had_a_key_has_none(world: World) -> None:
    assert list_keys(world.place) == []


def test_states(world: World) -> None:
    row = created(world).row
    assert key_state(row, NOW) == "live"
    assert key_state(row, NOW + 90 * DAY_S) == "expired"
    revoked(world, row.id)
    assert key_state(list_keys(world.place)[0], NOW) == "revoked"
