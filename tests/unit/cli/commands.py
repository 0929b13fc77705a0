"""Command lines, as a shell would run them but in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lawgate.cli.app import run


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """One JSON object for each line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        (found,) = self.objects
        return found


class Shell:
    """Runs ``lawgate WORDS``; checks of every run what holds for all: no traceback, no colour."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Ran:
        self._capsys.readouterr()
        code = run([str(word) for word in words])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        assert "\x1b" not in captured.out + captured.err
        return Ran(code, captured.out, captured.err)
