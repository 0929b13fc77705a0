import time
from datetime import date

import click
import pytest

from lawgate.cli.times import ago, ahead, past, today, utc

NOW = 1_790_000_000


@pytest.mark.parametrize(
    ("ts", "said"),
    [
        (NOW, "now"),
        (NOW - 1, "1 s ago"),
        (NOW - 59, "59 s ago"),
        (NOW - 60, "1 min ago"),
        (NOW - 7200, "2 h ago"),
        (NOW - 3 * 86_400, "3 d ago"),
        (NOW - 2 * 86_400 + 1, "1 d ago"),
        (NOW + 90 * 86_400 - 0.4, "in 90 d"),
        (NOW + 30 * 86_400 - 5, "in 30 d"),
        (NOW + 5, "in 5 s"),
    ],
)
def test_how_long_ago(ts: float, said: str) -> None:
    assert ago(ts, NOW) == said


def test_times_are_utc_wherever_the_reader_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert utc(NOW) == "2026-09-21 14:13:20"
        assert today(NOW) == date(2026, 9, 21)
        assert past("2026-09-21T14:13:20") == NOW
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["2026-09-21 14:13:20", "2026-09-21T16:13:20+02:00", "2026-09-21T14:13:20Z"])
def test_a_moment_with_or_without_a_zone(text: str) -> None:
    assert past(text) == NOW


def test_lengths_are_counted_from_now() -> None:
    before = time.time()
    assert before - 7201 <= past("2h") <= time.time() - 7199
    assert before + 90 * 86_400 - 1 <= ahead("90d") <= time.time() + 90 * 86_400 + 1


@pytest.mark.parametrize("text", ["", "soon", "3", "2 months", "-1h", "1e9d", "2026-13-01"])
def test_anything_else_says_how_to_write_it(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it as"):
        past(text)
