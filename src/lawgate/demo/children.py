"""The processes that the demo starts, and the commands that it runs.

Rule 1: a child is this very program again (``python -m lawgate ...``), so that what the story shows is
        what production runs.
Rule 2: each has a session of its own: Ctrl-C in the terminal reaches the story alone, which then stops
        its children in order, by their ids.
Rule 3: what a child prints goes into a file in the demo's folder and is quoted only when it fails.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from lawgate.domain.errors import LawgateError

START_S: Final = 30
STOP_S: Final = 5
COMMAND_S: Final = 30
POLL_S: Final = 0.02

LAWGATE: Final = (sys.executable, "-m", "lawgate")


class ChildError(LawgateError):
    """A process of the demo did not start, or ended by itself."""


class Child:
    """A process of ours that serves until it is stopped."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  (this program, with arguments of our own)
                [*LAWGATE, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        """What it printed so far."""
        return self.log.read_text("utf-8", "replace")

    def require_running(self) -> None:
        """Raise ``ChildError`` if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise ChildError(f"the {self.name} ended with exit code {code}: {_last_line(self.output())}")

    def wait_until(self, ready: Callable[[], bool], interrupted: Callable[[], None]) -> None:
        """Return when ``ready()``; raises ``ChildError`` if it ends first or takes too long."""
        deadline = time.monotonic() + START_S
        while not ready():
            interrupted()
            self.require_running()
            if time.monotonic() > deadline:
                raise ChildError(f"the {self.name} did not start in {START_S} s: {_last_line(self.output())}")
            time.sleep(POLL_S)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self._process.terminate()

    def wait_stopped(self) -> None:
        """Return when it has ended; it is killed if it takes longer than ``STOP_S``."""
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop(children: Iterable[Child]) -> None:
    """Ask all of them to end, then wait for each."""
    ending = list(children)
    for child in ending:
        child.ask_to_stop()
    for child in ending:
        child.wait_stopped()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of Lawgate to its end. Raises ``ChildError`` if it takes too long."""
    try:
        return subprocess.run(  # noqa: S603  (this program, with arguments of our own)
            [*LAWGATE, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_S,
            check=False,
            start_new_session=True,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise ChildError(f"lawgate {arguments[0]} did not end in {COMMAND_S} s") from None


def environment() -> dict[str, str]:
    """Ours, with room enough that the page breaks the lines, and without colours, which would be quoted."""
    return {**os.environ, "COLUMNS": "1000", "NO_COLOR": "1"}


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
