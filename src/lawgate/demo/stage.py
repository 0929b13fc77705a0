"""Where the story plays: a folder that goes again, an identity provider, a model and the gateway.

Rule 1: what was put up is taken down in reverse order, whatever happens, and the folder last.
Rule 2: everything listens on loopback, at ports that the system chooses. Each process says where: the two
        servers on their first line, the gateway in its log.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

import httpx

from lawgate.demo.children import Child, ChildError, run, stop
from lawgate.demo.listening import READY

CONNECTION: Final = "support-llm"
SERVING: Final = "serving"
"""The log message with which the gateway says that it serves, and where."""
CALL_S: Final = 15
"""Longest that one call of the story may take."""

_CONFIGURATION: Final = Template("""\
version: 1
listen: {data: 127.0.0.1:0, control: 127.0.0.1:0}
store: {evidence: evidence, keys: keys}
controller: {name: Northwind Mutual, contact: privacy@northwind.example, dpo: dpo@northwind.example}
identity:
  - {issuer: "$issuer", audience: lawgate, groups_claim: groups}
connections:
  $connection:
    protocol: openai
    upstream: $model/v1
    recipient: {name: Demo Model, role: internal, country: DE}
purposes:
  answer-customers:
    title: Draft answers to customers
    allow: {groups: [support], connections: [$connection]}
    lawful_basis: 6-1-b
    data: {subjects: [customers], categories: [contact, financial]}
    record: full
    retention: {content: 30 days, evidence: 1 year}
    mask: {request: careful, answer: redact}
masking:
  profiles:
    careful: {default: replace, PAYMENT_CARD: redact}
""")


@dataclass(frozen=True, slots=True)
class Stage:
    """Addresses without a final slash, and the folder that holds configuration, store and keys."""

    folder: Path
    idp: str
    model: str
    gateway: str
    client: httpx.Client
    children: tuple[Child, ...]

    @property
    def configuration(self) -> Path:
        return self.folder / "lawgate.yaml"

    def require_running(self) -> None:
        """Raise ``ChildError`` if one of the processes has ended."""
        for child in self.children:
            child.require_running()


@contextmanager
def put_up(interrupted: Callable[[], None]) -> Iterator[Stage]:
    """Start everything and take it down at the end; ``interrupted`` raises when it is time to give up.

    Raises ``ChildError`` if something does not start.
    """
    with ExitStack() as down:
        folder = Path(down.enter_context(tempfile.TemporaryDirectory(prefix="lawgate-demo-")))

        # The environment's proxies are not for loopback.
        client = down.enter_context(httpx.Client(timeout=CALL_S, trust_env=False))

        children: list[Child] = []
        down.callback(lambda: stop(reversed(children)))

        def start(name: str, *arguments: str) -> Child:
            children.append(Child(name, list(arguments), folder / f"{name.replace(' ', '-')}.log"))
            return children[-1]

        idp = start("identity provider", "demo", "idp", "--port", "0")
        model = start("model", "demo", "model", "--port", "0")
        idp_address, model_address = (address_of(child, interrupted) for child in (idp, model))
        configuration = folder / "lawgate.yaml"
        configuration.write_text(configuration_text(idp_address, model_address), encoding="utf-8")
        made = run("init", "--if-missing", "--config", str(configuration))
        if made.returncode:
            raise ChildError(f"lawgate init ended with exit code {made.returncode}: {made.stderr.strip()}")
        gateway = start("gateway", "serve", "--config", str(configuration))
        gateway.wait_until(lambda: served_at(gateway.output()) is not None, interrupted)
        address = f"http://{served_at(gateway.output())}"
        yield Stage(folder, idp_address, model_address, address, client, tuple(children))


def configuration_text(idp: str, model: str) -> str:
    """The gateway's configuration, with the addresses of the other two."""
    return _CONFIGURATION.substitute(issuer=idp, model=model, connection=CONNECTION)


def address_of(child: Child, interrupted: Callable[[], None]) -> str:
    """Where it says that it listens. Raises ``ChildError``."""
    child.wait_until(lambda: "\n" in child.output(), interrupted)
    line = child.output().partition("\n")[0]
    if not line.startswith(READY):
        raise ChildError(f"the {child.name} did not say where it listens: {line}")
    return line.removeprefix(READY)


def served_at(log: str) -> str | None:
    """Host and port of the data plane, once the gateway's log says that it serves."""
    for line in log.splitlines():
        if SERVING in line and line.endswith("}"):
            said = json.loads(line)
            if said.get("message") == SERVING:
                return str(said["data"])
    return None
