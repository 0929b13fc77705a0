from pathlib import Path

from lawgate.cli import exits
from tests.unit.cli.commands import Shell
from tests.unit.operations.world import World


def test_a_fresh_store_is_well_when_the_network_is_left_out(lawgate: Shell, world: World) -> None:
    done = lawgate("doctor", "--offline", "--config", world.config)
    assert done.code == 0
    assert "FAILED" not in done.out
    assert "network" in done.out


def test_what_is_wrong_stands_with_its_mend(lawgate: Shell, world: World) -> None:
    world.place.kek_file.chmod(0o640)
    done = lawgate("doctor", "--offline", "--config", world.config)
    assert done.code == exits.FOUND
    assert any(
        line.startswith("FAILED") and "key file" in line and "chmod 600" in line for line in done.out.splitlines()
    )


def test_an_invalid_configuration_hides_nothing_else(lawgate: Shell, world: World) -> None:
    world.config.write_text(world.config.read_text(encoding="utf-8") + "nonsense: 1\n", encoding="utf-8")
    found = lawgate("doctor", "--json", "--config", world.config)
    health = {finding["name"]: finding["health"] for finding in found.objects}
    assert found.code == exits.FOUND
    assert (health["configuration"], health["key file"], health["store"]) == ("failed", "ok", "ok")
    assert health["network"] == "skipped"


def test_the_network_is_asked_and_found_wanting(lawgate: Shell, world: World) -> None:
    """The template's hosts are examples, which no resolver knows."""
    found = lawgate("doctor", "--json", "--config", world.config)
    health = {finding["name"]: finding["health"] for finding in found.objects}
    assert found.code == exits.FOUND
    assert health["identity provider"] == health["upstream support-llm"] == "failed"
    assert all(finding["mend"] for finding in found.objects if finding["health"] == "warning")


def test_without_a_configuration_there_is_one_failure(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("doctor", "--config", tmp_path / "none.yaml")
    assert done.code == exits.FOUND
    assert "lawgate init" in done.out
