"""A world around one ``Node``: what it asks of others is planted here, and everything that happens is written down.

Rule 1: only ports are stood in for (recorder, upstream, identifier, clock, the connection's sink). The exchange,
        policy, masking, wires, requests and responders are the real ones.
Rule 2: ``World.transcript`` is what happened, in order, over all parties. ``World.check_laws`` reads it against
        the laws of the architecture after every journey, whatever the journey itself looked at.
Rule 3: nothing waits for time. What is to happen late stands behind a ``Gate`` that the journey opens.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from lawgate.decide.policy import compile_policy
from lawgate.decide.rule import Rule
from lawgate.domain.errors import Code, StoreUnavailableError, UpstreamError, refuse
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.domain.ids import EntryId, ExchangeId
from lawgate.domain.limits import Limits
from lawgate.domain.processing import (
    Connection,
    LawfulBasis,
    MaskProfile,
    Observation,
    Protocol,
    Purpose,
    Recipient,
    RecipientRole,
    RecordLevel,
    Retention,
)
from lawgate.exchange.content import withheld_members
from lawgate.exchange.facts import grounds
from lawgate.gateway.drive import Node
from lawgate.gateway.head import parse_head
from lawgate.gateway.http1 import CLIENT_LEFT, STOPPING, Request, Responder
from lawgate.gateway.in_force import InForce, PurposeInForce, Route
from lawgate.gateway.metrics import Metrics
from lawgate.gateway.request import TRUNCATED, BodyIntake
from lawgate.mask.engine import compile_detection
from lawgate.mask.masker import Masker
from lawgate.ports import EntryDraft, Gap, Presented, RecordedEntry, RetentionClass, WindowJournal
from lawgate.wire.protocol import wire_for
from tests.laws import Step, dechunked, no_forward_without_intent, no_release_without_record

START: Final = 1_790_000_000.0
WAIT_S: Final = 5.0
PLANTED: Final = ("anna.schmidt@example.de", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00")
"""Personal data that journeys send; none of it may lie outside sealed parts (law 4)."""
EMAIL, CARD, IBAN = PLANTED

DETECTION: Final = compile_detection()
PROFILE: Final = MaskProfile("replace", "replace")
SUPPORT: Final = Purpose(
    name="answer-customers",
    title="Draft answers to customers",
    lawful_basis=LawfulBasis.CONTRACT,
    groups=("support",),
    connections=("llm",),
    retention=Retention(30, 365),
    mask_request="replace",
    mask_answer="replace",
)
LLM: Final = Connection(
    name="llm",
    protocol=Protocol.OPENAI,
    upstream="https://llm.example/v1",
    recipient=Recipient("LLM GmbH", RecipientRole.PROCESSOR, "DE", "DPA-1"),
)
ANNA: Final = Principal("https://idp.example", "anna", CredentialKind.OIDC, ("support",), 2_000_000_000)

_current: ContextVar[ExchangeId] = ContextVar("exchange")


class Gate:
    """Something that waits until the journey lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    async def arrived(self) -> None:
        """Wait until somebody stands before it."""
        await asyncio.wait_for(self.reached.wait(), WAIT_S)

    def open(self) -> None:
        self._open.set()

    async def pass_through(self) -> None:
        self.reached.set()
        await self._open.wait()


class Fault(Enum):
    """What goes wrong with a record: nothing was written, or it was written and the answer says it was not."""

    LOST = "lost"
    PERSISTED = "persisted"
    BUG = "bug"


# ---- the evidence log -----------------------------------------------------------------------------


class MemoryRecorder:
    """``ports.Recorder`` over a list. ``faults`` and ``gates`` go by the entry's kind; a window's is ``window``."""

    def __init__(self, note: Callable[[str, str, Any], None]) -> None:
        self._note = note
        self.drafts: list[EntryDraft] = []
        self.faults: dict[str, Fault] = {}
        self.gates: dict[str, Gate] = {}
        self.fault: str | None = None
        self.gap: Gap | None = None
        self.probes = 0

    def record(self, draft: EntryDraft) -> Awaitable[RecordedEntry]:
        return asyncio.ensure_future(self._record(draft))

    async def _record(self, draft: EntryDraft) -> RecordedEntry:
        await self.store(draft.kind, str(draft.index.exchange), draft)
        number = len(self.drafts)
        return RecordedEntry(EntryId(f"{number:032x}"), "node-1", number, bytes(32))

    async def store(self, kind: str, exchange: str, data: Any) -> None:
        if kind in self.gates:
            await self.gates[kind].pass_through()
        fault = self.faults.get(kind)
        if fault is Fault.BUG:
            self._note(exchange, f"{kind} failed", data)
            raise RuntimeError(f"the recorder fell over {PLANTED[0]}")
        if fault is None or fault is Fault.PERSISTED:
            if isinstance(data, EntryDraft):
                self.drafts.append(data)
            self._note(exchange, f"{kind} durable", data)
        if fault is not None:
            self._note(exchange, f"{kind} failed", data)
            raise StoreUnavailableError("the disk is full")

    def windows(self, exchange: ExchangeId, retention: RetentionClass) -> WindowJournal:
        return MemoryWindows(self, exchange, retention)

    def probe_soon(self) -> None:
        self.probes += 1

    def take_gap(self) -> Gap | None:
        gap, self.gap = self.gap, None
        return gap

    def healthy(self) -> str | None:
        return self.fault


class MemoryWindows:
    """``ports.WindowJournal`` over a list."""

    def __init__(self, recorder: MemoryRecorder, exchange: ExchangeId, retention: RetentionClass) -> None:
        self._recorder = recorder
        self._exchange = exchange
        self.retention = retention
        self.frames: list[tuple[str, bytes]] = []

    async def journal(self, frames: Sequence[tuple[str, bytes]]) -> None:
        await self._recorder.store("window", self._exchange, list(frames))
        self.frames += frames


# ---- the inference endpoint -----------------------------------------------------------------------


@dataclass
class Answer:
    """What the upstream does. ``pieces``: bytes to give, errors to raise, gates to wait at."""

    pieces: Sequence[bytes | Exception | Gate] = (b"{}",)
    status: int = 200
    content_type: str | None = "application/json"
    fields: Sequence[tuple[bytes, bytes]] = ()
    before: Sequence[Exception | Gate] = ()
    """What comes before its head."""


class PlantedAnswer:
    """``ports.UpstreamAnswer`` of an ``Answer``."""

    def __init__(self, answer: Answer, closed: Callable[[], None]) -> None:
        self.status = answer.status
        typed = [(b"content-type", answer.content_type.encode())] if answer.content_type is not None else []
        self.headers: Sequence[tuple[bytes, bytes]] = [*typed, *answer.fields]
        self._pieces = list(answer.pieces)
        self._note_closed = closed
        self._closed = asyncio.Event()
        self._at_end = False

    @property
    def left(self) -> int:
        """Pieces that nobody has taken yet."""
        return len(self._pieces)

    async def read(self) -> bytes:
        whole = b""
        while piece := await self.next_chunk():
            whole += piece
        return whole

    async def next_chunk(self) -> bytes:
        while self._pieces:
            if self._closed.is_set():
                raise UpstreamError(Code.UPSTREAM_INTERRUPTED, "closed by us", request_sent=True)
            piece = self._pieces.pop(0)
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, bytes):
                return piece
            await self._wait_at(piece)
        self._at_end = True
        return b""

    async def _wait_at(self, gate: Gate) -> None:
        waiting = {asyncio.ensure_future(gate.pass_through()), asyncio.ensure_future(self._closed.wait())}
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        if self._closed.is_set():
            raise UpstreamError(Code.UPSTREAM_INTERRUPTED, "closed by us", request_sent=True)

    def close(self) -> None:
        if not self._closed.is_set() and not self._at_end:
            self._note_closed()
        self._closed.set()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the upstream got it."""

    method: str
    path: str
    fields: Mapping[bytes, bytes]
    body: bytes


class PlantedUpstream:
    """``ports.Upstream`` that answers what was planted, in turn; the last one again and again."""

    def __init__(self, note: Callable[[str, str, Any], None]) -> None:
        self._note = note
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        self.given: list[PlantedAnswer] = []

    async def request(self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> PlantedAnswer:
        exchange = _current.get()
        asked = Asked(method, path, dict(headers), body)
        self.asked.append(asked)
        self._note(exchange, "upstream asked", asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for each in answer.before:
            if isinstance(each, Exception):
                raise each
            await each.pass_through()
        self.given.append(PlantedAnswer(answer, lambda: self._note(exchange, "upstream cut", None)))
        return self.given[-1]


class PlantedIdentifier:
    """``ports.Identifier``: tokens and what each of them is."""

    def __init__(self) -> None:
        self.known: dict[str, Principal | Exception] = {"anna": ANNA}
        self.verified: set[str] = set()
        self.gate: Gate | None = None

    def cached(self, presented: Presented, now: float) -> Principal | None:
        assert now >= START
        found = self.known.get(presented.token)
        return found if presented.token in self.verified and isinstance(found, Principal) else None

    async def identify(self, presented: Presented, now: float) -> Principal:
        assert now >= START
        if self.gate is not None:
            await self.gate.pass_through()
        found = self.known.get(presented.token)
        if found is None:
            raise refuse(Code.CREDENTIAL_INVALID, "This token is not one of ours.")
        if isinstance(found, Exception):
            raise found
        self.verified.add(presented.token)
        return found


# ---- the client -----------------------------------------------------------------------------------


class Sink:
    """``AnswerSink`` over a list of bytes: the client's side of the wire."""

    def __init__(self, exchange: str, note: Callable[[str, str, Any], None]) -> None:
        self._exchange = exchange
        self._note = note
        self.received = b""
        self.cut = False
        self.slow: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> None:
        assert not self.cut, "bytes after the connection was cut"
        first = not self.received
        self.received += data
        what = "client " + (data[9:12].decode() if first else "bytes")
        self._note(self._exchange, what, data)

    def keeps_alive(self) -> bool:
        return True

    def date_line(self) -> bytes:
        return b""

    def writable(self) -> asyncio.Future[None] | None:
        return self.slow

    def abort(self) -> None:
        if not self.cut:
            self._note(self._exchange, "client cut", None)
        self.cut = True


class _Silent:
    """A body's source that sends nothing by itself."""

    def body_wanted(self) -> None:
        return None


@dataclass
class Client:
    """One request on its way, and what came back."""

    exchange: ExchangeId
    request: Request
    responder: Responder
    sink: Sink
    task: "asyncio.Task[None]"

    async def ended(self) -> "Client":
        await asyncio.wait_for(self.task, WAIT_S)
        return self

    def leave(self, why: str = CLIENT_LEFT) -> None:
        """The connection is gone, as the transport would report it."""
        if self.request.intake is not None:
            self.request.intake.fail(refuse(Code.BODY_TRUNCATED, TRUNCATED))
        self.responder.lost(why)

    def stop(self) -> None:
        """The node's stop has run out of patience."""
        self.leave(STOPPING)

    def send_body(self, data: bytes) -> None:
        """More of a body that did not come with its head."""
        assert self.request.intake is not None
        self.request.intake.feed(data)

    @property
    def _head(self) -> list[bytes]:
        return self.sink.received.partition(b"\r\n\r\n")[0].split(b"\r\n")

    @property
    def status(self) -> int | None:
        return int(self._head[0][9:12]) if self.sink.received else None

    @property
    def fields(self) -> dict[bytes, bytes]:
        lines = (line.partition(b": ") for line in self._head[1:])
        return {name: value for name, _, value in lines}

    @property
    def body(self) -> bytes:
        """The body, chunks joined; the last chunk may be missing."""
        rest = self.sink.received.partition(b"\r\n\r\n")[2]
        return rest if b"transfer-encoding" not in self.fields else dechunked(rest)[0]

    @property
    def complete(self) -> bool:
        """Whether a chunked answer has its last chunk."""
        return dechunked(self.sink.received.partition(b"\r\n\r\n")[2])[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal in OpenAI's shape."""
        return str(self.json["error"]["code"])


# ---- all together ---------------------------------------------------------------------------------


def in_force(
    upstream: PlantedUpstream,
    *,
    purposes: Iterable[Purpose] = (SUPPORT,),
    connection: Connection = LLM,
    rules: Iterable[Rule] = (),
    observe: Observation | None = None,
) -> InForce:
    """A configuration as ``wiring`` would assemble it, with the planted upstream on its only connection."""
    declared = tuple(purposes)
    profiles = {"replace": PROFILE}
    policy = compile_policy(declared, {connection.name: connection}, profiles, rules, observe)
    masking, reading = Masker(DETECTION, PROFILE, bytes(32)), Masker(DETECTION, None, bytes(32))
    wire = wire_for(connection.protocol)
    route = Route(
        connection,
        wire,
        upstream,
        {
            purpose.name: PurposeInForce(
                grounds(purpose, connection, policy.digest),
                masking if purpose.mask_request else reading,
                masking if purpose.mask_answer else reading,
                withheld_members(wire, PROFILE if purpose.mask_answer else None),
            )
            for purpose in declared
        },
    )
    return InForce("digest", policy, {connection.name: route}, Limits(), DETECTION.digest, wire_for(Protocol.OPENAI))


@dataclass
class World:
    """One node and everyone around it."""

    now: float = START
    trace: list[Step] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recorder = MemoryRecorder(self.note)
        self.upstream = PlantedUpstream(self.note)
        self.identifier = PlantedIdentifier()
        self.metrics = Metrics()
        self.node = Node(
            in_force=in_force(self.upstream),
            identifier=self.identifier,
            recorder=self.recorder,
            metrics=self.metrics,
            clock=lambda: self.now,
            new_id=_current.get,
        )

    def configure(self, **changes: Any) -> None:
        """Put another configuration in force; see ``in_force``."""
        self.node.in_force = in_force(self.upstream, **changes)

    def note(self, exchange: str, what: str, data: Any) -> None:
        self.trace.append(Step(exchange, what, data))

    @property
    def transcript(self) -> list[str]:
        """What happened, in order."""
        return [step.what for step in self.trace]

    def of(self, client: Client) -> list[str]:
        """What happened to one exchange."""
        return [step.what for step in self.trace if step.exchange == client.exchange]

    # ---- asking -----------------------------------------------------------------------------

    def ask(
        self,
        body: object = None,
        *,
        method: str = "POST",
        path: str = "/llm/v1/chat/completions",
        token: str | None = "anna",
        awaited_b: int | None = None,
        **headers: str,
    ) -> Client:
        """Send a request. ``awaited_b``: the length of a body that comes later, by ``Client.send_body``."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        exchange = ExchangeId(f"{len(self.clients) + 1:032x}")
        request, responder, sink = self._request(exchange, method, path, self._fields(raw, token, headers))
        if awaited_b is None:
            request.take_whole(raw)
        else:
            request.intake = BodyIntake(awaited_b, Limits())
        reset = _current.set(exchange)
        task = asyncio.ensure_future(self.node.handle(request, responder))  # takes a copy of this context
        _current.reset(reset)
        client = Client(exchange, request, responder, sink, task)
        self.clients.append(client)
        return client

    async def answer_to(self, body: object = None, **options: Any) -> Client:
        """Send a request and wait for its end."""
        return await self.ask(body, **options).ended()

    @staticmethod
    def _fields(raw: bytes, token: str | None, headers: Mapping[str, str]) -> dict[str, str]:
        fields = {"host": "gateway.example"}
        if token is not None:
            fields["authorization"] = f"Bearer {token}"
        if raw:
            fields["content-type"] = "application/json"
        return fields | {name.replace("_", "-"): value for name, value in headers.items()}

    def _request(
        self, exchange: str, method: str, path: str, fields: Mapping[str, str]
    ) -> tuple[Request, Responder, Sink]:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        head = parse_head(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"), Limits())
        sink = Sink(exchange, self.note)
        return (
            Request(head, _Silent(), "192.0.2.7", None),
            Responder(sink, head_only=method == "HEAD", http_1_0=False),
            sink,
        )

    # ---- looking ----------------------------------------------------------------------------

    def meta(self, kind: str, number: int = -1) -> Any:
        """The sealed facts of an entry of a kind."""
        drafts = [draft for draft in self.recorder.drafts if draft.kind == kind]
        (part,) = [part for part in drafts[number].parts if part.label == "meta"]
        return json.loads(part.plaintext)

    def parts(self, kind: str) -> dict[str, bytes]:
        """The parts of the last entry of a kind, and the frames it commits to."""
        draft = [draft for draft in self.recorder.drafts if draft.kind == kind][-1]
        found = {part.label: part.plaintext for part in draft.parts}
        if isinstance(draft.windows, MemoryWindows):
            for label, lines in draft.windows.frames:
                found[label] = found.get(label, b"") + lines
        return found

    @property
    def counted(self) -> int:
        """Refusals that wait to be recorded as a flood."""
        return sum(int(draft.public["n"]) for draft in self._floods())

    def _floods(self) -> list[EntryDraft]:
        drafts = self.node.floods.take(self.now)
        self.node.floods.put_back(drafts)
        return drafts

    # ---- the laws ---------------------------------------------------------------------------

    def check_laws(self, logged: Sequence[logging.LogRecord] = ()) -> None:
        """Read the whole trace against the laws; raises ``AssertionError`` with the transcript."""
        for client in self.clients:
            steps = [step for step in self.trace if step.exchange == client.exchange]
            words = [step.what for step in steps]
            no_forward_without_intent(words)
            no_release_without_record(steps)
            self._every_end_is_accounted_for(client, words)
        assert self.metrics.in_progress == sum(not client.task.done() for client in self.clients)
        self._nothing_in_clear(logged)

    def _every_end_is_accounted_for(self, client: Client, words: list[str]) -> None:
        """Law 3: an exchange leaves a refusal, or an intent and its outcome; else the store said no, or it was
        counted before anyone was identified."""
        if not client.task.done() or client.request.method == "OPTIONS":
            return
        kinds = [word.removesuffix(" durable") for word in words if word.endswith(" durable") and "window" not in word]
        failed = any(word.endswith(" failed") for word in words)
        assert failed or kinds in ([], ["refusal"], ["intent", "outcome"]), words
        if not kinds and not failed:
            assert self.counted, words

    def _nothing_in_clear(self, logged: Sequence[logging.LogRecord]) -> None:
        """Law 4, in everything that is not sealed: log records, leaves, labels of metrics."""
        shown = [f"{record.getMessage()} {record.__dict__}" for record in logged]
        shown += [str(dict(draft.public)) for draft in self.recorder.drafts]
        shown += [repr(client.request) for client in self.clients]
        shown += [str(self.metrics.exchanges), str(self.metrics.found)]
        for text in shown:
            assert not any(planted in text for planted in PLANTED), text
        faults = [record for record in logged if record.name == "asyncio" and record.levelno >= logging.ERROR]
        assert not faults, faults[0].getMessage()


FULL, MASKED, METADATA = RecordLevel.FULL, RecordLevel.MASKED, RecordLevel.METADATA
