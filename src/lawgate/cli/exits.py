"""Exit codes, and what a person sees when a command cannot do its work.

Rule 1: a code says what kind of thing is wrong; programs may rely on it (``docs/operations.md``).
Rule 2: an error is one line on standard error, and never a traceback: what a traceback shows may be somebody's
    data. A bug says its type and its place only.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import os
import sys
import traceback
from typing import Final

OK: Final = 0
FOUND: Final = 1
USAGE: Final = 2
CONFIGURATION: Final = 3
STORE: Final = 4
LISTEN: Final = 5
INTERNAL: Final = 70
INTERRUPTED: Final = 130

MEANINGS: Final[dict[int, str]] = {
    OK: "done, nothing wrong",
    FOUND: "a check found something, or what was asked for does not exist",
    USAGE: "the command line is wrong",
    CONFIGURATION: "the configuration, or a file that was named, cannot be used",
    STORE: "the evidence store or its keys cannot be used",
    LISTEN: "a port cannot be listened on",
    INTERNAL: "an error of Lawgate's own",
    INTERRUPTED: "interrupted from the keyboard",
}
"""Every code; ``lawgate --help`` and the documentation show these sentences."""

TRACEBACK_VARIABLE: Final = "LAWGATE_TRACEBACK"


def code_of(error: BaseException) -> int:
    """The exit code for an error of ours, or of the file system."""
    from lawgate.domain.errors import CannotListenError, EvidenceError, LawgateError
    from lawgate.operations.errors import KeyRequestError, NotFoundError

    if isinstance(error, NotFoundError):
        return FOUND
    if isinstance(error, KeyRequestError):
        return USAGE
    if isinstance(error, EvidenceError):
        return STORE
    if isinstance(error, CannotListenError):
        return LISTEN
    return CONFIGURATION if isinstance(error, (LawgateError, OSError)) else INTERNAL


def explain(error: BaseException) -> str:
    """One line for people."""
    from lawgate.domain.errors import LawgateError

    if isinstance(error, LawgateError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"internal error: {where(error)}; set {TRACEBACK_VARIABLE}=1 to see all of it, and report it"


def where(error: BaseException) -> str:
    """Type and place of an error, never its message: that may quote somebody's data (law 4)."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"


def complain(error: BaseException) -> int:
    """Say what is wrong on standard error; the exit code."""
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        traceback.print_exception(error)
    for line in explain(error).splitlines():
        print(f"lawgate: {line}", file=sys.stderr)
    return code_of(error)
