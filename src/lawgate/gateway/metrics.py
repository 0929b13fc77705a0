"""Prometheus metrics of the data plane.

Rule: a label holds the name of a declared connection, a code, a detector or a stage: bounded sets that
operators wrote. Never a person, a path, a model or anything else that a caller chose.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
NO_CONNECTION = "-"

disable_created_metrics()  # type: ignore[no-untyped-call]  # series that say when a counter was made double the page and answer no question


class Metrics:
    """One set per process; children are cached, because finding one costs more than counting."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._exchanges = Counter(
            "lawgate_exchanges", "Exchanges that ended", ("connection", "outcome", "code"), registry=self.registry
        )
        self._spans = Counter("lawgate_spans", "Personal data found", ("direction", "detector"), registry=self.registry)
        self._duration = Histogram(
            "lawgate_exchange_seconds",
            "From arrival to the last byte",
            ("connection",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.in_progress = Gauge("lawgate_exchanges_in_progress", "Exchanges not ended", registry=self.registry)
        self.recording = Gauge("lawgate_evidence_writable", "1 when entries can be recorded", registry=self.registry)
        self.reloads = Counter("lawgate_configuration_reloads", "Reloads", ("result",), registry=self.registry)
        self.stream_events = Counter("lawgate_stream_events", "Stream events released", registry=self.registry)
        self.recording.set(1)
        self._known_exchanges: dict[tuple[str, str, str], Counter] = {}
        self._known_spans: dict[tuple[str, str], Counter] = {}
        self._known_durations: dict[str, Histogram] = {}

    def ended(self, connection: str, outcome: str, code: str, seconds: float) -> None:
        """Count an exchange that ended, and how long it took."""
        key = (connection, outcome, code)
        counter = self._known_exchanges.get(key)
        if counter is None:
            counter = self._known_exchanges[key] = self._exchanges.labels(*key)
        counter.inc()
        histogram = self._known_durations.get(connection)
        if histogram is None:
            histogram = self._known_durations[connection] = self._duration.labels(connection)
        histogram.observe(seconds)

    def spans(self, direction: str, counts: dict[str, int]) -> None:
        """Count spans by detector."""
        for detector, count in counts.items():
            key = (direction, detector)
            counter = self._known_spans.get(key)
            if counter is None:
                counter = self._known_spans[key] = self._spans.labels(*key)
            counter.inc(count)
