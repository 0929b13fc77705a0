from datetime import UTC, datetime

import pytest

from lawgate.store.buckets import CONTENT, DAY_S, Bucket, bucket_for


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // DAY_S


def date_of(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()


@pytest.mark.parametrize(
    ("days", "on", "period", "expires"),
    [
        (30, "2026-11-23", "2026-11-23", "2026-12-24T00:00:00+00:00"),
        (0, "2026-11-23", "2026-11-23", "2026-11-24T00:00:00+00:00"),
        (89, "2026-12-31", "2026-12-31", "2027-03-31T00:00:00+00:00"),
        (90, "2026-11-23", "2026-11", "2027-03-01T00:00:00+00:00"),
        (365, "2026-12-31", "2026-12", "2028-01-01T00:00:00+00:00"),
        (30, "2028-02-29", "2028-02-29", "2028-03-31T00:00:00+00:00"),
    ],
)
def test_a_bucket_ends_when_its_whole_period_was_kept_long_enough(
    days: int, on: str, period: str, expires: str
) -> None:
    bucket = bucket_for(CONTENT, days, day(on))
    assert (bucket.period, date_of(bucket.expires_at)) == (period, expires)


def test_nothing_expires_before_its_days_are_over() -> None:
    for days in (0, 1, 30, 89, 90, 365, 3650):
        for on in range(day("2026-01-01"), day("2028-12-31"), 17):
            bucket: Bucket = bucket_for(CONTENT, days, on)
            late_s = bucket.expires_at - (on + days) * DAY_S
            assert DAY_S <= late_s <= (1 if days < 90 else 31) * DAY_S
