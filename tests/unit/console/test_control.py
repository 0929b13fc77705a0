"""The control port says little, to anyone."""

from prometheus_client import CollectorRegistry, Counter
from starlette.testclient import TestClient

from lawgate.console.control import control_app


def test_liveness_readiness_and_metrics() -> None:
    registry = CollectorRegistry()
    Counter("lawgate_example", "An example", registry=registry).inc()
    missing: list[str | None] = [None]
    client = TestClient(control_app(lambda: missing[0], registry))
    assert client.get("/livez").text == "ok\n"
    assert client.get("/readyz").json() == {"ready": True, "missing": None}
    assert "lawgate_example_total 1.0" in client.get("/metrics").text
    missing[0] = "evidence"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "missing": "evidence"})
    assert client.get("/livez").status_code == 200


def test_nothing_else_is_served() -> None:
    client = TestClient(control_app(lambda: None, CollectorRegistry()))
    assert client.get("/").status_code == 404
    assert client.post("/livez").status_code == 405
