"""A gateway that is killed under load, and the questions that its evidence must answer afterwards.

Rule 1: what the upstream saw and what clients hold is kept outside of the gateway; the log is compared
    with it, never with what the gateway says of itself.
Rule 2: a kill hits one exact call (``kill_point.c``) or a random moment. A power cut (``unsynced.c``) also
    takes away what was not synced.
Rule 3: every question that is answered with "no" is a sentence in the list of problems.
"""

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from lawgate.domain.message import CutText, Mark
from lawgate.kms.key_file import load_key_file
from lawgate.store.opening import open_keys
from lawgate.store.reader import StoredEntry, StoreReader
from lawgate.store.verification import verify_store
from tests.fault_upstream import FaultUpstream
from tests.faults.raw_client import Received, ask, chat, post
from tests.gateway_process import LAWGATE, PREAMBLE, GatewayProcess

HERE: Final = Path(__file__).parent
COMPILE_S: Final = 60.0
CLIENTS: Final = 6
LOAD_S: Final = 20.0
"""The longest time that a kill point is waited for under load."""

_CONFIGURATION: Final = """\
identity: [{{issuer: "http://127.0.0.1:9", audience: lawgate}}]
connections:
  m: {{protocol: openai, upstream: "{upstream}/v1", recipient: {{name: L, role: internal, country: DE}}}}
purposes:
  p:
    title: T
    allow: {{groups: [g], connections: [m]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    record: full
    retention: {{content: 30 days, evidence: 1 year}}
    mask: {{request: replace, answer: replace}}
"""


# ---- the two libraries ----------------------------------------------------------------------


def compiled(source: str, folder: Path) -> Path:
    """A shared object made from a source next to this file; skips where that cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("not on this platform: a preloaded library needs Linux and a C compiler")
    made = folder / source.replace(".c", ".so")
    flags = ["-O2", "-Wall", "-Wextra", "-Wno-format-truncation", "-shared", "-fPIC"]
    command = [compiler, *flags, "-o", str(made), str(HERE / source), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, check=False)
    assert done.returncode == 0, done.stderr
    return made


@dataclass(frozen=True)
class Libraries:
    """The compiled sources."""

    kill_point: Path
    unsynced: Path

    @classmethod
    def compile(cls, folder: Path) -> "Libraries":
        return cls(compiled("kill_point.c", folder), compiled("unsynced.c", folder))


# ---- what clients did -----------------------------------------------------------------------


@dataclass
class Ledger:
    """What clients sent and hold, over all runs."""

    answers: list[Received] = field(default_factory=list)
    sent: int = 0
    nothing: int = 0

    def take(self, received: Received) -> None:
        self.sent += 1
        if received.status:
            self.answers.append(received)
        else:
            self.nothing += 1


class World:
    """A gateway, its upstream and its clients."""

    def __init__(self, folder: Path, upstream: FaultUpstream, libraries: Libraries) -> None:
        self.folder: Final = folder
        self.upstream: Final = upstream
        self.libraries: Final = libraries
        self.ledger: Final = Ledger()
        self.gateway: Final = GatewayProcess(folder, PREAMBLE + _CONFIGURATION.format(upstream=upstream.url))
        self.shadow: Final = folder / "shadow"
        self.key = ""
        self.kills: Counter[str] = Counter()

    def prepare(self) -> None:
        """Make the API key, with no gateway running and nothing to lose yet."""
        self.key = self.gateway.new_key("p")

    # ---- life -------------------------------------------------------------------------------

    def start(
        self, point: str | None = None, *, lossy: bool = False, writeback: int = 0, program: Sequence[str] = LAWGATE
    ) -> None:
        """Start; with ``point`` it will end itself there, with ``lossy`` on a disk that loses what is not synced."""
        self.gateway.start(self._environment(point, lossy=lossy, writeback=writeback), program)

    def _environment(self, point: str | None, *, lossy: bool, writeback: int) -> dict[str, str]:
        preload = [self.libraries.kill_point] if point else []
        environment = {"LAWGATE_KILL": point or "", "LAWGATE_UPSTREAM_PORT": str(self.upstream.port)}
        if lossy:
            shutil.rmtree(self.shadow, ignore_errors=True)
            self.shadow.mkdir()
            preload.append(self.libraries.unsynced)
            environment |= {"LAWGATE_WATCH": str(self.folder), "LAWGATE_SHADOW": str(self.shadow)}
            environment |= {"LAWGATE_WRITEBACK": str(writeback)}
        return environment | {"LD_PRELOAD": ":".join(map(str, preload))}

    def kill(self, name: str) -> None:
        self.gateway.kill()
        self.kills[name] += 1

    def cut_power(self) -> None:
        """After a kill: what the disk holds takes the place of what the processes saw."""
        for name in ("evidence", "keys"):
            shutil.rmtree(self.folder / name)
        for line in (self.shadow / "dirs").read_text().splitlines():
            number, _, path = line.partition(" ")
            self._restore(Path(path), self.shadow / f"names{number}")

    def _restore(self, directory: Path, names: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in names.read_text().splitlines() if names.exists() else ():
            number, _, name = line.partition(" ")
            shutil.copyfile(self.shadow / f"i{number}", directory / name)
            (directory / name).chmod(0o600)

    # ---- load -------------------------------------------------------------------------------

    def request(self, model: str, text: str = "I am anna@example.de", **more: Any) -> Received:
        """One request; its result goes into the ledger."""
        sent = post("/m/v1/chat/completions", chat(model, text, **more), self.key)
        received = ask(self.gateway.data_port, sent)
        self.ledger.take(received)
        return received

    def load_until_dead(self, *, kill_after_s: float | None = None, name: str = "") -> None:
        """Clients at work, whole and streamed, until the gateway is dead."""
        stop = threading.Event()
        clients = [threading.Thread(target=self._client, args=(number, stop)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        deadline = time.monotonic() + (LOAD_S if kill_after_s is None else kill_after_s)
        while self.gateway.running and time.monotonic() < deadline:
            time.sleep(0.002)
        survived = self.gateway.running
        self.gateway.kill()
        stop.set()
        for client in clients:
            client.join(30)
        if kill_after_s is None:
            assert not survived, f"the point {name} was never reached:\n{self.gateway.stderr[-2000:]}"
        self.kills[name] += 1

    def _client(self, number: int, stop: threading.Event) -> None:
        turn = number
        while not stop.is_set():
            turn += 1
            received = self.request(
                "stream" if turn % 2 else "answer", f"{number}/{turn}: anna@example.de", stream=turn % 2
            )
            if not received.status and not self.gateway.running:
                return

    # ---- questions --------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator["Evidence"]:
        """The evidence, read as another process would."""
        with (
            closing(open_keys(self.gateway.paths, load_key_file(self.gateway.kek_file))) as keys,
            closing(StoreReader(self.gateway.paths, keys)) as reader,
        ):
            yield Evidence(reader)

    def problems(self) -> list[str]:
        """Everything that is wrong; the gateway has recovered and is idle."""
        with closing(open_keys(self.gateway.paths, load_key_file(self.gateway.kek_file))) as keys:
            report = verify_store(self.gateway.paths, keys)
        found = [f"verify: {check.name}: {check.detail}" for check in report.checks if not check.ok]
        if report.open_intents:
            found.append(f"{report.open_intents} intents have no outcome")
        with self.reading() as evidence:
            found += evidence.doubts()
            found += [problem for seen in self.upstream.seen if (problem := evidence.doubt_upstream(seen.exchange))]
            found += [problem for answer in self.ledger.answers if (problem := evidence.doubt_client(answer))]
        printed = self.gateway.stderr
        found += [f"the gateway printed {word!r}" for word in ("Traceback", "failed inside") if word in printed]
        return found


class Evidence:
    """The log's entries by exchange, opened on demand."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self.count = 0
        self.kinds: Counter[str] = Counter()
        self.of: dict[str, list[StoredEntry]] = {}
        for entry in reader.entries(newest_first=False):
            self.count += 1
            self.kinds[entry.row.kind] += 1
            if entry.row.exchange:
                self.of.setdefault(entry.row.exchange, []).append(entry)

    def doubts(self) -> list[str]:
        """Every intent has one outcome, and every outcome one intent."""
        found = []
        for exchange, entries in self.of.items():
            kinds = sorted(entry.row.kind for entry in entries)
            if kinds not in (["intent", "outcome"], ["refusal"]):
                found.append(f"exchange {exchange} has {kinds}")
        return found

    def doubt_upstream(self, exchange: str) -> str | None:
        """Law 1: the upstream has seen no request without an intent."""
        entries = self.of.get(exchange, [])
        if any(entry.row.kind == "intent" for entry in entries):
            return None
        return f"the upstream saw exchange {exchange or '(none)'}, which has no intent"

    def doubt_client(self, received: Received) -> str | None:
        """Law 2: no client holds a byte that the log lacks."""
        outcome = self.outcome(received.exchange)
        if received.status != 200:
            if outcome is None and received.code in {"evidence_unavailable", "stopping", "overloaded"}:
                return None
            recorded = outcome.row.code if outcome else None
            same = recorded == received.code
            return None if same else f"a client holds the error {received.code}, the log has {recorded}"
        recorded_bytes = self.answer(received.exchange)
        if recorded_bytes is None:
            return f"a client holds an answer of exchange {received.exchange}, which the log has no answer of"
        whole = received.complete and outcome is not None and outcome.row.outcome == "answered"
        same = recorded_bytes == received.body if whole else recorded_bytes.startswith(received.body)
        if same:
            return None
        return f"a client holds {len(received.body)} bytes of {received.exchange}, the log {len(recorded_bytes)}"

    def outcome(self, exchange: str) -> StoredEntry | None:
        """The last entry of an exchange, if it ended it."""
        entries = [entry for entry in self.of.get(exchange, []) if entry.row.outcome is not None]
        return entries[-1] if entries else None

    def answer(self, exchange: str) -> bytes | None:
        """The released bytes of an answer, rebuilt from its record."""
        outcome = self.outcome(exchange)
        parts = self._reader.open_parts(outcome) if outcome else {}
        part = parts.get("answer")
        if part is None or part.plaintext is None:
            return None
        text = "".join(_forwarded(line) for line in part.plaintext.splitlines() if line)
        return text.encode("utf-8", "surrogatepass")

    def meta(self, exchange: str) -> dict[str, Any]:
        """The sealed description of an exchange's outcome."""
        outcome = self.outcome(exchange)
        assert outcome is not None, f"exchange {exchange} has no outcome"
        part = self._reader.open_parts(outcome)["meta"]
        assert part.plaintext is not None
        found: dict[str, Any] = json.loads(part.plaintext)
        return found


def _forwarded(line: bytes) -> str:
    found = json.loads(line)
    marks = tuple(Mark(*mark) for mark in found["marks"])
    return CutText(found["text"], marks).forwarded()


# ---- kill points ----------------------------------------------------------------------------

POINTS: Final[dict[str, tuple[str, str]]] = {
    "before the intent commit": ("client-recv", "journal-write:before:1"),
    "inside the intent commit": ("client-recv", "journal-sync:before:1"),
    "after the intent commit": ("client-recv", "journal-sync:after:1"),
    "before the forward": ("", "upstream-send:before"),
    "after the forward": ("", "upstream-send:after"),
    "mid-stream, before a release": ("upstream-recv", "client-send:before:1"),
    "mid-stream, after a release": ("upstream-recv", "client-send:after:3"),
    "before the outcome commit": ("upstream-recv", "journal-write:before:1"),
    "inside the outcome commit": ("upstream-recv", "journal-sync:before:1"),
    "after the outcome commit": ("upstream-recv", "journal-sync:after:1"),
    "while the index is written": ("client-recv", "store-write:after:40"),
    "while the index is synced": ("client-recv", "store-sync:before:25"),
}
"""Name -> what arms the trap, and the call that springs it."""


def point(name: str, nth: int) -> str:
    """``LAWGATE_KILL`` for the ``nth`` occasion."""
    arm, call = POINTS[name]
    return f"{arm}:{nth},{call}" if arm else f"{call}:{nth}"


def moment(chance: random.Random) -> float:
    """A random moment under load, in seconds."""
    return chance.uniform(0.02, 0.4)


MOMENT: Final = "at a random moment"
RECOVERY: Final = "during recovery"
NTH_MAX: Final = 40


def besiege(world: World, names: Sequence[str], chance: random.Random, *, lossy: bool = False) -> list[str]:
    """Kill the gateway once for each name, with questions after each recovery; ends with a gateway that runs.

    A start recovers what the kill before it left, so the next kill's start is also the last one's recovery.
    """
    found: list[str] = []
    writeback = chance.choice((0, 30)) if lossy else 0
    for name in names:
        spec = point(name, chance.randint(1, NTH_MAX)) if name in POINTS else None
        if name == RECOVERY:
            die_in_recovery(world, chance, lossy=lossy, writeback=writeback)
        else:
            world.start(spec, lossy=lossy, writeback=writeback)
            found += world.problems()
            world.load_until_dead(kill_after_s=None if spec else moment(chance), name=name)
        if lossy:
            world.cut_power()
        if found:
            return [f"before the kill {name}: {problem}" for problem in found]
    world.start()
    return found + world.problems()


def die_in_recovery(world: World, chance: random.Random, *, lossy: bool = False, writeback: int = 0) -> None:
    """A start that ends itself at one of its first commits."""
    spec = f"journal-sync:{chance.choice(('before', 'after'))}:{chance.randint(1, 2)}"
    with pytest.raises(AssertionError, match="the gateway has ended"):
        world.start(spec, lossy=lossy, writeback=writeback)
    world.kills[RECOVERY] += 1
