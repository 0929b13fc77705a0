"""Transcripts in the README: blocks between marks, written by ``update.py`` and compared by tests.

<!-- transcript: NAME -->
...
<!-- end transcript -->
"""

import re
from pathlib import Path
from typing import Final

README: Final = Path(__file__).resolve().parents[2] / "README.md"
_BLOCK: Final = r"(?<=<!-- transcript: {name} -->\n).*?(?=<!-- end transcript -->)"


def block(name: str, text: str) -> str:
    """The text of one transcript; raises ``LookupError`` unless there is exactly one of this name."""
    found = _pattern(name).findall(text)
    if len(found) != 1:
        raise LookupError(f"README.md has {len(found)} transcripts named {name!r}; it must have one")
    (only,) = found
    return str(only).removeprefix("```text\n").removesuffix("```\n")


def with_block(name: str, text: str, transcript: str) -> str:
    """The text with one transcript replaced."""
    block(name, text)
    fenced = f"```text\n{transcript.rstrip()}\n```\n"
    return _pattern(name).sub(lambda _found: fenced, text)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_BLOCK.format(name=re.escape(name)), re.DOTALL)
