"""The one door for developers: ``python3 dev.py demo|test|lint|bench|soak|lock``.

Rule 1: standard library only. Any Python from 3.11 on Linux or macOS starts it, also one that is
externally managed, lacks ``ensurepip`` or lacks ``venv``; an older Python 3 can still read this file,
so that it can say that it is too old.
Rule 2: what is installed comes from a hash-locked list in ``requirements/``, as wheels: nothing else
is fetched, nothing foreign is built.
Rule 3: the stamp is removed before an environment changes and written after, so that an interrupted
installation is repeated, and a finished one costs nothing.
Rule 4: what goes wrong outside this file is one line with the mend, never a traceback.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

if sys.version_info < (3, 11):  # noqa: UP036 - the very case that this line is for
    sys.exit(
        "dev.py: Python 3.11 or newer is needed and this is %d.%d; start it with a newer one, "  # noqa: UP031
        "for instance: python3.12 dev.py" % sys.version_info[:2]
    )

import tomllib

ROOT = Path(__file__).resolve().parent
STAMP = ".lawgate-stamp"
UNWANTED = ("PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH")
NO_NETWORK = re.compile(r"NewConnectionError|Failed to establish|ConnectTimeout|name resolution|unreachable|ProxyError")
WRONG_HASH = re.compile(r"DO NOT MATCH THE HASHES")


class CannotError(Exception):
    """Something outside this file stands in the way; the message is the one line to print."""


class Environment(NamedTuple):
    """A virtual environment next to this file and the locked list that it holds."""

    folder: Path
    requirements: Path
    holds_lawgate: bool

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.folder / STAMP

    def digest(self) -> str:
        """What the environment must have been made from: this place, this Python, these lists."""
        parts = [str(ROOT), sys.version, self.requirements.read_text(encoding="utf-8")]
        if self.holds_lawgate:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
            parts.append(json.dumps([project["project"], project["build-system"]], sort_keys=True))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


DEV = Environment(ROOT / ".venv", ROOT / "requirements" / "dev.txt", holds_lawgate=True)
LOCK = Environment(ROOT / ".venv-lock", ROOT / "requirements" / "lock.txt", holds_lawgate=False)


def say(line: str) -> None:
    print(f"dev.py: {line}", file=sys.stderr, flush=True)


def clean_env() -> dict[str, str]:
    """The caller's environment without what would send pip or Python somewhere else."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED}


def run_quietly(command: list[str], env: dict[str, str] | None = None) -> str:
    """Run to the end and return its output; a failure becomes one line."""
    done = subprocess.run(
        command, cwd=ROOT, env=env or clean_env(), capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise CannotError(why_it_failed(done.stdout + done.stderr))
    return done.stdout


def why_it_failed(output: str) -> str:
    if NO_NETWORK.search(output):
        return "the package index cannot be reached: connect, or set PIP_INDEX_URL or PIP_FIND_LINKS to a mirror"
    if WRONG_HASH.search(output):
        return "a downloaded package does not match its locked hash and was not installed: find out why first"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "error", "Error"))]
    return (errors or lines or ["it said nothing"])[-1]


def pip(environment: Environment) -> list[str]:
    """The environment's own pip, else this Python's pip working on it (pip >= 22.3 can)."""
    own = [str(environment.python), "-m", "pip"]
    found = subprocess.run([*own, "--version"], env=clean_env(), capture_output=True, check=False).returncode == 0
    return own if found else [sys.executable, "-m", "pip", "--python", str(environment.python)]


def make_with_venv(environment: Environment) -> None:
    run_quietly([sys.executable, "-m", "venv", "--clear", str(environment.folder)])


def make_without_ensurepip(environment: Environment) -> None:
    """For Debian's Python without python3-venv: this Python's own pip will fill the environment."""
    run_quietly([sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment.folder)])
    run_quietly([*pip(environment), "--version"])


def make_with_virtualenv(environment: Environment) -> None:
    """For a Python without venv: virtualenv brings its own pip; it is thrown away afterwards."""
    tools = ROOT / ".venv-bootstrap"
    locked = str(ROOT / "requirements" / "bootstrap.txt")
    try:
        run_quietly([sys.executable, "-m", "pip", "install", *PIP_INSTALL, "--target", str(tools), "-r", locked])
        command = [sys.executable, "-m", "virtualenv", "--no-download", "--no-periodic-update", "--clear"]
        run_quietly([*command, str(environment.folder)], {**clean_env(), "PYTHONPATH": str(tools)})
    finally:
        shutil.rmtree(tools, ignore_errors=True)


PIP_INSTALL = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries=2"]
PIP_INSTALL += ["--require-hashes", "--only-binary=:all:"]
WAYS = (make_with_venv, make_without_ensurepip, make_with_virtualenv)


def make(environment: Environment) -> None:
    reasons: list[str] = []
    for way in WAYS:
        try:
            way(environment)
        except CannotError as error:
            reasons.append(str(error))
        else:
            return
    shutil.rmtree(environment.folder, ignore_errors=True)
    tried = "; ".join(dict.fromkeys(reasons))
    raise CannotError(f"cannot make {environment.folder.name}; install python3-venv or python3-pip ({tried})")


def usable(environment: Environment) -> bool:
    """Whether the environment runs, stands where it was made and is of this Python's version."""
    probe = "import sys; print(sys.prefix, *sys.version_info[:3], sep='|')"
    try:
        printed = run_quietly([str(environment.python), "-c", probe]).strip()
    except (OSError, CannotError):
        return False
    return printed == "|".join([str(environment.folder), *map(str, sys.version_info[:3])])


def ready(environment: Environment) -> None:
    """Make or complete the environment unless its stamp says that it is complete."""
    with Path(__file__).open(encoding="utf-8") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # two starts at once take turns; the lock ends with this block
        wanted = environment.digest()
        if environment.stamp.is_file() and environment.stamp.read_text(encoding="utf-8") == wanted:
            return
        say(f"installing the locked packages into {environment.folder.name} (once; about a minute)")
        environment.stamp.unlink(missing_ok=True)
        if not usable(environment):
            make(environment)
        fill(environment)
        environment.stamp.write_text(wanted, encoding="utf-8")


def fill(environment: Environment) -> None:
    """Install the locked list, then Lawgate itself, editable, by the build backend just installed."""
    installer = pip(environment)
    run_quietly([*installer, "install", *PIP_INSTALL, "-r", str(environment.requirements)])
    if environment.holds_lawgate:
        offline = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-index", "--no-deps"]
        run_quietly([*installer, "install", *offline, "--no-build-isolation", "--editable", str(ROOT)])


def active_env(environment: Environment) -> dict[str, str]:
    """What ``activate`` would set, so that programs of the environment are found by name."""
    path = os.pathsep.join([str(environment.python.parent), os.environ.get("PATH", os.defpath)])
    return {**clean_env(), "VIRTUAL_ENV": str(environment.folder), "PATH": path}


def become(*command: str) -> NoReturn:
    """Replace this process, so that signals and the exit code are the command's own."""
    os.chdir(ROOT)
    python = str(DEV.python)
    os.execve(python, [python, *command], active_env(DEV))  # noqa: S606 - no shell is wanted


def demo(arguments: list[str]) -> int:
    ready(DEV)
    become("-m", "lawgate", "demo", *arguments)


def test(arguments: list[str]) -> int:
    ready(DEV)
    become("-m", "pytest", *arguments)


def bench(arguments: list[str]) -> int:
    ready(DEV)
    become("tests/bench", *arguments)


def soak(arguments: list[str]) -> int:
    ready(DEV)
    become("tests/faults/soak.py", *arguments)


def lint(arguments: list[str]) -> int:
    """Run every check, also after one has failed; the exit code is 1 if any did."""
    if arguments:
        raise CannotError("lint takes no arguments")
    ready(DEV)
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("lint-imports",))
    failed = []
    for check in checks:
        say(" ".join(check))
        program = str(DEV.python.parent / check[0])
        if subprocess.run([program, *check[1:]], cwd=ROOT, env=active_env(DEV), check=False).returncode:
            failed.append(" ".join(check))
    say(f"failed: {', '.join(failed)}" if failed else "lint is clean")
    return 1 if failed else 0


# What each list in requirements/ is compiled from. Later ones agree with dev.txt where they overlap.
LOCKED: dict[str, list[str]] = {
    "dev.txt": ["pyproject.toml", "--extra", "dev"],
    "runtime.txt": ["pyproject.toml", "-c", "requirements/dev.txt"],
    "build.txt": ["requirements/build.in", "-c", "requirements/dev.txt"],
    "bootstrap.txt": ["requirements/bootstrap.in"],
    "lock.txt": ["requirements/lock.in"],
}


def lock(arguments: list[str]) -> int:
    """Write every list again, for all supported Pythons and systems; ``--upgrade`` moves versions."""
    ready(LOCK)
    compiler = [str(LOCK.folder / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version=3.11"]
    compiler += ["--generate-hashes", "--no-emit-index-url", "--custom-compile-command=python3 dev.py lock"]
    for name, sources in LOCKED.items():
        say(f"requirements/{name}")
        run_quietly([*compiler, *sources, "--output-file", f"requirements/{name}", *arguments], active_env(LOCK))
    return 0


COMMANDS = {"demo": demo, "test": test, "lint": lint, "bench": bench, "soak": soak, "lock": lock}
USAGE = """usage: python3 dev.py COMMAND [ARGUMENTS]

  demo [--once]   a governed exchange from end to end on this machine
  test [ARGS]     every test; the arguments go to pytest
  lint            ruff, mypy and the import rules
  bench [ARGS]    speed and memory, beside nginx where there is one
  soak [ARGS]     500 kills under load
  lock [ARGS]     write requirements/*.txt again; --upgrade moves to newer versions
"""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        wants_help = bool(arguments) and arguments[0] in ("-h", "--help", "help")
        print(USAGE, end="", file=sys.stdout if wants_help else sys.stderr)
        return 0 if wants_help else 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except CannotError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.strerror or error}: {error.filename or ROOT}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
