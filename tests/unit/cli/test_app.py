"""The program as a whole: what it imports, how it ends, and that the documentation names real commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lawgate.cli import app as program
from lawgate.cli import exits
from lawgate.cli.app import COMMANDS, app
from tests.unit.cli.commands import Shell
from tests.unit.operations.world import World, answered

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {
    "asyncio", "cryptography", "httptools", "httpx", "joserfc", "msgspec", "prometheus_client", "pydantic", "rich",
    "sqlite3", "ssl", "starlette", "uvicorn", "uvloop", "yaml", "zstandard",
}  # fmt: skip


def imported_by(*words: str) -> set[str]:
    """The packages that a fresh process has imported when the command has ended."""
    code = "import sys; from lawgate.cli.app import run; code = run(sys.argv[1:]); print(*sys.modules); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=True, env=environment()
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()} | {
        name for name in done.stdout.splitlines()[-1].split() if name.startswith("lawgate.")
    }


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.mark.parametrize("words", [["version"], ["--help"], *[[name, "--help"] for name in COMMANDS]])
def test_a_start_waits_for_no_heavy_package(words: list[str]) -> None:
    assert imported_by(*words) & HEAVY == set()


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (["check", "--no-secrets"], {"rich", "sqlite3", "uvicorn", "asyncio"}),
        (["records", "list", "--json"], {"rich", "pydantic", "uvicorn", "starlette", "httptools"}),
        (["key", "list", "--json"], {"rich", "pydantic", "uvicorn", "starlette"}),
        (["verify", "--json"], {"rich", "pydantic", "uvicorn", "starlette"}),
    ],
)
def test_a_command_loads_what_it_needs(world: World, words: list[str], spared: set[str]) -> None:
    assert imported_by(*words, "--config", str(world.config)) & spared == set()


def test_the_help_lists_every_command_and_every_exit_code(lawgate: Shell) -> None:
    done = lawgate("--help")
    assert done.code == 0
    for name, (_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}", done.out, re.MULTILINE), name
    for code, meaning in exits.MEANINGS.items():
        assert f"{code} " in done.out
        assert meaning in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert isinstance(command, click.Command)
    assert command.name == name


def test_a_slip_is_a_usage_error_with_the_likely_command(lawgate: Shell) -> None:
    done = lawgate("record", "list")
    assert done.code == exits.USAGE
    assert "Did you mean 'records'?" in done.err


@pytest.mark.parametrize("words", [["records", "list", "--nope"], ["records", "show"], ["records", "show", "short"]])
def test_a_wrong_command_line_is_a_usage_error(lawgate: Shell, words: list[str]) -> None:
    assert lawgate(*words).code == exits.USAGE


def test_a_bug_is_one_line(lawgate: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command raises that nobody foresaw: here, one that is not where the table says."""
    monkeypatch.setitem(COMMANDS, "version", ("lawgate.cli.version:nothing_here", "x"))
    done = lawgate("version")
    assert done.code == exits.INTERNAL
    assert re.fullmatch(r"lawgate: internal error: AttributeError at lawgate\.cli\.app:\d+; set .*\n", done.err)


def test_interruption_has_its_code(lawgate: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program.app, "main", interrupt)
    assert lawgate("version").code == exits.INTERRUPTED


def test_a_reader_that_leaves_is_no_fault(world: World) -> None:
    world.record(*[answered(number) for number in range(300)])
    lines = subprocess.run(
        f"{sys.executable} -m lawgate records list --json --config {world.config} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(),
    )
    assert lines.stdout.count("\n") == 1
    assert lines.stderr == ""


def commands_of(page: str) -> list[str]:
    """Every call of ``lawgate`` in a block of shell, also behind ``sudo`` and in a unit file."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:console|sh|ini)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    calls = [re.search(r"(?:^|[\s/=])(lawgate (?!lawgate)[a-z].*)", line) for line in lines if not line.startswith("#")]
    return [call.group(1) for call in calls if call]


@pytest.mark.parametrize("page", ["README.md", "docs/evidence.md", "docs/operations.md"])
def test_documented_commands_exist_with_their_options(lawgate: Shell, page: str) -> None:
    calls = [call for call in commands_of(page) if call.split()[1] in COMMANDS]
    assert calls
    assert calls == commands_of(page), "every line names a command that exists"
    for call in calls:
        words = call.partition("#")[0].split()[1:]
        names = [word for word in words[:2] if re.fullmatch(r"[a-z]+", word)]
        done = lawgate(*names, "--help")
        if done.code == exits.USAGE:  # the second word was an argument
            names, done = names[:1], lawgate(names[0], "--help")
        assert done.code == 0, call
        known = set(re.findall(r"--[a-z][a-z-]*|-[a-z]\b", done.out))
        assert {word for word in words if word.startswith("-")} <= known, call
