"""What is wrong with a configuration, and where: ``file:line:column path: what, did you mean X``.

Rule 1: every problem of a file is reported in one pass. Rule 2: a problem never shows a value that
may be a secret; keys, names and choices may be shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple, TypeAlias

from lawgate.domain.errors import ConfigurationError

Path: TypeAlias = tuple[str | int, ...]
"""Where in the document: keys and list positions, outermost first."""

SHOWN_MAX: Final = 60
"""Characters of a name that a message repeats."""


class Finding(NamedTuple):
    """A fault before its position is known. ``at_key`` points at the key itself and not at its value."""

    path: Path
    what: str
    suggestion: str | None = None
    at_key: bool = False
    warning: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A finding with its position; lines and columns count from 1, and 0 means the whole file."""

    file: str
    line: int
    column: int
    path: str
    what: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        there = f" {self.path}" if self.path else ""
        meant = f", did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{where}{there}: {self.what}{meant}"


class InvalidConfigError(ConfigurationError):
    """A configuration file with faults; ``problems`` holds all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WrongValueError(ValueError):
    """Raised by a field's validator: what is wrong, and what may have been meant."""

    def __init__(self, what: str, suggestion: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.suggestion = suggestion


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The one candidate that ``word`` is likely a slip of, if any."""
    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates)}
    close = get_close_matches(word.casefold()[:SHOWN_MAX], by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def path_text(path: Sequence[str | int]) -> str:
    """``rules[0].if.detectors``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{shown(step)}" if text else shown(step)
    return text


def shown(name: str) -> str:
    """A name as a message repeats it: printable, and not endless."""
    safe = "".join(character if character.isprintable() else "?" for character in name)
    return safe if len(safe) <= SHOWN_MAX else safe[:SHOWN_MAX] + "..."
