"""Which bucket key a part is sealed under: expiry destroys one bucket key and with it a period's parts.

Rule: buckets are daily below 90 days of retention and monthly from there on, so content outlives its
promise by at most a day, or by a month where the promise is a quarter of a year or more (UTC).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

DAY_S: Final = 86_400
DAILY_BELOW_D: Final = 90
CONTENT: Final = "content"
EVIDENCE: Final = "evidence"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One (retention, period). ``expires_at`` is in seconds since the epoch."""

    part: str
    days: int
    period: str
    expires_at: int


def bucket_for(part: str, days: int, day: int) -> Bucket:
    """The bucket of what was recorded on ``day`` (days since the epoch) to be kept for ``days``."""
    on = date(1970, 1, 1) + timedelta(days=day)
    if days < DAILY_BELOW_D:
        period, end = on.isoformat(), on + timedelta(days=1)
    else:
        period, end = on.strftime("%Y-%m"), _next_month(on)
    expires = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=days)
    return Bucket(part, days, period, int(expires.timestamp()))


def _next_month(on: date) -> date:
    return date(on.year + on.month // 12, on.month % 12 + 1, 1)
