"""From the first line to the exit code, as far as no gateway is needed; the rest is in ``tests/system``."""

import json
import os
import shlex
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lawgate.demo import performance
from lawgate.demo.stage import Stage, put_up


def test_the_curl_line_is_one_line_for_a_shell() -> None:
    line = performance.curl("http://127.0.0.1:1/support-llm/v1/chat/completions", "a.b.c")
    words = shlex.split(line)
    assert "\n" not in line
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:1/support-llm/v1/chat/completions"]
    assert "Authorization: Bearer a.b.c" in words
    assert json.loads(words[-1])["messages"][0]["role"] == "user"


@pytest.mark.parametrize("number", performance.SIGNALS)
def test_a_signal_before_the_end_stops_everything(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def signalled(check: Callable[[], None]) -> AbstractContextManager[Stage]:
        os.kill(os.getpid(), number)
        return put_up(check)

    monkeypatch.setattr(performance, "put_up", signalled)
    before = signal.getsignal(number)
    assert performance.perform(once=True) == performance.INTERRUPTED
    assert "Interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [], "its folder is gone"
    assert signal.getsignal(number) is before


def test_what_cannot_start_is_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert performance.perform(once=True) == 1
    assert "The demo failed." in capsys.readouterr().err
