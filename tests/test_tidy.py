"""The shape of the code, checked by reading it: lengths, twins, dead modules, names, links.

Rule 1: a test here lists every offender with its place, so that one run says all there is to mend.
Rule 2: nothing is imported: files are read once and parsed once.
"""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "lawgate"
TESTS = ROOT / "tests"

SRC_LINES_MAX = 400
TEST_LINES_MAX = 600
FUNCTION_LINES_MAX = 50

# Where the program starts, and the diagram that a test renders: nothing in src needs to import these.
ENTRIES = {"lawgate", "lawgate.__main__", "lawgate.cli.app", "lawgate.exchange.diagram"}

BANNED_WORDS = ("util", "helper", "manager", "service", "base", "common")
BANNED_MODULE = re.compile(rf"^_?(?:{'|'.join(BANNED_WORDS)})s?$")
BANNED_CLASS = re.compile(rf"(?:{'|'.join(word.title() for word in BANNED_WORDS)})s?$")

# Character classes keep these patterns from matching themselves.
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}>])/(?:roo[t]|wor[k]|hom[e]/\w+|User[s]/\w+)/")
REGISTRY = re.compile(r"\b(?:pypi\.or[g]|pythonhosted\.or[g]|registry\.npmjs\.or[g])\b")
TEXT_SUFFIXES = {
    "", ".cfg", ".css", ".html", ".in", ".js", ".json", ".md", ".mjs", ".py", ".sh", ".sql", ".toml", ".txt",
    ".yaml", ".yml",
}  # fmt: skip
PRUNED = {"__pycache__", "build", "dist", "node_modules"}

MARKDOWN_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
MARKDOWN_IMAGE = re.compile(r"!\[[^\]\n]*\]\((?P<target>[^()\s]+)\)")
CODE_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
ADR_NAME = re.compile(r"^(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md$")


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def python_files(folder: Path) -> list[Path]:
    return [path for path in all_files() if path.suffix == ".py" and path.is_relative_to(folder)]


@cache
def all_files() -> tuple[Path, ...]:
    """Every file that belongs to the project: no environments, caches, packages of others or evidence."""

    def walk() -> Iterator[Path]:
        for folder, names, files in os.walk(ROOT):
            names[:] = [name for name in names if name not in PRUNED and belongs(name)]
            yield from (Path(folder) / name for name in files)

    return tuple(sorted(walk()))


def belongs(folder_name: str) -> bool:
    return folder_name == ".ci" or not (folder_name.startswith(".") or folder_name.endswith(".egg-info"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def report(offenders: list[str], mend: str) -> None:
    if offenders:
        pytest.fail("\n  ".join([mend, *offenders]), pytrace=False)


# ------------------------------------------------------------------------------------------ lengths


def test_files_are_short() -> None:
    offenders = []
    for folder, limit in ((SRC, SRC_LINES_MAX), (TESTS, TEST_LINES_MAX)):
        for path in python_files(folder):
            count = text_of(path).count("\n")
            if count > limit:
                offenders.append(f"{place(path)} has {count} lines, the limit is {limit}")
    report(offenders, "split each along what changes together:")


def test_functions_fit_a_screen() -> None:
    offenders = []
    for path in python_files(SRC):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    offenders.append(f"{place(path, node.lineno)} {node.name} has {count} lines")
    report(offenders, f"a function has at most {FUNCTION_LINES_MAX} lines; push the loops down, pull the ifs up:")


# ------------------------------------------------------------------------------------------ twins


def has_code(path: Path) -> bool:
    """Whether there is more than a docstring, imports and dunder assignments."""

    def inert(node: ast.stmt) -> bool:
        if isinstance(node, ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Assign):
            return all(isinstance(name, ast.Name) and name.id.startswith("__") for name in node.targets)
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

    return not all(inert(node) for node in tree_of(path).body)


def twin_of(path: Path) -> Path:
    """``exchange/_state.py`` -> ``tests/unit/exchange/test_state.py``; ``x/__init__.py`` -> ``x/test_x.py``."""
    inside = path.relative_to(SRC)
    stem = inside.parent.name if inside.stem == "__init__" else inside.stem
    return TESTS / "unit" / inside.parent / f"test_{stem.lstrip('_')}.py"


def test_every_module_with_code_has_a_twin_in_tests_unit() -> None:
    offenders = [
        f"{place(path)} wants {twin_of(path).relative_to(ROOT)}"
        for path in python_files(SRC)
        if path.name != "__main__.py" and has_code(path) and not twin_of(path).is_file()
    ]
    report(offenders, "write the twin of each:")


def test_every_twin_has_a_module() -> None:
    wanted = {twin_of(path) for path in python_files(SRC)} | {TESTS / "unit" / "test_dev.py"}
    mirrored = [path for path in python_files(TESTS / "unit") if path.name.startswith("test_")]
    offenders = [place(path) for path in mirrored if path not in wanted]
    report(offenders, "tests/unit mirrors src/lawgate and nothing has these names; move or rename each:")


# ------------------------------------------------------------------------------------------ dead modules


def names_used(path: Path) -> set[str]:
    """Every dotted name of ours that the file imports, or names in a string for a lazy import."""
    used: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = absolute(path, node)
            used |= {source} | {f"{source}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("lawgate."):
            used.add(node.value.partition(":")[0])
    return used


def absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module_name(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def test_no_module_is_dead() -> None:
    files = {module_name(path): path for path in python_files(SRC)}
    used = {name for own, path in files.items() for name in names_used(path) if name != own}
    offenders = [
        f"{place(path)} is imported by nothing in src"
        for name, path in files.items()
        if path.name != "__init__.py" and name not in used | ENTRIES
    ]
    report(offenders, "join each to the program or remove it:")


def test_no_package_is_empty() -> None:
    folders = {path.parent for path in python_files(SRC)}
    offenders = [
        f"{place(folder)} holds nothing yet"
        for folder in sorted(folders)
        if not any(path.name != "__init__.py" and path.is_relative_to(folder) for path in python_files(SRC))
        and not has_code(folder / "__init__.py")
    ]
    report(offenders, "remove each; it is optional in the import rules until it holds something:")


# ------------------------------------------------------------------------------------------ names and words


def test_names_say_what_a_thing_does() -> None:
    offenders = []
    for path in (*python_files(SRC), *python_files(TESTS)):
        folders = path.relative_to(ROOT).parts[:-1]
        offenders += [f"{place(path)} is named {name}" for name in (*folders, path.stem) if BANNED_MODULE.match(name)]
        offenders += [
            f"{place(path, node.lineno)} class {node.name}"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ClassDef) and BANNED_CLASS.search(node.name)
        ]
    report(offenders, "these names say nothing; use the field's word for what it does:")


@pytest.mark.parametrize(
    ("pattern", "mend"),
    [
        (UNFINISHED, "finish it, or write an issue:"),
        (MACHINE_PATH, "a path of one machine; use a relative path, a temporary folder or an .example:"),
        (REGISTRY, "name no package index: whoever installs chooses it:"),
    ],
    ids=["unfinished", "machine-path", "registry"],
)
def test_no_file_holds_what_only_one_desk_can_use(pattern: re.Pattern[str], mend: str) -> None:
    offenders = []
    for path in all_files():
        if path.suffix in TEXT_SUFFIXES and pattern.search(text_of(path)):
            lines = text_of(path).splitlines()
            offenders += [
                f"{place(path, n)} {line.strip()[:80]}" for n, line in enumerate(lines, 1) if pattern.search(line)
            ]
    report(offenders, mend)


def test_every_suppressed_check_says_why() -> None:
    """``# noqa`` and ``# type: ignore`` name their rule, and the ignored rules of ruff have a reason."""
    bare = re.compile(r"#\s*(?:noqa(?!: ?[A-Z]+[0-9]+)|type:\s*ignore(?!\[))")
    offenders = [
        f"{place(path, n)} {line.strip()[:80]}"
        for path in (*python_files(SRC), *python_files(TESTS), ROOT / "dev.py")
        for n, line in enumerate(text_of(path).splitlines(), 1)
        if bare.search(line) and path != Path(__file__)
    ]
    for n, line in enumerate(text_of(ROOT / "pyproject.toml").splitlines(), 1):
        if re.match(r'^\s+"[A-Z]+[0-9]*",\s*$', line):
            offenders.append(f"pyproject.toml:{n} {line.strip()} has no reason behind it")
    report(offenders, "name the rule and the reason:")


# ------------------------------------------------------------------------------------------ documents


def markdown_files() -> list[Path]:
    return [path for path in all_files() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """The anchors that a Markdown page offers, as forges make them from its headings."""
    found: set[str] = set()
    for heading in HEADING.findall(CODE_FENCE.sub("", text_of(path))):
        words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(words.replace(" ", "-"))
    return found


def broken(path: Path, target: str) -> bool:
    if re.match(r"^[a-z][a-z0-9+.-]*:", target):
        return False
    name, _, anchor = target.partition("#")
    page = (path.parent / name).resolve() if name else path
    if not page.exists():
        return True
    return bool(anchor) and page.suffix == ".md" and anchor not in anchors(page)


def test_every_relative_link_leads_somewhere() -> None:
    offenders = []
    for path in markdown_files():
        text = CODE_FENCE.sub("", text_of(path))
        targets = [*MARKDOWN_LINK.findall(text), *MARKDOWN_IMAGE.findall(text)]
        offenders += [f"{place(path)} -> {target}" for target in targets if broken(path, target)]
    report(offenders, "these links lead nowhere:")


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md") if path.name != "README.md")
    assert names, "docs/adr holds no decision"
    report([name for name in names if not ADR_NAME.match(name)], "name each NNNN-what-was-decided.md:")
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1)), "number decisions from 0001 on, each once"
