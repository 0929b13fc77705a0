"""Times as people write and read them.

Rule: a point in time is shown in UTC; beside it stands how long ago that was.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import time
from datetime import UTC, date, datetime
from typing import Final

import click

_STEPS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def utc(ts: float) -> str:
    """``2026-01-31 09:30:00``; the heading says that it is UTC."""
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(ts: float, now: float) -> str:
    """``3 min ago``, ``in 90 d``, ``now``."""
    apart_s = round(abs(now - ts))
    size, unit = next((step for step in _STEPS if apart_s >= step[0]), (1, "s"))
    if apart_s == 0:
        return "now"
    # A key made for 30 days a moment ago is one "in 30 d": the future is told to the nearest unit.
    return f"{apart_s // size} {unit} ago" if now > ts else f"in {round(apart_s / size)} {unit}"


def past(text: str) -> int:
    """A time that has been, or a length of time that is counted back from now; in seconds since the epoch."""
    return _moment(text, -1, "2h, 30 days or 2026-01-31T09:30 (UTC)")


def ahead(text: str) -> int:
    """A time to come, or how long it is until then; in seconds since the epoch."""
    return _moment(text, 1, "90d, 1 year or 2027-01-31")


def _moment(text: str, direction: int, example: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return int(time.time() + direction * _length_s(text, example))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _length_s(text: str, example: str) -> float:
    from lawgate.config.problem import WrongValueError
    from lawgate.config.quantity import seconds

    try:
        return seconds(text)
    except WrongValueError as error:
        meant = f" (did you mean {error.suggestion}?)" if error.suggestion else ""
        raise click.BadParameter(f"{error}{meant}; write it as {example}") from None


def today(now: float) -> date:
    """The date in UTC."""
    return datetime.fromtimestamp(now, UTC).date()
