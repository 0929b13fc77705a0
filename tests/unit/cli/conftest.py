import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.commands import Shell
from tests.unit.operations.world import World, made_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made_world(tmp_path / "gateway")


@pytest.fixture
def lawgate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("COLUMNS", "LAWGATE_CONFIG", "LAWGATE_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return Shell(capsys)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set the process's logging up; the next test is another process."""
    root, ours = logging.getLogger(), logging.getLogger("lawgate")
    before = (root.handlers[:], root.level, ours.level, threading.excepthook)
    yield
    root.handlers[:], root.level, ours.level, threading.excepthook = before
    logging.captureWarnings(capture=False)
