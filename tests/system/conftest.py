"""What all system tests share: one identity provider, two model servers and one gateway in front of them.

Rule 1: everything here is a real process or a real server; nothing stands in for anything of ours.
Rule 2: a test that reloads, rotates, or stops something starts its own.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import openai
import pytest

from lawgate.operations.place import find_place
from lawgate.operations.visit import visiting
from tests.gateway_process import PREAMBLE, GatewayProcess
from tests.system.model_server import ModelServer, running_model
from tests.system.oidc_provider import OidcProvider, oidc_provider  # noqa: F401  a fixture for all

UPSTREAM_KEY: Final = "upstream-key-4711"
CARD: Final = "4111 1111 1111 1111"
MAIL: Final = "anna.schmidt@mail.example"
PHONE: Final = "+49 30 901820"
CLIENT_DATA: Final = (CARD, MAIL, PHONE)
"""What clients send; no upstream may ever see it."""
START_S: Final = 60.0
CLIENT_TIMEOUT_S: Final = 15.0


# ---- upstreams ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    """The upstream that keeps every byte."""
    with running_model() as server:
        yield server


@dataclass(frozen=True)
class LitServe:
    """A running LitServe and the file of what its model was asked."""

    url: str
    record: Path

    def asked(self) -> list[list[dict[str, Any]]]:
        return [json.loads(line) for line in self.record.read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def litserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LitServe]:
    """A real model server; its workers outlive SIGTERM to their parent, so its whole group is ended."""
    folder = tmp_path_factory.mktemp("litserve")
    record = folder / "asked.jsonl"
    record.touch()
    port = free_port()
    script = Path(__file__).with_name("litserve_app.py")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(script), str(port), str(record)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait_healthy(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield LitServe(f"http://127.0.0.1:{port}/v1", record)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _wait_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            said = log.read_text("utf-8", "replace")[-2000:]
            assert process.poll() is None, f"LitServe ended: {said}"
            assert time.monotonic() < deadline, f"LitServe does not answer: {said}"
            time.sleep(0.1)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# ---- the gateway ----------------------------------------------------------------------------

RECIPIENT: Final = "recipient: {name: LLM GmbH, role: processor, country: DE, contract: DPA-2026-014}"

_CONFIGURATION: Final = """\
identity:
  - {{issuer: "{issuer}", audience: lawgate}}
limits: {{body_b_max: 4 MiB}}
connections:
  llm: {{protocol: openai, upstream: "{model}/v1", credential: env:UPSTREAM_KEY, {recipient}}}
  litserve: {{protocol: openai, upstream: "{litserve}", {recipient}}}
  dead: {{protocol: openai, upstream: "http://127.0.0.1:{closed}/v1", {recipient}}}
  azure:
    protocol: openai
    upstream: "{model}/v1"
    credential: file:upstream.key
    credential_header: api-key
    send_exchange_id: false
    {recipient}
  api: {{protocol: generic, upstream: "{model}/api", cors_origins: ["https://app.example"], {recipient}}}
  files:
    protocol: generic
    upstream: "{model}/api"
    allow_not_inspected: [image/png, application/octet-stream]
    {recipient}
purposes:
  answer-customers:
    title: Draft answers to customers
    allow: {{groups: [support], connections: [llm, litserve, dead, azure, api, files]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact, financial]}}
    record: full
    retention: {{content: 30 days, evidence: 1 year}}
    mask: {{request: careful, answer: redact}}
  handle-claims:
    title: Handle claims
    allow: {{groups: [claims], connections: [llm]}}
    lawful_basis: 6-1-c
    law: VVG section 14
    data: {{subjects: [customers], categories: [contact]}}
    mask: {{request: hmac, answer: replace}}
  without-originals:
    title: Keep what was masked
    allow: {{connections: [llm]}}
    lawful_basis: 6-1-f
    assessment: LIA-7
    record: masked
  without-bodies:
    title: Keep numbers only
    allow: {{connections: [llm]}}
    lawful_basis: 6-1-d
    record: metadata
masking:
  profiles:
    careful: {{default: replace, PAYMENT_CARD: redact}}
rules:
  - {{name: closed models, if: {{models: ["forbidden*"]}}, then: refuse, message: This model is not for you.}}
  - {{name: four eyes, if: {{models: ["held*"]}}, then: hold, approvers: {{groups: [support]}}}}
"""


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A port that is taken and refuses every connection, for as long as the tests run."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="session")
def gateway(
    oidc_provider: OidcProvider,  # noqa: F811
    model: ModelServer,
    litserve: LitServe,
    closed_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProcess]:
    """``lawgate serve`` in front of all of them."""
    folder = tmp_path_factory.mktemp("gateway")
    key = folder / "upstream.key"
    key.write_text(UPSTREAM_KEY)
    key.chmod(0o600)
    text = PREAMBLE + _CONFIGURATION.format(
        issuer=oidc_provider.issuer,
        model=model.url,
        litserve=litserve.url,
        closed=closed_port,
        recipient=RECIPIENT,
    )
    with GatewayProcess(folder, text, {"UPSTREAM_KEY": UPSTREAM_KEY}) as running:
        yield running
    printed = running.stderr
    assert "Traceback" not in printed, printed[-4000:]
    assert "failed inside the gateway" not in printed, printed[-4000:]
    assert_nowhere(running.paths.evidence, printed)


def assert_nowhere(folder: Path, printed: str) -> None:
    """Law 4: nothing that a client or a model said of a person lies in clear on disk or in the log."""
    for value in (*CLIENT_DATA, "sam.berg@claims.example", "DE89 3704 0044 0532 0130 00", UPSTREAM_KEY):
        assert value not in printed
        for path in folder.rglob("*"):
            assert not path.is_file() or value.encode() not in path.read_bytes(), f"{path.name} holds {value[:4]}..."


@pytest.fixture(scope="session")
def token(oidc_provider: OidcProvider) -> str:  # noqa: F811
    """A real access token of a member of ``support``."""
    return oidc_provider.token("support-desk")


@pytest.fixture
def sdk(gateway: GatewayProcess, token: str) -> Iterator[Callable[..., openai.OpenAI]]:
    """Makes an unmodified client: base URL and token, nothing else. ``sdk("litserve", api_key=...)``."""
    made: list[openai.OpenAI] = []

    def make(connection: str = "llm", **settings: Any) -> openai.OpenAI:
        settings = {"api_key": token, **settings}
        made.append(openai.OpenAI(base_url=f"{gateway.data_url}/{connection}/v1", **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


# ---- curl -----------------------------------------------------------------------------------


@dataclass
class Curled:
    """What ``curl`` printed: status, fields of the last head, and body."""

    code: int
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stderr: str = ""
    heads: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def exchange(self) -> str:
        return self.headers["lawgate-exchange-id"]


def curl(*arguments: str, data: bytes | None = None, timeout_s: float = CLIENT_TIMEOUT_S) -> Curled:
    """Run curl without its user's settings and proxies; ``data`` is its standard input."""
    with tempfile.NamedTemporaryFile() as heads:
        command = ["curl", "-q", "--noproxy", "*", "-sS", "--max-time", str(timeout_s), "-D", heads.name, *arguments]
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout_s + 5, check=False)
        text = heads.read().decode("latin-1")
    it = Curled(done.returncode, body=done.stdout, stderr=done.stderr.decode("utf-8", "replace"))
    for block in [block for block in text.split("\r\n\r\n") if block]:
        line, *fields = block.split("\r\n")
        it.heads += 1
        it.status = int(line.split(" ")[1])
        it.headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
    return it


def chat_json(text: str, **more: Any) -> str:
    """The body of a chat completion request."""
    return json.dumps({"model": "demo", "messages": [{"role": "user", "content": text}], **more})


# ---- the record -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One entry of the log with every part opened, originals included."""

    kind: str
    state: str | None
    outcome: str | None
    code: str | None
    index: int | None
    ts: int
    leaf: bytes
    meta: dict[str, Any]
    parts: dict[str, bytes]


def entries_of(gateway: GatewayProcess, exchange: str | None = None, *, kind: str | None = None) -> list[Entry]:
    """The entries of one exchange, or of a kind, oldest first; read as another process would."""

    async def read() -> list[Entry]:
        async with visiting(find_place(gateway.config)) as visit:
            found = visit.reader.exchange(exchange) if exchange else visit.reader.entries(newest_first=False)
            return [_opened(visit.reader, entry) for entry in found if kind in {None, entry.row.kind}]

    return asyncio.run(read())


def _opened(reader: Any, entry: Any) -> Entry:
    opened = reader.open_parts(entry)
    parts = {}
    for label, part in opened.items():
        assert part.plaintext is not None, f"{label} of a {entry.row.kind} does not open: {part}"
        parts[label] = part.plaintext
    row = entry.row
    meta = json.loads(parts["meta"]) if "meta" in parts else {}
    return Entry(row.kind, row.state, row.outcome, row.code, entry.index, row.ts, row.leaf, meta, parts)


def outcome_of(gateway: GatewayProcess, exchange: str) -> Entry:
    """The last entry of an exchange, once it has one; for clients that left before it was written."""
    found: list[Entry] = []

    def ended() -> bool:
        found[:] = entries_of(gateway, exchange)
        return bool(found) and found[-1].outcome is not None

    gateway.wait_until(ended, f"exchange {exchange} has no outcome", timeout_s=10)
    return found[-1]
