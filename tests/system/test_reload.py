"""SIGHUP: a new configuration while requests run, and one that is not valid."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_process import PREAMBLE, GatewayProcess
from tests.system.conftest import MAIL, RECIPIENT, chat_json, curl, entries_of
from tests.system.model_server import ModelServer

_CONFIGURATION = """\
connections:
  llm: {{protocol: openai, upstream: "{model}/v1", credential: env:KEY, {recipient}}}
purposes:
  answer:
    title: Answer
    allow: {{connections: [llm]}}
    lawful_basis: 6-1-b
    mask: {{request: {profile}, answer: {profile}}}
rules:
  - {{name: closed models, if: {{models: [{refused}]}}, then: refuse}}
"""


def configuration(model: ModelServer, *, profile: str = "replace", refused: str = "nothing") -> str:
    return PREAMBLE + _CONFIGURATION.format(model=model.url, recipient=RECIPIENT, profile=profile, refused=refused)


@pytest.fixture
def gateway(model: ModelServer, tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path, configuration(model), {"KEY": "upstream-key-4711"}) as running:
        yield running


def ask(gateway: GatewayProcess, key: str, model: str = "demo", *, stream: bool = False) -> tuple[int, str, str]:
    """Status, exchange and answer of one chat; a stream counts only if its end came."""
    answer = curl(
        "-N",
        f"{gateway.data_url}/llm/v1/chat/completions",
        "-H",
        f"x-api-key: {key}",
        "-H",
        "content-type: application/json",
        "-d",
        chat_json(f"I am {MAIL}", model=model, stream=stream),
    )
    whole = answer.code == 0 and (not stream or answer.body.rstrip().endswith(b"data: [DONE]"))
    return answer.status if whole else 0, answer.headers.get("lawgate-exchange-id", ""), answer.body.decode()


def test_a_reload_under_load_fails_no_request(gateway: GatewayProcess, model: ModelServer) -> None:
    key = gateway.new_key("answer")
    seen: Counter[int] = Counter()
    ended = threading.Event()

    def load(*, stream: bool) -> None:
        while not ended.is_set():
            seen[ask(gateway, key, stream=stream)[0]] += 1

    threads = [threading.Thread(target=load, kwargs={"stream": stream}) for stream in (False, True, False)]
    for thread in threads:
        thread.start()
    try:
        digests = {gateway.digest}
        for profile in ("redact", "mask", "hmac", "replace"):
            before = sum(seen.values())
            gateway.wait_until(lambda least=before: sum(seen.values()) > least + 5, "no answers come")  # type: ignore[misc]
            gateway.configure(configuration(model, profile=profile))
            digests.add(gateway.reload()["digest"])
    finally:
        ended.set()
        for thread in threads:
            thread.join(30)
    assert set(seen) == {200}
    assert len(digests) == 4, "the last configuration is the first again"
    entries = entries_of(gateway, kind="config")
    assert [entry.meta["occasion"] for entry in entries] == ["start", "reload", "reload", "reload", "reload"]
    assert {entry.meta["digest"] for entry in entries} == digests
    assert entries[0].meta["digest"] == entries[-1].meta["digest"]
    gateway.lawgate("verify")


def test_the_next_request_is_under_the_new_configuration(gateway: GatewayProcess, model: ModelServer) -> None:
    key = gateway.new_key("answer")
    status, first, said = ask(gateway, key)
    assert (status, "I am <EMAIL>" in said) == (200, True)
    gateway.configure(configuration(model, profile="redact", refused="demo2"))
    digest = gateway.reload()["digest"]
    status, second, said = ask(gateway, key)
    assert (status, "I am [REDACTED]" in said) == (200, True)
    assert ask(gateway, key, "demo2")[0] == 403
    policies = [entries_of(gateway, exchange)[0].meta["grounds"]["policy"] for exchange in (first, second)]
    configs = entries_of(gateway, kind="config")
    assert [entry.meta["policy"] for entry in configs] == policies, "each record points to the one in force"
    assert configs[-1].meta["digest"] == digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("lawful_basis: 6-1-b", "lawful_basis: 6-1-z"), "lawful_basis"),
        (("protocol: openai", "protocol: opnai"), "protocol"),
        (("credential: env:KEY", "credential: env:MISSING"), "MISSING"),
        (("data: 127.0.0.1:0", "data: 127.0.0.1:1"), "listen"),
        (("evidence: evidence", "evidence: elsewhere"), "store"),
        (("purposes:", "purposes: ["), ""),
    ],
)
def test_an_invalid_configuration_changes_nothing(
    gateway: GatewayProcess, model: ModelServer, change: tuple[str, str], said: str
) -> None:
    key = gateway.new_key("answer")
    gateway.configure(configuration(model).replace(*change))
    line = gateway.reload("configuration not reloaded; the old one stays")
    assert said in line["reason"]
    assert ask(gateway, key)[0] == 200
    numbers = curl(f"{gateway.control_url}/metrics").body.decode()
    assert 'lawgate_configuration_reloads_total{result="refused"} 1.0' in numbers
    gateway.configure(configuration(model))
    assert len(entries_of(gateway, kind="config")) == 1


def test_a_file_that_is_gone_changes_nothing(gateway: GatewayProcess) -> None:
    key = gateway.new_key("answer")
    moved = gateway.config.rename(gateway.config.with_suffix(".away"))
    gateway.reload("configuration not reloaded; the old one stays")
    moved.rename(gateway.config)
    assert ask(gateway, key)[0] == 200


def test_a_storm_of_signals_is_harmless(gateway: GatewayProcess) -> None:
    key = gateway.new_key("answer")
    for _ in range(50):
        gateway.hang_up()
    gateway.wait_for_log("configuration reloaded")
    assert ask(gateway, key)[0] == 200
    assert gateway.stop() == 0
    gateway.lawgate("verify")


def test_a_stop_lets_a_stream_end(gateway: GatewayProcess) -> None:
    """SIGTERM in mid-stream: the stream comes to its end, new connections are refused, the exit code is 0."""
    key = gateway.new_key("answer")
    body = chat_json("hello", stream=True, metadata={"events": "30", "delay_ms": "30"})
    got: list[bytes] = []
    url = f"{gateway.data_url}/llm/v1/chat/completions"
    fields = ("-H", f"x-api-key: {key}", "-H", "content-type: application/json")
    thread = threading.Thread(target=lambda: got.append(curl("-N", url, *fields, "-d", body).body))
    thread.start()
    gateway.wait_until(lambda: entries_of(gateway, kind="intent"), "the request does not arrive", timeout_s=10)
    assert gateway.stop() == 0
    thread.join(20)
    assert got[0].rstrip().endswith(b"data: [DONE]")
    assert curl(url).code == 7
    assert [entry.outcome for entry in entries_of(gateway, kind="outcome")] == ["answered"]
