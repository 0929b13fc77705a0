"""The processes of a run: started on one core, ended by their ids.

Rule 1: a server of ours says where it listens on its first line; one of others is asked until it accepts.
Rule 2: everything is bounded in time.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench.machine import pinned

ROOT: Final = Path(__file__).resolve().parent.parent.parent
START_S: Final = 20.0
STOP_S: Final = 5.0
POLL_S: Final = 0.01
READY: Final = "listening on http://127.0.0.1:"


class BenchError(Exception):
    """A run cannot go on; the message is the one line to print."""


class Child:
    """One process with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, core: int | None) -> None:
        self.name = name
        self._log = log
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "NO_COLOR": "1"}
        with log.open("wb") as output, pinned(core):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def said_port(self) -> int:
        """The port on its first line."""
        deadline = time.monotonic() + START_S
        while "\n" not in (output := self._output()):
            self._require_running(deadline)
            time.sleep(POLL_S)
        line = output.partition("\n")[0]
        if not line.startswith(READY):
            raise BenchError(f"the {self.name} did not say where it listens: {line}")
        return int(line.removeprefix(READY))

    def wait_accepting(self, port: int) -> None:
        """Return when it accepts connections."""
        deadline = time.monotonic() + START_S
        while True:
            self._require_running(deadline)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(POLL_S)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _require_running(self, deadline: float) -> None:
        if self._process.poll() is not None or time.monotonic() > deadline:
            last = (self._output().strip().splitlines() or ["it said nothing"])[-1]
            raise BenchError(f"the {self.name} did not start: {last}")

    def _output(self) -> str:
        return self._log.read_text("utf-8", "replace")


@contextlib.contextmanager
def python_server(name: str, arguments: Sequence[str], folder: Path, core: int | None) -> Iterator[int]:
    """A server of this checkout, ``python -m ARGUMENTS``; gives its port."""
    child = Child(name, [sys.executable, "-m", *arguments], folder / f"{name.replace(' ', '-')}.log", core)
    try:
        yield child.said_port()
    finally:
        child.stop()


def free_port() -> int:
    """A port that nobody has, for a server that cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
