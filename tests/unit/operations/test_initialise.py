import stat
from pathlib import Path

import pytest

from lawgate.config.load import load_config
from lawgate.config.template import template_text
from lawgate.domain.errors import ConfigurationError, EvidenceError
from lawgate.kms.key_file import create_key_file
from lawgate.operations.initialise import initialise
from lawgate.operations.place import find_place


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_makes_a_valid_configuration_a_private_key_and_a_store(tmp_path: Path) -> None:
    config = tmp_path / "new" / "lawgate.yaml"
    made = initialise(config, if_missing=False)
    assert load_config(config, env={}).store.keys == made.place.paths.keys
    assert (made.config_is_new, made.key_file_is_new) == (True, True)
    assert made.origin is not None
    assert stat.S_IMODE(made.place.kek_file.stat().st_mode) == 0o600
    for directory in (made.place.paths.evidence, made.place.paths.keys):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_configuration_that_is_there_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    initialise(config, if_missing=False)
    before = contents(tmp_path)
    with pytest.raises(ConfigurationError, match="exists and is not overwritten"):
        initialise(config, if_missing=False)
    assert contents(tmp_path) == before


def test_if_missing_changes_nothing_the_second_time(tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    initialise(config, if_missing=True)
    before = contents(tmp_path)
    made = initialise(config, if_missing=True)
    assert (made.config_is_new, made.key_file_is_new, made.origin) == (False, False, None)
    assert contents(tmp_path) == before


def test_if_missing_makes_the_store_of_a_configuration_that_stands(tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    config.write_text(template_text().replace("keys: keys ", "keys: elsewhere "), encoding="utf-8")
    made = initialise(config, if_missing=True)
    assert made.origin is not None
    assert (tmp_path / "elsewhere" / "kek.json").is_file()


def test_a_key_file_that_was_provided_is_used(tmp_path: Path) -> None:
    config = tmp_path / "lawgate.yaml"
    config.write_text(template_text(), encoding="utf-8")
    kek = create_key_file(find_place(config).kek_file)
    made = initialise(config, if_missing=True)
    assert made.key_file_is_new is False
    assert kek.kek_id in made.place.kek_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("lost", ["keys/keys.db", "evidence/evidence.db", "keys/kek.json", "keys/log-signing.key"])
def test_a_store_with_a_part_missing_is_never_made_anew(tmp_path: Path, lost: str) -> None:
    config = tmp_path / "lawgate.yaml"
    initialise(config, if_missing=False)
    (tmp_path / lost).unlink()
    before = contents(tmp_path)
    with pytest.raises(EvidenceError, match=r"missing: .*Restore"):
        initialise(config, if_missing=True)
    assert contents(tmp_path) == before


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        initialise(tmp_path / "file" / "lawgate.yaml", if_missing=False)
