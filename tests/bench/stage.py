"""Everything that a run of requests needs, put up and taken down: identity, upstreams, nginx, the gateway.

Rule 1: the gateway is ``lawgate serve`` on a store of its own, with the settings that people get.
Rule 2: before anything is measured, one request shows that the gateway really governs: what arrives and
        what comes back is masked, and without a credential nothing passes.
"""

import contextlib
import json
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from lawgate.demo.idp import SECRET
from tests.bench import nginx
from tests.bench.bodies import ANSWER_EMAIL, ANSWER_PHONE, TEMPLATE, content_of, request_body
from tests.bench.children import BenchError, python_server
from tests.bench.load import Generator, Target, ask
from tests.bench.machine import Cores, Tools, pinned
from tests.gateway_process import PREAMBLE, GatewayProcess

CALL_S: Final = 10.0
CLIENT: Final = "support-desk"
PURPOSE: Final = "answer-customers"

_CONFIGURATION: Final = """\
identity:
  - {{issuer: "http://127.0.0.1:{idp}", audience: lawgate, groups_claim: groups}}
connections:
  chat:
    protocol: openai
    upstream: "http://127.0.0.1:{whole}/v1"
    recipient: {{name: LLM GmbH, role: internal, country: DE}}
  stream:
    protocol: openai
    upstream: "http://127.0.0.1:{events}/v1"
    recipient: {{name: LLM GmbH, role: internal, country: DE}}
purposes:
  answer-customers:
    title: Draft answers to customers
    allow: {{groups: [support], connections: [chat, stream]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    retention: {{content: 30 days, evidence: 1 year}}
    mask: {{request: replace, answer: replace}}
limits: {{upstream_connections_per_host_max: 1024}}
"""


def configuration(*, idp: int, whole: int, events: int) -> str:
    """The gateway's, with the ports of the others."""
    return PREAMBLE + _CONFIGURATION.format(idp=idp, whole=whole, events=events)


@dataclass(frozen=True)
class Stage:
    """Ports and processes of one run; ``proxy`` is nginx's port and process id, if there is one."""

    gateway: GatewayProcess
    whole: int
    events: int
    proxy: tuple[int, int] | None
    token: str
    key: str
    generator: Generator
    core: int | None
    """The gateway's and nginx's."""

    def direct(self) -> Target:
        return Target("direct", self.whole, "", None)

    def governed(self) -> Target:
        return Target("lawgate, token", self.gateway.data_port, "/chat", self.gateway.pid, self.token)

    def governed_by_key(self) -> Target:
        return Target("lawgate, API key", self.gateway.data_port, "/chat", self.gateway.pid, self.key)

    def governed_streams(self) -> Target:
        return Target("lawgate", self.gateway.data_port, "/stream", self.gateway.pid, self.token)

    def passed(self, path: str = "/chat") -> list[Target]:
        """nginx as a target: one, or none where it is absent."""
        return [] if self.proxy is None else [Target("nginx", self.proxy[0], path, self.proxy[1])]

    async def require_governed(self) -> None:
        """Raise ``BenchError`` unless requests and answers are masked and strangers are refused."""
        stranger = Target("a request without credential", self.gateway.data_port, "/chat", None)
        await require_governed(self.governed(), self.governed_streams(), stranger)


async def require_governed(whole: Target, events: Target, stranger: Target) -> None:
    """The same for a target in front of each upstream, and one without credential."""
    said = content_of(await ask(whole, request_body()))
    if ANSWER_EMAIL in said or ANSWER_PHONE in said or TEMPLATE not in said:
        raise BenchError(f"{whole.name} does not mask answers; there is nothing to measure")
    if content_of(await ask(events, request_body("seen"))) != "masked":
        raise BenchError(f"{events.name} does not mask requests; there is nothing to measure")
    try:
        await ask(stranger, request_body())
    except BenchError:
        return
    raise BenchError(f"{stranger.name} is answered; there is nothing to measure")


@contextlib.contextmanager
def put_up(tools: Tools, cores: Cores, folder: Path) -> Iterator[Stage]:
    """Raise ``BenchError`` or ``AssertionError`` with the reason if something does not start."""
    with contextlib.ExitStack() as down:
        idp = down.enter_context(
            python_server("identity provider", ["lawgate", "demo", "idp", "--port", "0"], folder, cores.load)
        )
        events = down.enter_context(python_server("responder", ["tests.bench.responder"], folder, cores.load))
        whole, proxy = events, None
        if tools.nginx is not None:
            whole = down.enter_context(nginx.upstream(tools.nginx, folder, cores.load))
            proxy = down.enter_context(nginx.pass_through(tools.nginx, folder, cores.gateway, whole, events))
        gateway = GatewayProcess(folder / "gateway", configuration(idp=idp, whole=whole, events=events))
        with pinned(cores.gateway):
            down.enter_context(gateway)
        generator = Generator(tools.wrk, cores.load, folder, request_body())
        yield Stage(gateway, whole, events, proxy, _token(idp), gateway.new_key(PURPOSE), generator, cores.gateway)


@contextlib.contextmanager
def folder_for_a_run(parent: str | None) -> Iterator[Path]:
    """A folder that goes again; its file system decides what durability costs."""
    with tempfile.TemporaryDirectory(prefix="lawgate-bench-", dir=parent) as name:
        yield Path(name)


def _token(idp: int) -> str:
    """A real access token, by client credentials (RFC 6749 section 4.4)."""
    basic = b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{idp}/token",
        urlencode({"grant_type": "client_credentials"}).encode(),
        {"authorization": f"Basic {basic}"},
    )
    without_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with without_proxies.open(request, timeout=CALL_S) as answer:
        return str(json.load(answer)["access_token"])
