from pathlib import Path

from lawgate.cli import exits
from tests.unit.cli.commands import Shell


def test_it_says_where_the_key_file_is_and_what_losing_it_means(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("init", "--config", tmp_path / "lawgate.yaml")
    assert done.code == 0
    assert str(tmp_path / "keys" / "kek.json") in done.out
    assert "LOSING THE KEY FILE LOSES THE EVIDENCE" in done.out
    assert "Never in one backup" in done.out
    assert lawgate("check", "--config", tmp_path / "lawgate.yaml").code == 0


def test_it_overwrites_nothing(lawgate: Shell, tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    lawgate("init", "--config", config)
    before = (tmp_path / "keys" / "kek.json").read_bytes()
    done = lawgate("init", "--config", config)
    assert (done.code, done.out) == (exits.CONFIGURATION, "")
    assert "is not overwritten" in done.err
    assert (tmp_path / "keys" / "kek.json").read_bytes() == before


def test_if_missing_is_quiet_when_nothing_is(lawgate: Shell, tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    assert lawgate("init", "--if-missing", "--config", config).out
    done = lawgate("init", "--if-missing", "--config", config)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_store_in_part_is_an_error_of_the_store(lawgate: Shell, tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    lawgate("init", "--config", config)
    (tmp_path / "keys" / "keys.db").unlink()
    done = lawgate("init", "--if-missing", "--config", config)
    assert done.code == exits.STORE
    assert "keys.db" in done.err


def test_a_configuration_with_a_fault_is_told_with_its_place(lawgate: Shell, tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    config.write_text("version: 1\nstore: {}\n", encoding="utf-8")
    done = lawgate("init", "--if-missing", "--config", config)
    assert done.code == exits.CONFIGURATION
    assert "lawgate.yaml:2:8 store: needs the key" in done.err
