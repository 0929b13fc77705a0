"""A disk that is full, read-only or broken, and a store that lacks a piece, against the real gateway.

Rule 1: while nothing can be recorded nothing passes: no forward, no release, no completion.
Rule 2: the gateway recovers by itself, and the log says how long it was down and what it refused.
Rule 3: a start with an incomplete store ends with one sentence that names the file and the mend.
"""

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from lawgate.kms.key_file import create_key_file
from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import Libraries, World, compiled
from tests.faults.raw_client import Received, ask, chat, post
from tests.faults.records import entries
from tests.gateway_process import GatewayProcess

RECOVER_S: Final = 10.0


@dataclass
class Disk:
    """A gateway on a disk that fails on demand."""

    world: World
    control: Path

    def fail(self, how: str) -> None:
        self.control.write_text(how)

    def mend(self) -> None:
        self.control.unlink()

    def ready(self) -> tuple[int, str | None]:
        try:
            with urlopen(f"{self.world.gateway.control_url}/readyz", timeout=5) as answer:
                return answer.status, json.load(answer)["missing"]
        except HTTPError as error:
            return error.code, json.load(error)["missing"]


@pytest.fixture
def disk(
    tmp_path: Path, upstream: FaultUpstream, libraries: Libraries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Disk]:
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    upstream.seen.clear()
    library = compiled("failing_disk.c", tmp_path_factory.mktemp("disk"))
    control = tmp_path / "how"
    world.gateway.start({"LD_PRELOAD": str(library), "LAWGATE_DISK": str(control)})
    yield Disk(world, control)
    world.gateway.kill()
    assert "Traceback" not in world.gateway.stderr
    assert "failed inside" not in world.gateway.stderr


@pytest.mark.parametrize("how", ["full", "readonly", "io"])
def test_an_outage(disk: Disk, how: str) -> None:
    world, upstream = disk.world, disk.world.upstream
    assert world.request("answer").status == 200
    stream = Streaming(world)
    upstream_saw = len(upstream.seen)
    disk.fail(how)
    stream.join(20)
    assert not stream.received.complete, "a stream whose windows cannot be recorded is not completed"

    refused = [world.request("answer") for _ in range(5)]
    for received in refused:
        assert (received.status, received.code, received.complete) == (503, "evidence_unavailable", True)
        assert int(received.headers["retry-after"]) > 0
    assert len(upstream.seen) == upstream_saw, "nothing was forwarded"
    world.gateway.wait_until(lambda: disk.ready() == (503, "evidence"), "it calls itself ready", timeout_s=RECOVER_S)
    with urlopen(f"{world.gateway.control_url}/livez", timeout=5) as answer:
        assert answer.status == 200, "a restart would not help"

    disk.mend()
    world.gateway.wait_until(lambda: disk.ready() == (200, None), "it did not recover", timeout_s=RECOVER_S)
    assert world.request("answer").status == 200
    world.gateway.wait_until(lambda: entries(world.gateway, kind="gap"), "no gap is recorded", timeout_s=RECOVER_S)
    (gap,) = entries(world.gateway, kind="gap")
    assert gap.public["n"] >= len(refused)
    assert gap.public["since"] <= gap.public["until"]
    time.sleep(1.5)
    assert len(entries(world.gateway, kind="gap")) == 1, "an outage is one entry"

    world.gateway.kill()
    world.start()
    assert world.problems() == []


class Streaming(threading.Thread):
    """A slow stream, begun: its first window is released when the constructor returns."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.received = Received()
        self._world = world
        before = len(world.upstream.seen)
        self.start()
        world.gateway.wait_until(lambda: len(world.upstream.seen) > before, "the stream did not begin")
        time.sleep(0.3)

    def run(self) -> None:
        self.received = self._world.request("stream_slowly", stream=True)


def test_keys_that_cannot_be_minted_refuse(disk: Disk) -> None:
    """Each exchange takes a key that was made durable ahead; a long outage must not hand out others."""
    disk.fail("full")
    before = len(disk.world.upstream.seen)
    refused = [disk.world.request("answer") for _ in range(600)]
    assert {(received.status, received.code) for received in refused} == {(503, "evidence_unavailable")}
    assert len(disk.world.upstream.seen) == before
    disk.mend()
    disk.world.gateway.wait_until(lambda: disk.ready() == (200, None), "it did not recover", timeout_s=RECOVER_S)
    assert [disk.world.request("answer").status for _ in range(20)] == [200] * 20
    assert disk.world.problems() == []


# ---- incomplete stores ----------------------------------------------------------------------


def _another_kek(gateway: GatewayProcess) -> None:
    gateway.kek_file.unlink()
    create_key_file(gateway.kek_file)


def _newer_format(gateway: GatewayProcess) -> None:
    connection = sqlite3.connect(gateway.paths.index)
    connection.execute("PRAGMA user_version=999")
    connection.close()


def _rolled_back(gateway: GatewayProcess) -> None:
    for name in ("evidence.db", "evidence.db-wal", "journal"):
        path = gateway.paths.evidence / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copytree(gateway.folder / "old", gateway.paths.evidence, dirs_exist_ok=True)


DAMAGE: Final[dict[str, tuple[Callable[[GatewayProcess], object], str]]] = {
    "no keys": (lambda it: shutil.rmtree(it.paths.keys), "keys"),
    "no key database": (lambda it: it.paths.key_database.unlink(), "keys.db"),
    "no key file": (lambda it: it.kek_file.unlink(), "key"),
    "another key file": (_another_kek, "key-encryption key"),
    "an open key file": (lambda it: it.kek_file.chmod(0o644), "chmod 600"),
    "no evidence": (lambda it: shutil.rmtree(it.paths.evidence), "evidence"),
    "no index": (lambda it: it.paths.index.unlink(), "evidence.db"),
    "an index that is no database": (lambda it: it.paths.index.write_bytes(b"x" * 8192), "evidence.db"),
    "a newer format": (_newer_format, "newer"),
    "no signing key": (lambda it: it.paths.signing_key.unlink(), "log-signing.key"),
    "no public key": (lambda it: it.paths.vkey.unlink(), "log.vkey"),
    "no pinned checkpoint": (lambda it: it.paths.pinned.unlink(), "pinned-checkpoint"),
    "an old copy of the evidence": (_rolled_back, "rolled back"),
}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, upstream: FaultUpstream, libraries: Libraries) -> World:
    """A store with entries; ``old`` is a copy of its evidence from before them."""
    world = World(tmp_path_factory.mktemp("used"), upstream, libraries)
    world.prepare()
    shutil.copytree(world.gateway.paths.evidence, world.folder / "old")
    with world.gateway:
        assert world.request("answer").status == 200
    return world


@pytest.mark.parametrize("name", DAMAGE)
def test_a_store_that_lacks_something_is_not_served(used: World, tmp_path: Path, name: str) -> None:
    damage, named = DAMAGE[name]
    folder = tmp_path / "copy"
    shutil.copytree(used.folder, folder)
    gateway = Copy(folder)
    damage(gateway)
    done = gateway.lawgate("serve", code=None)
    assert done.returncode in {3, 4}, done.stderr
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(complaints) == 1, done.stderr
    assert named in complaints[0]
    assert ";" in complaints[0], "it names the mend"
    assert "Traceback" not in done.stderr


class Copy(GatewayProcess):
    """A store that is there already; nothing is made."""

    def __init__(self, folder: Path) -> None:
        text = (folder / "lawgate.yaml").read_text(encoding="utf-8")
        super().__init__(folder, text)


def test_the_copy_itself_is_whole(used: World, tmp_path: Path) -> None:
    """Without damage it starts, so it is the damage that the test above sees."""
    shutil.copytree(used.folder, tmp_path / "copy")
    with Copy(tmp_path / "copy") as gateway:
        assert ask(gateway.data_port, post("/m/v1/chat/completions", chat("answer"), used.key)).status == 200
