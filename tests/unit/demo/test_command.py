"""The command line of the demo."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from lawgate.demo.command import demo


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], ["--once", "idp", "model"]),
        (["idp", "--help"], ["--host", "--port", "--issuer", "127.0.0.1", "9000"]),
        (["model", "--help"], ["--host", "--port", "127.0.0.1", "9001"]),
    ],
)
def test_help_names_the_options(arguments: list[str], said: list[str]) -> None:
    done = CliRunner().invoke(demo, arguments)
    assert done.exit_code == 0
    assert [word for word in said if word not in done.output] == []


@pytest.mark.parametrize("arguments", [["--twice"], ["idol"], ["model", "--port", "x"]])
def test_what_it_does_not_know_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(demo, arguments).exit_code == 2


def test_the_command_line_alone_imports_no_server() -> None:
    heavy = {"httpx", "joserfc", "starlette", "uvicorn", "uvloop"}
    code = f"import sys, lawgate.demo.command; print(sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[]\n"
