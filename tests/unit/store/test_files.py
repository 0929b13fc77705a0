from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.store.files import (
    FileLock,
    StorePaths,
    create_private,
    make_private_directory,
    read_if_there,
    read_private,
    read_vkey,
    replace_file,
    require_node_name,
)


@pytest.mark.parametrize("node", ["gw-1", "a", "0", "gw.eu-1_a", "x" * 63])
def test_node_names_that_serve_as_file_names(node: str) -> None:
    assert require_node_name(node) == node


@pytest.mark.parametrize("node", ["", "GW", "../x", "a/b", ".hidden", "-x", "x" * 64, "a b", "a\n", "ä"])
def test_node_names_that_do_not(node: str) -> None:
    with pytest.raises(EvidenceError, match="cannot be used"):
        require_node_name(node)


def test_private_files_are_made_private_and_refused_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_private(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private(path) == b"secret"
    with pytest.raises(FileExistsError):
        create_private(path, b"other")
    path.chmod(0o640)
    with pytest.raises(EvidenceError, match="chmod 600"):
        read_private(path)
    with pytest.raises(EvidenceError, match="cannot read it"):
        read_private(tmp_path / "nothing")


def test_a_file_is_replaced_whole_in_directories_made_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "tile" / "0" / "000"
    replace_file(path, b"old")
    replace_file(path, b"new", durable=False)
    assert path.read_bytes() == b"new"
    assert [found.name for found in path.parent.iterdir()] == ["000"]


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_if_there(tmp_path / "nothing") is None
    with pytest.raises(EvidenceError, match=r"log\.vkey is missing"):
        read_vkey(StorePaths(tmp_path, tmp_path))


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    with FileLock.acquire(tmp_path / "lock") or pytest.fail("free") as first:
        assert FileLock.acquire(tmp_path / "lock") is None
        first.release()
        first.release()
        second = FileLock.acquire(tmp_path / "lock")
        assert second is not None
    assert FileLock.acquire(tmp_path / "lock") is None
    second.release()


def test_a_lock_that_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="the user that owns the store"):
        FileLock.acquire(tmp_path / "nothing" / "lock")


def test_a_directory_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot create the directory"):
        make_private_directory(tmp_path / "file" / "evidence")
