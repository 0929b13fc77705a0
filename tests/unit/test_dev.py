"""The developers' door, without the network: what it says, what it locks, when it does nothing."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev

ROOT = Path(dev.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {found["name"]: found["version"] for found in PIN.finditer(text)}


def test_an_older_python_3_can_read_the_file_that_tells_it_so() -> None:
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_it_imports_nothing_that_must_be_installed() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "locked hash"),
        ("Collecting x\nERROR: No matching distribution found for x==9\n[notice] a new pip\n", "No matching"),
        ("first\n\nlast\n", "last"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_becomes_one_line(output: str, sentence: str) -> None:
    line = dev.why_it_failed(output)
    assert sentence in line
    assert "\n" not in line


def test_a_program_that_fails_raises_its_last_error_line() -> None:
    with pytest.raises(dev.CannotError, match=r"^error: no such thing$"):
        dev.run_quietly([sys.executable, "-c", "import sys; print('fine'); sys.exit('error: no such thing')"])


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["nonsense"], 2), (["--help"], 0)])
def test_what_it_does_not_know_shows_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert dev.main(arguments) == code
    printed = capsys.readouterr()
    assert all(f"  {command} " in printed.out + printed.err for command in dev.COMMANDS)


def test_lint_refuses_arguments_before_it_installs_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["lint", "--fix"]) == 1
    assert capsys.readouterr().err == "dev.py: lint takes no arguments\n"


def test_settings_that_would_send_pip_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in dev.UNWANTED:
        monkeypatch.setenv(name, "1")
    assert not set(dev.UNWANTED) & set(dev.clean_env())


def empty_environment(folder: Path) -> dev.Environment:
    (folder / "nothing.txt").touch()
    return dev.Environment(folder / "venv", folder / "nothing.txt", holds_lawgate=False)


def test_an_environment_is_made_once_and_again_only_when_its_list_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = empty_environment(tmp_path)
    dev.make_without_ensurepip(environment)
    dev.ready(environment)
    assert "installing" in capsys.readouterr().err
    dev.ready(environment)
    assert capsys.readouterr().err == ""
    environment.requirements.write_text("# another list\n", encoding="utf-8")
    (environment.folder / "kept").touch()
    dev.ready(environment)
    assert "installing" in capsys.readouterr().err
    assert (environment.folder / "kept").exists(), "a usable environment is completed, not thrown away"


def test_without_ensurepip_the_outer_pip_works_on_the_environment(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path)
    dev.make_without_ensurepip(environment)
    assert dev.pip(environment)[:4] == [sys.executable, "-m", "pip", "--python"]
    listed = dev.run_quietly([*dev.pip(environment), "list", "--format=json"])
    assert "pytest" not in listed, "it looked at its own packages"


def test_an_environment_that_was_moved_is_not_usable(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path)
    dev.make_without_ensurepip(environment)
    assert dev.usable(environment)
    moved = environment._replace(folder=environment.folder.rename(tmp_path / "elsewhere"))
    assert not dev.usable(moved._replace(folder=tmp_path / "nowhere"))
    moved.python.unlink()
    assert not dev.usable(moved)


def test_the_digest_knows_place_python_and_project() -> None:
    assert dev.DEV.digest() == dev.DEV.digest()
    assert dev.DEV.digest() != dev.DEV._replace(holds_lawgate=False).digest()
    assert dev.DEV.digest() != dev.DEV._replace(requirements=dev.LOCK.requirements).digest()


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_every_locked_line_has_a_hash_and_no_list_names_a_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[a-z0-9])", text) if PIN.match(block)]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert re.findall(r"://|--index|--find-links|file:", text) == []


def test_every_list_is_one_that_lock_writes() -> None:
    assert {path.name for path in LISTS} == set(dev.LOCKED)


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("runtime.txt", PROJECT["dependencies"]),
        ("dev.txt", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_the_lists_hold_what_the_project_declares(name: str, requirements: list[str]) -> None:
    locked = pins(name)
    for line in requirements:
        requirement = Requirement(line)
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{line} is not in requirements/{name}: run python3 dev.py lock"
        assert requirement.specifier.contains(version), f"{line} against {version}: run python3 dev.py lock"


def test_what_ships_is_what_was_tested() -> None:
    tested = pins("dev.txt")
    assert pins("runtime.txt").items() <= tested.items()
    assert pins("build.txt").items() <= tested.items()
