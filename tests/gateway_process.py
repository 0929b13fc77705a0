"""A real ``lawgate serve`` as a process of its own, for tests from outside.

Rule 1: it runs what people run: the command line, a configuration file, a store made by ``lawgate init``.
Rule 2: ports are the system's choice; the process says in its log where it listens.
Rule 3: everything is bounded in time, and the process is ended by its id.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lawgate.operations.initialise import initialise
from lawgate.operations.place import find_place
from lawgate.store.files import StorePaths

START_S: Final = 30.0
STOP_S: Final = 20.0
COMMAND_S: Final = 30.0
POLL_S: Final = 0.02
LAWGATE: Final = (sys.executable, "-m", "lawgate")
SOURCE: Final = Path(__file__).resolve().parent.parent / "src"

PREAMBLE: Final = """\
version: 1
listen: {data: 127.0.0.1:0, control: 127.0.0.1:0}
store: {evidence: evidence, keys: keys}
controller: {name: Northwind Mutual, contact: privacy@northwind.example}
"""
"""The part of a configuration that is the same for most tests."""


class GatewayProcess:
    """A gateway in a folder of its own. The store is made at once; ``start`` may be called again after an end."""

    def __init__(self, folder: Path, yaml_text: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder: Final = folder
        self.config: Final = folder / "lawgate.yaml"
        self.log: Final = folder / "serve.log"
        self._environment = {**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0
        self._said: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(yaml_text)
        initialise(self.config, if_missing=True)

    # ---- life -------------------------------------------------------------------------------

    def start(self, environment: Mapping[str, str] | None = None, program: Sequence[str] = LAWGATE) -> Self:
        """Return when it serves. ``environment`` is for this run only; ``program`` stands for ``lawgate``."""
        assert self._process is None or self._process.poll() is not None, "it runs already"
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*program, "serve", "--config", str(self.config), "--log-format", "json"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self._environment, **(environment or {})},
                start_new_session=True,
            )
        self._said = self.wait_for_log("serving", since=self._read_from, timeout_s=START_S)
        return self

    def stop(self) -> int:
        """Ask it to end, as an init system does; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """``kill -9``."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
            raise AssertionError(f"the gateway did not end within {STOP_S} s:\n{self.stderr[-4000:]}") from None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # ---- configuration ----------------------------------------------------------------------

    def configure(self, yaml_text: str) -> None:
        """Write the configuration file; a running gateway reads it on ``hang_up``."""
        self.config.write_text(yaml_text, encoding="utf-8")

    def hang_up(self) -> None:
        """Send SIGHUP: read the configuration again. See ``reload`` for one that waits."""
        os.kill(self.pid, signal.SIGHUP)

    def reload(self, message: str = "configuration reloaded") -> dict[str, Any]:
        """Send SIGHUP and return the log line that says what became of it."""
        before = self.log.stat().st_size
        self.hang_up()
        return self.wait_for_log(message, since=before)

    # ---- where it is ------------------------------------------------------------------------

    @property
    def data_port(self) -> int:
        return int(str(self._said["data"]).rpartition(":")[2])

    @property
    def control_port(self) -> int:
        return int(str(self._said["control"]).rpartition(":")[2])

    @property
    def data_url(self) -> str:
        return f"{'https' if self._said['tls'] else 'http'}://127.0.0.1:{self.data_port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    @property
    def digest(self) -> str:
        """Of the configuration that it started with."""
        return str(self._said["digest"])

    @property
    def paths(self) -> StorePaths:
        return find_place(self.config).paths

    @property
    def kek_file(self) -> Path:
        return find_place(self.config).kek_file

    # ---- what it says -----------------------------------------------------------------------

    @property
    def stderr(self) -> str:
        """Everything it printed since its first start, standard output included: there should be none."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def log_lines(self, since: int = 0) -> list[dict[str, Any]]:
        """Its log lines from byte ``since`` of the file on; a line that is no JSON is ``{"raw": line}``."""
        if not self.log.exists():
            return []
        whole = self.log.read_bytes()[since:].decode("utf-8", "replace").rpartition("\n")[0]
        return [json.loads(line) if line.startswith("{") else {"raw": line} for line in whole.splitlines() if line]

    def wait_for_log(self, message: str, *, since: int = 0, timeout_s: float = START_S) -> dict[str, Any]:
        """The first log line with this message."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [line for line in self.log_lines(since) if line.get("message") == message]
            return bool(found)

        self.wait_until(look, f"no log line says {message!r}", timeout_s=timeout_s)
        return found[0]

    def wait_until(self, ready: Callable[[], object], otherwise: str, *, timeout_s: float = START_S) -> None:
        """Return when ``ready()``; fails when the process ends or the time does."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            alive = self.running
            if not ready() and (not alive or time.monotonic() > deadline):
                why = "within the time" if alive else "and the gateway has ended"
                raise AssertionError(f"{otherwise} {why}:\n{self.stderr[-4000:]}")
            time.sleep(POLL_S)

    # ---- commands ---------------------------------------------------------------------------

    def lawgate(self, command: str, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run ``lawgate COMMAND --config ... ARGUMENTS``; ``code`` is the exit code to insist on.

        ``command`` may be two words, as ``key create``.
        """
        done = subprocess.run(
            [*LAWGATE, *command.split(), "--config", str(self.config), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
            env=self._environment,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"lawgate {command}: exit code {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def new_key(self, purpose: str, principal: str = "nightly-report", *arguments: str) -> str:
        """An API key, from ``lawgate key create``."""
        named = ("--principal", principal, "--purpose", purpose, "--owner", "team-data")
        return self.lawgate("key create", *named, *arguments).stdout.strip()
