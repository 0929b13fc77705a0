import re

import pytest

from lawgate.cli import exits
from lawgate.identify.api_key import parse
from tests.unit.cli.commands import Ran, Shell
from tests.unit.operations.world import World

WANTED = ("--principal", "ticket-bot", "--purpose", "answer-customers", "--owner", "Support team")


def create(lawgate: Shell, world: World, *more: str) -> Ran:
    return lawgate("key", "create", "--config", world.config, *WANTED, *more)


def test_only_the_key_goes_to_standard_output(lawgate: Shell, world: World) -> None:
    done = create(lawgate, world)
    assert done.code == 0
    key = parse(done.out.strip())
    assert done.out.count("\n") == 1
    assert key.id in done.err
    assert key.secret not in done.err
    assert "nobody can show it again" in done.err


def test_the_list_shows_state_and_expiry_and_no_secret(lawgate: Shell, world: World) -> None:
    key = parse(create(lawgate, world, "--groups", "support, leads", "--expires", "30 days").out.strip())
    done = lawgate("key", "list", "--config", world.config)
    assert re.search(rf"^{key.id} +live +in 30 d +ticket-bot +answer-customers +Support team ", done.out, re.MULTILINE)
    assert "support, leads" in done.out
    assert key.secret not in done.out


def test_a_revoked_key_stays_in_the_list(lawgate: Shell, world: World) -> None:
    key = parse(create(lawgate, world).out.strip())
    assert "is revoked" in lawgate("key", "revoke", key.id, "--config", world.config).err
    assert "was revoked before" in lawgate("key", "revoke", key.id, "--config", world.config).err
    (row,) = lawgate("key", "list", "--json", "--config", world.config).objects
    assert (row["id"], row["state"]) == (key.id, "revoked")


def test_each_change_is_an_entry(lawgate: Shell, world: World) -> None:
    key = parse(create(lawgate, world).out.strip())
    lawgate("key", "revoke", key.id, "--config", world.config)
    assert [meta["action"] for meta in world.metas("key")] == ["create", "revoke"]
    assert all(entry.index is not None for entry in world.entries("key"))


def test_programs_get_the_key_in_an_object(lawgate: Shell, world: World) -> None:
    found = create(lawgate, world, "--json").object
    assert parse(found["key"]).id == found["id"]
    assert found["expires_at"] - found["created_at"] == pytest.approx(90 * 86_400, abs=2)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--purpose", "answer-custmers"), exits.CONFIGURATION, "did you mean answer-customers?"),
        (("--expires", "9 months"), exits.USAGE, "no fixed length"),
        (("--expires", "5 years"), exits.USAGE, "within two years"),
        (("--expires", "2020-01-01"), exits.USAGE, "must lie ahead"),
        (("--owner", ""), exits.USAGE, "--owner"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    lawgate: Shell, world: World, words: tuple[str, ...], code: int, said: str
) -> None:
    done = create(lawgate, world, *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert lawgate("key", "list", "--json", "--config", world.config).objects == []


def test_a_key_without_an_owner_is_a_usage_error(lawgate: Shell, world: World) -> None:
    done = lawgate("key", "create", "--config", world.config, "--principal", "a", "--purpose", "answer-customers")
    assert done.code == exits.USAGE


def test_revoking_what_never_was(lawgate: Shell, world: World) -> None:
    done = lawgate("key", "revoke", "nope\x1b[31m", "--config", world.config)
    assert done.code == exits.FOUND


def test_without_keys_the_list_says_how_to_make_one(lawgate: Shell, world: World) -> None:
    done = lawgate("key", "list", "--config", world.config)
    assert (done.code, done.out) == (0, "")
    assert "lawgate key create" in done.err
