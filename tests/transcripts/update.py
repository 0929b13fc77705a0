"""Writes the README's transcripts anew: ``python -m tests.transcripts.update``, then read the difference."""

import sys
import tempfile
from pathlib import Path

from tests.transcripts.demo import run_once
from tests.transcripts.readme import README, with_block
from tests.transcripts.stable import stable


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        done = run_once(Path(folder))
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        return done.returncode
    text = README.read_text(encoding="utf-8")
    README.write_text(with_block("demo", text, stable(done.stdout)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
