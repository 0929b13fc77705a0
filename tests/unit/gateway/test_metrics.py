"""Labels are bounded and hold nothing that a caller chose."""

from prometheus_client import generate_latest

from lawgate.gateway.metrics import Durations, Metrics


def test_exchanges_and_spans_are_counted() -> None:
    metrics = Metrics()
    metrics.ended("support-llm", "answered", "-", 0.02)
    metrics.ended("support-llm", "answered", "-", 0.02)
    metrics.spans("request", {"EMAIL": 3})
    text = generate_latest(metrics.registry).decode()
    assert 'lawgate_exchanges_total{code="-",connection="support-llm",outcome="answered"} 2.0' in text
    assert 'lawgate_spans_total{detector="EMAIL",direction="request"} 3.0' in text
    assert 'lawgate_exchange_seconds_count{connection="support-llm"} 2.0' in text


def test_durations_are_cumulative_and_have_an_end() -> None:
    durations = Durations()
    for seconds in (0.0005, 0.001, 0.3, 1000.0):
        durations.add(seconds)
    buckets = dict(durations.cumulative())
    assert (buckets["0.001"], buckets["0.25"], buckets["0.5"], buckets["+Inf"]) == (2, 2, 3, 4)
