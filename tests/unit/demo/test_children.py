"""The processes of the demo, with this very program."""

import os
import signal
from pathlib import Path

import pytest

from lawgate.demo.children import Child, ChildError, environment, run, stop


def running() -> None:
    """What ``wait_until`` calls between its looks; nobody interrupts here."""


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child("model", ["demo", "model", "--port", "0"], tmp_path / "model.log")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_runs_until_it_is_stopped(child: Child) -> None:
    try:
        child.wait_until(lambda: "listening" in child.output(), running)
        child.require_running()
        assert os.getsid(child.pid) == child.pid, "Ctrl-C in the terminal must not reach it"
    finally:
        stop([child])
    assert not is_alive(child.pid)


def test_a_child_that_will_not_end_is_killed(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lawgate.demo.children.STOP_S", 0.2)
    child.wait_until(lambda: "listening" in child.output(), running)
    os.kill(child.pid, signal.SIGSTOP)
    stop([child])
    assert not is_alive(child.pid)


def test_a_child_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    child = Child("gateway", ["no-such-command"], tmp_path / "gateway.log")
    with pytest.raises(ChildError, match=r"the gateway ended with exit code [12]: .*\S"):
        child.wait_until(lambda: False, running)
    stop([child])


def test_a_child_that_never_is_ready_is_given_up(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lawgate.demo.children.START_S", 0.1)
    with pytest.raises(ChildError, match=r"the model did not start in 0\.1 s: it said nothing"):
        child.wait_until(lambda: False, running)
    stop([child])


def test_waiting_can_be_interrupted(child: Child) -> None:
    def interrupted() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        child.wait_until(lambda: False, interrupted)
    stop([child])


def test_a_command_is_run_to_its_end() -> None:
    assert "--once" in run("demo", "--help").stdout


def test_a_command_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lawgate.demo.children.COMMAND_S", 0.01)
    with pytest.raises(ChildError, match=r"lawgate demo did not end in 0\.01 s"):
        run("demo", "--help")


def test_commands_print_for_the_page() -> None:
    assert environment() == {**os.environ, "COLUMNS": "1000", "NO_COLOR": "1"}
