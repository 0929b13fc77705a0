"""Times as people write and read them.

Rule: a point in time is shown in UTC; beside it stands how long ago that was.
"""

from datetime import UTC, date, datetime
from typing import Final

import click

_STEPS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def utc(ts: float) -> str:
    """``2026-01-31 09:30:00``; the heading says that it is UTC."""
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(ts: float, now: float) -> str:
    """``3 min ago``, ``in 90 d``, ``now``."""
    apart_s = int(now - ts)
    said = next((f"{abs(apart_s) // size} {unit}" for size, unit in _STEPS if abs(apart_s) >= size), None)
    if said is None:
        said = f"{abs(apart_s)} s" if apart_s else ""
    if not said:
        return "now"
    return f"{said} ago" if apart_s > 0 else f"in {said}"


class Moment(click.ParamType):
    """A date, a time, or a length of time that is counted back from now (``ahead``: forward)."""

    name = "time"

    def __init__(self, now: float | None = None, *, ahead: bool = False) -> None:
        self._now = now
        self._ahead = ahead

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds since the epoch."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return self._length(text, param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

    def _length(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from time import time

        from lawgate.config.problem import WrongValueError
        from lawgate.config.quantity import seconds

        try:
            length_s = seconds(text)
        except WrongValueError as error:
            meant = f" (did you mean {error.suggestion}?)" if error.suggestion else ""
            example = "90d or 2027-01-31" if self._ahead else "2h, 30 days or 2026-01-31T09:30 (UTC)"
            self.fail(f"{text!r} {error}{meant}; write it as {example}", param, ctx)
        now = time() if self._now is None else self._now
        return int(now + length_s if self._ahead else now - length_s)


def today(now: float) -> date:
    """The date in UTC."""
    return datetime.fromtimestamp(now, UTC).date()
