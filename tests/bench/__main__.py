"""``python3 dev.py bench``: speed and memory of this checkout, beside nginx where there is one.

Exit code 0 when everything was measured, however slow; 1 when something is wrong, not slow: a process that
does not start, an answer that is not 200 or not masked, an event that is lost; 2 for a bad command line.
"""

# ruff: noqa: E402 - imports come after the path that they need

import sys
from pathlib import Path

# Started as a folder, Python would look for every module in it first.
sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)

import argparse
import dataclasses
import json
import signal

from lawgate.domain.errors import LawgateError
from tests.bench.children import BenchError
from tests.bench.machine import find_cores, find_tools
from tests.bench.report import as_markdown, as_text
from tests.bench.run import PARTS, QUICK, Plan, Results, run, say
from tests.bench.stage import folder_for_a_run


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="dev.py bench", description="Measure speed and memory; about 70 s.")
    made.add_argument("--quick", action="store_true", help="fewer and shorter rounds; about 20 s")
    made.add_argument("--only", metavar="PART", nargs="+", choices=PARTS, help=f"some of: {', '.join(PARTS)}")
    made.add_argument("--folder", metavar="DIR", help="where the store lies; its disk decides what an entry costs")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    form.add_argument("--markdown", action="store_true", help="tables to paste into docs/benchmarks.md")
    return made


def as_json(results: Results) -> str:
    """Every number, unrounded."""
    return json.dumps(dataclasses.asdict(results), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Measure and print; the exit code."""
    asked = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwind, so that no process of ours stays behind
    render = as_json if asked.json else as_markdown if asked.markdown else as_text
    try:
        with folder_for_a_run(asked.folder) as folder:
            results = run(QUICK if asked.quick else Plan(), asked.only or PARTS, find_tools(), find_cores(), folder)
    except (BenchError, LawgateError, AssertionError, OSError) as error:
        say(f"failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(render(results), end="")
    return 1 if results.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
