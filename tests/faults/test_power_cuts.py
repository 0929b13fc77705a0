"""A power cut takes away what was not synced: kills on a disk that loses it (``unsynced.c``).

``kill -9`` alone keeps the page cache, so it cannot show that a sync is missing. That this can is shown by
the same siege against a store with ``synchronous=OFF``: it must fail.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import MOMENT, RECOVERY, Libraries, World, besiege

UNSYNCED = (sys.executable, str(Path(__file__).with_name("serve_unsynced.py")))
CUTS = [
    ["after the intent commit", "after the forward", MOMENT, "after the outcome commit", RECOVERY],
    ["mid-stream, after a release", "while the index is written", "while the index is synced", MOMENT],
    ["inside the intent commit", "inside the outcome commit", RECOVERY, "mid-stream, before a release"],
]


@pytest.mark.parametrize("number", range(len(CUTS)))
def test_nothing_that_was_released_is_lost(
    tmp_path: Path, upstream: FaultUpstream, libraries: Libraries, number: int
) -> None:
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    upstream.seen.clear()
    try:
        assert besiege(world, CUTS[number], random.Random(number), lossy=True) == []
        assert world.ledger.answers, "clients were served"
    finally:
        world.gateway.kill()


def test_without_syncs_the_loss_is_noticed(tmp_path: Path, upstream: FaultUpstream, libraries: Libraries) -> None:
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    upstream.seen.clear()
    world.start(lossy=True, program=UNSYNCED)
    world.load_until_dead(kill_after_s=1.0, name=MOMENT)
    assert world.ledger.answers, "clients were served"
    world.cut_power()
    assert lost(world), "synchronous=OFF was not noticed: the shim drops nothing"


def lost(world: World) -> list[str]:
    """What is missing after the power cut; a gateway that refuses to go on from such a store says so itself."""
    try:
        world.start()
    except AssertionError:
        with world.reading() as evidence:
            return [problem for seen in world.upstream.seen if (problem := evidence.doubt_upstream(seen.exchange))]
    try:
        return world.problems()
    finally:
        world.gateway.kill()


def test_the_shim_itself(tmp_path: Path, libraries: Libraries) -> None:
    """What is synced stays, what is not goes: bytes, names, and bytes of a name that was synced."""
    script = """
import os, sys
root = sys.argv[1]
def write(name, data, *, sync, at=None, flags=os.O_WRONLY | os.O_CREAT):
    fd = os.open(f"{root}/evidence/{name}", flags, 0o600)
    os.write(fd, data) if at is None else os.pwrite(fd, data, at)
    if sync:
        os.fsync(fd)
    os.close(fd)
def names():
    fd = os.open(f"{root}/evidence", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
write("old", b"NEW", sync=False, at=0)
write("partly", b"1", sync=True, at=0)
write("partly", b"2", sync=False, at=1)
write("empty", b"lost", sync=False)
write("kept", b"kept", sync=True)
write("cut", b"short", sync=True, flags=os.O_WRONLY | os.O_TRUNC)
write(".aside", b"renamed", sync=True)
os.rename(f"{root}/evidence/.aside", f"{root}/evidence/target")
names()
write("nameless", b"synced, but its name is not", sync=True)
write(".late", b"too late", sync=True)
os.rename(f"{root}/evidence/.late", f"{root}/evidence/kept")
os.unlink(f"{root}/evidence/old")
os.kill(os.getpid(), 9)
"""
    folder, shadow = tmp_path / "evidence", tmp_path / "shadow"
    for each in (folder, shadow, tmp_path / "keys"):
        each.mkdir()
    for name, data in {"old": b"old", "partly": b"..", "cut": b"long ago", "target": b"before"}.items():
        (folder / name).write_bytes(data)
    environment = {"LD_PRELOAD": str(libraries.unsynced), "LAWGATE_WATCH": str(tmp_path), "LAWGATE_SHADOW": str(shadow)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, timeout=30, check=False)
    names = dict(line.split(" ")[::-1] for line in _names(shadow, folder))
    disk = {name: (shadow / f"i{number}").read_bytes() for name, number in names.items()}
    assert disk == {
        "old": b"old",
        "partly": b"1.",
        "empty": b"",
        "kept": b"kept",
        "cut": b"short",
        "target": b"renamed",
    }


def _names(shadow: Path, folder: Path) -> list[str]:
    for line in (shadow / "dirs").read_text().splitlines():
        number, _, path = line.partition(" ")
        if path == str(folder):
            return (shadow / f"names{number}").read_text().splitlines()
    raise AssertionError(f"{folder} has no names")
