"""``lawgate serve`` as a process: its lines, its signals, its codes."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lawgate.cli import exits
from tests.unit.operations.world import World

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 30.0


class Served:
    """A gateway process and the log lines that it has written."""

    def __init__(self, world: World, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lawgate", "serve", "--config", str(world.config), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.read: list[str] = []
        self._reader = threading.Thread(target=self._follow)
        self._reader.start()

    def _follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)

    def line(self, message: str) -> dict[str, Any]:
        """The next line with this message."""
        while True:
            text = self._lines.get(timeout=WAIT_S)
            self.read.append(text)
            found: dict[str, Any] = json.loads(text)
            if found["message"] == message:
                return found

    def ended(self) -> tuple[int, str]:
        """Exit code and standard output."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        out = "" if self.process.stdout.closed else self.process.stdout.read()
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        self.process.stdout.close()
        self.process.stderr.close()
        while not self._lines.empty():
            self.read.append(self._lines.get())
        return code, out


@pytest.fixture
def serving(world: World) -> Iterator[Served]:
    listen_anywhere(world)
    served = Served(world)
    yield served
    served.process.kill()
    served.ended()


def listen_anywhere(world: World) -> None:
    text = world.config.read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0")
    world.config.write_text(text, encoding="utf-8")


def asked(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=WAIT_S) as answer:
        body: bytes = answer.read()
    return body.decode()


def test_it_serves_reloads_and_stops_and_prints_nothing_but_lines(serving: Served, world: World) -> None:
    started = serving.line("serving")
    assert (started["level"], started["node"]) == ("info", "node-1")
    assert asked(started["control"], "/livez") == "ok\n"
    assert json.loads(asked(started["control"], "/readyz"))["ready"] is True
    assert "lawgate_exchanges" in asked(started["control"], "/metrics")

    world.config.write_text(
        world.config.read_text(encoding="utf-8").replace("title: Draft", "title: Write"), encoding="utf-8"
    )
    serving.process.send_signal(signal.SIGHUP)
    assert serving.line("configuration reloaded")["digest"] != started["digest"]

    world.config.write_text("version: 1\n", encoding="utf-8")
    serving.process.send_signal(signal.SIGHUP)
    kept = serving.line("configuration not reloaded; the old one stays")
    assert kept["level"] == "error"

    serving.process.send_signal(signal.SIGTERM)
    serving.line("stopped")
    assert serving.ended() == (0, "")
    assert all(json.loads(line)["logger"] for line in serving.read)


def test_commands_work_beside_a_running_gateway(serving: Served, world: World) -> None:
    started = serving.line("serving")
    done = subprocess.run(
        [sys.executable, "-m", "lawgate", "records", "list", "--config", str(world.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert (done.returncode, done.stderr) == (0, "No exchange fits.\n")
    assert json.loads(asked(started["control"], "/readyz"))["ready"] is True
    serving.process.send_signal(signal.SIGINT)
    assert serving.ended()[0] == 0
    kinds = {entry.row.kind: entry.node for entry in world.entries()}
    assert kinds == {"config": "node-1", "access": "lawgate-cli"}
    assert all(entry.index is not None for entry in world.entries()), "both are in the tree"


def failing(world: World) -> tuple[int, str]:
    served = Served(world)
    code, out = served.ended()
    assert out == ""
    said = "".join(served.read)
    assert "Traceback" not in said
    assert said.startswith("lawgate: ")
    return code, said


def test_a_port_that_is_taken_has_its_code(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for key in ("8443", "9443"):
            text = world.config.read_text(encoding="utf-8")
            listen_anywhere(world)
            changed = text.replace(f"127.0.0.1:{key}", f"127.0.0.1:{port}")
            world.config.write_text(
                changed.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0"),
                encoding="utf-8",
            )
            code, said = failing(world)
            assert code == exits.LISTEN
            assert f"cannot listen on 127.0.0.1:{port}" in said
            world.config.write_text(text, encoding="utf-8")


def test_a_configuration_that_is_not_valid_has_its_code(world: World) -> None:
    world.config.write_text("version: 1\nnonsense: 2\n", encoding="utf-8")
    code, said = failing(world)
    assert code == exits.CONFIGURATION
    assert "nonsense" in said


def test_a_store_that_is_not_there_has_its_code(world: World) -> None:
    world.place.paths.key_database.unlink()
    listen_anywhere(world)
    code, said = failing(world)
    assert code == exits.STORE
    assert "keys.db is missing" in said
