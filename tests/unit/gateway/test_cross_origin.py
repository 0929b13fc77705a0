"""CORS is off unless an exact origin is named."""

from dataclasses import replace

from lawgate.gateway.cross_origin import allowed_origin, answer_headers, preflight_headers
from tests.playbook import CONNECTION

OPEN = replace(CONNECTION, cors_origins=("https://app.example",))


def test_exact_origins_only() -> None:
    assert allowed_origin(OPEN, "https://app.example") == b"https://app.example"
    for other in ("https://app.example.evil", "http://app.example", "null", "*", None):
        assert allowed_origin(OPEN, other) is None
    assert allowed_origin(CONNECTION, "https://app.example") is None
    assert allowed_origin(None, "https://app.example") is None


def test_answers_vary_by_origin_and_never_allow_all() -> None:
    fields = dict(answer_headers(b"https://app.example"))
    assert fields[b"access-control-allow-origin"] == b"https://app.example"
    assert fields[b"vary"] == b"origin"
    assert b"access-control-allow-credentials" not in dict(preflight_headers(b"https://app.example"))
