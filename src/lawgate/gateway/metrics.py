"""Prometheus metrics of the data plane.

Rule 1: a label holds the name of a declared connection, a code, a detector or a stage: bounded sets that
operators wrote. Never a person, a path, a model or anything else that a caller chose.
Rule 2: counting is adding to a number. The exposition's own objects are made when somebody looks,
because their locks would cost more than the rest of an exchange's bookkeeping.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
NO_CONNECTION: Final = "-"


class Durations:
    """How many exchanges took how long: counts by bucket (the last one is "longer"), and their sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Prometheus buckets: (upper bound, how many took at most that)."""
        total = 0.0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip([*map(str, BUCKETS_S), "+Inf"], self.counts, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets


class Metrics(Collector):
    """One set per process; belongs to the event loop's thread, as everything that counts does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_progress = 0
        self.recording = True
        self.stream_events = 0
        self.reloads = {"accepted": 0, "refused": 0}
        self.exchanges: dict[tuple[str, str, str], int] = {}
        self.found: dict[tuple[str, str], int] = {}
        self.durations: dict[str, Durations] = {}
        self.registry.register(self)

    def ended(self, connection: str, outcome: str, code: str, seconds: float) -> None:
        """Count an exchange that ended, and how long it took."""
        key = (connection, outcome, code)
        self.exchanges[key] = self.exchanges.get(key, 0) + 1
        durations = self.durations.get(connection)
        if durations is None:
            durations = self.durations[connection] = Durations()
        durations.add(seconds)

    def spans(self, direction: str, counts: dict[str, int]) -> None:
        """Count spans by detector."""
        for detector, count in counts.items():
            key = (direction, detector)
            self.found[key] = self.found.get(key, 0) + count

    def collect(self) -> Iterator[Metric]:
        """Everything, as the exposition wants it."""
        exchanges = CounterMetricFamily(
            "lawgate_exchanges", "Exchanges that ended", labels=("connection", "outcome", "code")
        )
        for key, count in self.exchanges.items():
            exchanges.add_metric(key, count)
        yield exchanges
        found = CounterMetricFamily("lawgate_spans", "Personal data found", labels=("direction", "detector"))
        for pair, count in self.found.items():
            found.add_metric(pair, count)
        yield found
        seconds = HistogramMetricFamily(
            "lawgate_exchange_seconds", "From arrival to the last byte", labels=("connection",)
        )
        for connection, durations in self.durations.items():
            seconds.add_metric((connection,), durations.cumulative(), durations.sum_s)
        yield seconds
        reloads = CounterMetricFamily("lawgate_configuration_reloads", "Reloads", labels=("result",))
        for result, count in self.reloads.items():
            reloads.add_metric((result,), count)
        yield reloads
        yield CounterMetricFamily("lawgate_stream_events", "Stream events released", value=self.stream_events)
        yield GaugeMetricFamily("lawgate_exchanges_in_progress", "Exchanges not ended", value=self.in_progress)
        yield GaugeMetricFamily(
            "lawgate_evidence_writable", "1 when entries can be recorded", value=1 if self.recording else 0
        )
