import asyncio
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import open_checkpoint
from lawgate.kms.key_file import KeyFile
from lawgate.store.files import StorePaths, read_vkey
from lawgate.store.opening import init_store, open_store
from tests.store_world import ORIGIN, World, intent


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_made_store_has_private_keys_and_a_signed_empty_head(world: World) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in world.paths.keys.iterdir()}
    assert set(modes.values()) == {0o600}
    assert world.paths.keys.stat().st_mode & 0o777 == 0o700
    head, _ = open_checkpoint(world.paths.checkpoint.read_bytes(), read_vkey(world.paths))
    assert (head.size, head.origin) == (0, ORIGIN)


def test_a_store_is_made_once(world: World, tmp_path: Path) -> None:
    before = everything(tmp_path)
    with pytest.raises(EvidenceError, match="made already"):
        init_store(world.paths, world.kek, ORIGIN)
    world.paths.index.unlink()
    with pytest.raises(EvidenceError, match="never overwritten"):
        init_store(world.paths, world.kek, ORIGIN)
    assert everything(tmp_path).items() <= before.items()


def test_without_an_origin_a_random_one_is_made(tmp_path: Path) -> None:
    kek = KeyFile("kek", bytes(32))
    one = init_store(StorePaths(tmp_path / "a", tmp_path / "b"), kek)
    two = init_store(StorePaths(tmp_path / "c", tmp_path / "d"), kek)
    assert one != two
    assert one.startswith("lawgate.local/")


@pytest.mark.parametrize(("evidence", "keys"), [("a", "a"), ("a", "a/keys"), ("a/evidence", "a")])
def test_keys_inside_the_evidence_are_refused(tmp_path: Path, evidence: str, keys: str) -> None:
    with pytest.raises(EvidenceError, match="must be apart"):
        init_store(StorePaths(tmp_path / evidence, tmp_path / keys), KeyFile("kek", bytes(32)), ORIGIN)
    assert list(tmp_path.iterdir()) == []


async def test_two_processes_are_never_one_node(world: World) -> None:
    async with world.node("gw-1"):
        with pytest.raises(EvidenceError, match="running already"):
            async with world.node("gw-1"):
                pass
        async with world.node("gw-2") as other:
            await other.recorder.record(intent(1))
    async with world.node("gw-1") as again:
        await again.recorder.record(intent(2))


async def test_what_could_not_be_opened_leaves_nothing_locked(world: World) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(2):
        with pytest.raises(EvidenceError, match="put the right one back"):
            open_store(world.paths, wrapper=KeyFile("kek-other", bytes(32)), node="gw-1", loop=loop)
    async with world.node("gw-1") as store:
        await store.recorder.record(intent(1))


async def test_a_store_that_was_never_made_is_not_made_by_opening(tmp_path: Path) -> None:
    paths = StorePaths(tmp_path / "evidence", tmp_path / "keys")
    with pytest.raises(EvidenceError, match="run 'lawgate init'"):
        open_store(paths, wrapper=KeyFile("kek", bytes(32)), node="gw-1", loop=asyncio.get_running_loop())
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", ["index", "key_database", "access", "journal"])
async def test_any_database_of_a_newer_format_is_refused(world: World, name: str) -> None:
    async with world.node():
        pass
    path = world.paths.journal("gw-1") if name == "journal" else getattr(world.paths, name)
    world.tamper(path, "PRAGMA user_version=99")
    with pytest.raises(EvidenceError, match="format 99, newer"):
        async with world.node():
            pass


async def test_a_node_name_that_is_a_path_is_refused(world: World) -> None:
    with pytest.raises(EvidenceError, match="cannot be used"):
        async with world.node("../keys/x"):
            pass
