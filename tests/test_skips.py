"""CI must not skip: the hook of conftest.py, seen from outside by running pytest on small files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOOK = Path(__file__).with_name("conftest.py")
OUTCOME = re.compile(r"^(SKIPPED|FAILED|ERROR|XFAIL)\b.*?test_(\w+)\.py", re.MULTILINE)

FILES = {
    "call": "def test_it():\n    pytest.skip('no node')\n",
    "mark": "@pytest.mark.skipif(True, reason='no node')\ndef test_it(): ...\n",
    "module": "pytest.skip('no node', allow_module_level=True)\n",
    "platform": "def test_it():\n    pytest.skip('not on this platform: no fork')\n",
    "vectors": "def test_it():\n    pytest.skip('the public vectors are not at hand')\n",
    "xfail": "@pytest.mark.xfail\ndef test_it():\n    assert False\n",
}


def outcomes(folder: Path, ci: str) -> dict[str, str]:
    (folder / "conftest.py").write_text(HOOK.read_text(encoding="utf-8"), encoding="utf-8")
    for name, source in FILES.items():
        (folder / f"test_{name}.py").write_text("import pytest\n" + source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    summary = done.stdout.partition("short test summary info")[2]
    return {found[2]: found[1] for found in OUTCOME.finditer(summary)}


@pytest.mark.parametrize(
    ("ci", "call", "mark", "module"), [("true", "FAILED", "ERROR", "ERROR"), ("", "SKIPPED", "SKIPPED", "SKIPPED")]
)
def test_ci_fails_what_it_would_have_skipped(tmp_path: Path, ci: str, call: str, mark: str, module: str) -> None:
    assert outcomes(tmp_path, ci) == {
        "call": call,
        "mark": mark,
        "module": module,
        "platform": "SKIPPED",
        "vectors": "SKIPPED",
        "xfail": "XFAIL",
    }
