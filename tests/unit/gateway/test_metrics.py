"""Labels are bounded and hold nothing that a caller chose."""

from prometheus_client import generate_latest

from lawgate.gateway.metrics import Metrics


def test_exchanges_and_spans_are_counted() -> None:
    metrics = Metrics()
    metrics.ended("support-llm", "answered", "-", 0.02)
    metrics.ended("support-llm", "answered", "-", 0.02)
    metrics.spans("request", {"EMAIL": 3})
    text = generate_latest(metrics.registry).decode()
    assert 'lawgate_exchanges_total{code="-",connection="support-llm",outcome="answered"} 2.0' in text
    assert 'lawgate_spans_total{detector="EMAIL",direction="request"} 3.0' in text
    assert 'lawgate_exchange_seconds_count{connection="support-llm"} 2.0' in text
