"""One thing that ``lawgate doctor`` looked at."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Health(StrEnum):
    """How it stands: fine, worth a look, broken, or not looked at because something else is broken."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """``found`` is one sentence about what is; ``mend`` says what to do about it."""

    name: str
    health: Health
    found: str
    mend: str | None = None

    def view(self) -> dict[str, Any]:
        """The finding as programs get it."""
        return asdict(self)


def fine(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Health.OK, found)


def warning(name: str, found: str, mend: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(name, Health.WARNING, found, mend)


def failed(name: str, found: str, mend: str | None = None) -> Finding:
    """It does not work. Without ``mend``, ``found`` says it, as the messages of errors do."""
    return Finding(name, Health.FAILED, found, mend)


def skipped(name: str, found: str) -> Finding:
    """Not looked at."""
    return Finding(name, Health.SKIPPED, found)
