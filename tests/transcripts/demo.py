"""Runs the demo as a newcomer does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DEMO: Final = (sys.executable, "-m", "lawgate", "demo")
END_S: Final = 60


def environment(**more: str) -> dict[str, str]:
    """This process's, with the checkout's Lawgate, and no terminal's habits."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TZ": "UTC", **more}


def run_once(folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """``lawgate demo --once`` from a folder that is not the checkout."""
    return subprocess.run(
        [*DEMO, "--once"],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
