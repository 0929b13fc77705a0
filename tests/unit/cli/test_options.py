from pathlib import Path

import click
import pytest

from lawgate.cli.options import exchange_id
from tests.unit.cli.commands import Shell
from tests.unit.operations.world import World, refused


def test_an_exchange_id_is_taken_in_any_case() -> None:
    assert exchange_id(" ABCDEF" + "0" * 26) == "abcdef" + "0" * 26


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "g" * 32, "../../../../../../../../etc/pass"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="32 hexadecimal digits"):
        exchange_id(text)


def test_the_configuration_may_come_from_the_environment(
    lawgate: Shell, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAWGATE_CONFIG", str(world.config))
    assert lawgate("records", "list").code == 0


def test_what_could_not_be_signed_is_told_beside_the_result(lawgate: Shell, world: World, tmp_path: Path) -> None:
    old = world.copied(tmp_path / "old")
    world.record(refused(1))
    world.integrate()
    old.place.paths.pinned.write_bytes(world.place.paths.pinned.read_bytes())
    done = lawgate("records", "list", "--config", old.config)
    assert done.code == 0
    assert "is recorded, but it could not be signed" in done.err
