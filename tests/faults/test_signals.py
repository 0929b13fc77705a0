"""SIGTERM and SIGHUP while requests are under way, against the real gateway."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.fault_upstream import FaultUpstream, Seen
from tests.faults.raw_client import Received, ask, chat, post
from tests.faults.records import entries, last
from tests.gateway_process import PREAMBLE, GatewayProcess

CONFIGURATION: Final = """\
identity: [{{issuer: "http://127.0.0.1:9", audience: lawgate}}]
limits: {{stop_grace_s: {grace}}}
connections:
  m: {{protocol: openai, upstream: "{upstream}/v1", recipient: {{name: L, role: internal, country: DE}}}}
purposes:
  p:
    title: {title}
    allow: {{groups: [g], connections: [m]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    record: full
    mask: {{request: replace, answer: replace}}
"""
CHAT: Final = "/m/v1/chat/completions"
Start = Callable[[float], GatewayProcess]


def configuration(upstream: FaultUpstream, *, grace: float = 30, title: str = "T") -> str:
    return PREAMBLE + CONFIGURATION.format(upstream=upstream.url, grace=grace, title=title)


@pytest.fixture
def start(tmp_path: Path, upstream: FaultUpstream) -> Iterator[Start]:
    """Starts a gateway with a grace in seconds."""
    made: list[GatewayProcess] = []

    def begin(grace: float) -> GatewayProcess:
        made.append(GatewayProcess(tmp_path / f"gateway{len(made)}", configuration(upstream, grace=grace)).start())
        return made[-1]

    yield begin
    for gateway in made:
        gateway.kill()
        for word in ("Traceback", "failed inside the gateway", "never retrieved"):
            assert word not in gateway.stderr, gateway.stderr[-4000:]


class Call(threading.Thread):
    """One request on its way."""

    def __init__(self, gateway: GatewayProcess, sent: bytes) -> None:
        super().__init__()
        self.received = Received()
        self._port = gateway.data_port
        self._sent = sent
        self.start()

    def run(self) -> None:
        self.received = ask(self._port, self._sent)


def seen_by(gateway: GatewayProcess, upstream: FaultUpstream, after: int) -> Seen:
    gateway.wait_until(lambda: len(upstream.seen) > after, "the upstream saw nothing", timeout_s=10)
    return upstream.seen[after]


def test_a_stop_lets_a_stream_end(start: Start, upstream: FaultUpstream) -> None:
    gateway = start(10)
    sent = post(CHAT, chat("stream_slowly", stream=True), gateway.new_key("p"))
    after = len(upstream.seen)
    call = Call(gateway, sent)
    seen_by(gateway, upstream, after)
    assert gateway.stop() == 0
    call.join(10)
    assert (call.received.status, call.received.complete) == (200, True)
    assert b"data: [DONE]" in call.received.body
    assert last(gateway, call.received.exchange).outcome == "answered"


def test_a_stop_cuts_what_outlasts_the_grace(start: Start, upstream: FaultUpstream) -> None:
    """``stop_grace_s``: a stream without end, a silent upstream and a body that never comes, each in its state."""
    gateway = start(0.5)
    key = gateway.new_key("p")
    after = len(upstream.seen)
    calls = [Call(gateway, post(CHAT, chat(model, stream=True), key)) for model in ("stream_for_ever", "hang")]
    calls.append(Call(gateway, post(CHAT, chat("answer"), key)[:-10]))
    gateway.wait_until(lambda: len(upstream.seen) >= after + 2, "the upstream saw nothing", timeout_s=10)
    time.sleep(0.3)
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 6
    for call in calls:
        call.join(10)
    assert not calls[0].received.complete, "it was cut, not ended"
    for seen in upstream.seen[after:]:
        found = last(gateway, seen.exchange)
        assert (found.outcome, found.code) == ("interrupted", "stopping")
        assert seen.gone.wait(5)
    refused = entries(gateway, kind="refusal")[-1]
    assert (refused.outcome, refused.code) == ("refused", "stopping")
    assert len(entries(gateway, kind="intent")) == len(entries(gateway, kind="outcome")) == 2


def test_a_stop_under_load_leaves_nothing_open(start: Start) -> None:
    gateway = start(5)
    key = gateway.new_key("p")
    load = Load(gateway, key)
    time.sleep(0.5)
    assert gateway.stop() == 0
    load.end()
    assert all(received.complete for received in load.received if received.status == 200)
    assert {received.status for received in load.received} <= {200, 503, 0}
    assert len(entries(gateway, kind="intent")) == len(entries(gateway, kind="outcome")) > 0


class Load:
    """Clients that ask without a pause until ``end``."""

    def __init__(self, gateway: GatewayProcess, key: str, clients: int = 4) -> None:
        self.received: list[Received] = []
        self._stop = threading.Event()
        self._gateway = gateway
        self._key = key
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        while not self._stop.is_set() and self._gateway.running:
            model = "stream" if number % 2 else "answer"
            sent = post(CHAT, chat(model, stream=model == "stream"), self._key)
            self.received.append(ask(self._gateway.data_port, sent))

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)


def test_reloads_under_load_fail_no_request(start: Start, upstream: FaultUpstream) -> None:
    gateway = start(5)
    load = Load(gateway, gateway.new_key("p"))
    try:
        digests = [gateway.digest]
        for number in range(3):
            gateway.configure(configuration(upstream, grace=5, title=f"Title {number}"))
            digests.append(gateway.reload()["digest"])
            time.sleep(0.1)
            gateway.configure("version: 1\nlisten: {data: nonsense}\n")
            said = gateway.reload("configuration not reloaded; the old one stays")
            assert said["level"] == "error"
            assert "lawgate.yaml:" in said["reason"], "it says where"
            time.sleep(0.1)
    finally:
        load.end()
    gateway.configure(configuration(upstream, grace=5, title="Title 2"))
    assert len(set(digests)) == 4
    recorded = [entry.meta["digest"] for entry in entries(gateway, kind="config")]
    assert recorded == digests, "each accepted configuration is an entry, a refused one is none"
    assert all((received.status, received.complete) == (200, True) for received in load.received)
    titles = {entry.meta["grounds"]["title"] for entry in entries(gateway, kind="intent")}
    assert {"T", "Title 2"} <= titles, "requests ran under the old and the new one"


def test_what_a_reload_cannot_change_is_refused_whole(start: Start, upstream: FaultUpstream) -> None:
    gateway = start(5)
    gateway.configure(configuration(upstream, grace=6, title="Other"))
    assert "limits cannot change" in gateway.reload("configuration not reloaded; the old one stays")["reason"]
    gateway.config.unlink()
    gateway.reload("configuration not reloaded; the old one stays")
    received = ask(gateway.data_port, post(CHAT, chat("answer"), gateway_key(gateway, upstream)))
    assert received.status == 200
    assert [entry.meta["grounds"]["title"] for entry in entries(gateway, kind="intent")] == ["T"]


def gateway_key(gateway: GatewayProcess, upstream: FaultUpstream) -> str:
    """A key, from a command that needs the file back."""
    gateway.configure(configuration(upstream, grace=5))
    return gateway.new_key("p")
