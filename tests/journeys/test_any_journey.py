"""Any journey at all: whatever the parties do, in whatever order, the laws hold and the exchange ends."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.processing import RecordLevel
from tests.masking_world import DONE, chunk
from tests.simulator import (
    CARD,
    EMAIL,
    FULL,
    MASKED,
    METADATA,
    SUPPORT,
    Answer,
    Client,
    Fault,
    Gate,
    World,
)

TURNS_MAX = 400
"""Turns of the loop within which an exchange must end once everything it waits for has happened."""

BODIES: tuple[object, ...] = (
    {"messages": [{"content": f"pay {CARD} of {EMAIL}"}]},
    {"messages": [], "stream": True},
    b"{",
    b"",
)
PIECES: tuple[bytes | Exception, ...] = (
    chunk({"content": "hello "}),
    chunk({"content": f"mail {EMAIL[:7]}"}),
    chunk({"content": f"{EMAIL[7:]} today. "}),
    chunk({}, "stop"),
    DONE,
    b'data: {"torn',
    b'{"reply": "' + EMAIL.encode() + b'"}',
    UpstreamError(Code.UPSTREAM_INTERRUPTED, "reset", request_sent=True),
    RuntimeError(f"a bug that quotes {EMAIL}"),
)
KINDS = ("intent", "outcome", "refusal", "window")


@dataclass(frozen=True)
class Plan:
    """What the parties will do. A number is the turn of the loop at which something happens."""

    body: object
    token: str
    level: RecordLevel
    identified_at: int | None
    faults: dict[str, Fault]
    durable_at: dict[str, int]
    content_type: str
    pieces: list[int | None]
    """Indices of ``PIECES``; ``None`` is a wait."""
    head_at: int | None
    more_at: int
    depart: Callable[[Client], None]
    departs_at: int | None
    slow_until: int | None


turns = st.integers(0, 60)
plans = st.builds(
    Plan,
    body=st.sampled_from(BODIES),
    token=st.sampled_from(["anna", "anna", "anna", "stranger"]),
    level=st.sampled_from([FULL, MASKED, METADATA]),
    identified_at=st.none() | turns,
    faults=st.dictionaries(st.sampled_from(KINDS), st.sampled_from(list(Fault)), max_size=1),
    durable_at=st.dictionaries(st.sampled_from(KINDS), turns, max_size=3),
    content_type=st.sampled_from(["text/event-stream", "text/event-stream", "application/json", "text/html"]),
    pieces=st.lists(st.none() | st.integers(0, len(PIECES) - 1), max_size=8),
    head_at=st.none() | turns,
    more_at=turns,
    depart=st.sampled_from([Client.leave, Client.stop]),
    departs_at=st.none() | turns,
    slow_until=st.none() | turns,
)


def lay_out(world: World, plan: Plan) -> list[tuple[int, Gate]]:
    """Put the plan into the world; the gates and the turns at which they open."""
    world.configure(purposes=[replace(SUPPORT, record=plan.level)])
    world.recorder.faults = dict(plan.faults)
    world.recorder.gates = {kind: Gate() for kind in plan.durable_at}
    opening = [(at, world.recorder.gates[kind]) for kind, at in plan.durable_at.items()]
    if plan.identified_at is not None:
        world.identifier.gate = Gate()
        opening.append((plan.identified_at, world.identifier.gate))
    more = Gate()
    before = [] if plan.head_at is None else [Gate()]
    opening += [(plan.more_at, more), *((plan.head_at or 0, gate) for gate in before)]
    pieces = [more if index is None else PIECES[index] for index in plan.pieces]
    world.upstream.answers = [Answer(pieces, content_type=plan.content_type, before=before)]
    return opening


async def run(world: World, plan: Plan) -> Client:
    """Act the plan out, turn by turn."""
    opening = lay_out(world, plan)
    client = world.ask(plan.body, token=plan.token)
    if plan.slow_until is not None:
        client.sink.slow = asyncio.get_running_loop().create_future()
    for turn in range(TURNS_MAX):
        for at, gate in opening:
            if at == turn:
                gate.open()
        if plan.departs_at == turn and not client.task.done():
            plan.depart(client)
        if client.sink.slow is not None and (turn == plan.slow_until or client.responder.gone is not None):
            client.sink.slow.set_result(None)
            client.sink.slow = None
        await asyncio.sleep(0)
    assert client.task.done(), f"it waits for ever: {world.transcript}"
    await client.task
    return client


class Kept(logging.Handler):
    """Every record of every logger."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@given(plans)
def test_the_laws_hold_on_any_journey(plan: Plan) -> None:
    world, kept = World(), Kept()
    logging.getLogger().addHandler(kept)
    try:
        client = asyncio.run(run(world, plan))
    finally:
        logging.getLogger().removeHandler(kept)
    world.check_laws(kept.records)
    assert client.responder.ended or client.responder.gone is not None, f"nobody answered: {world.transcript}"
    if client.status == 200 and plan.content_type == "text/event-stream":
        assert EMAIL.encode() not in client.body
        if client.complete and client.sink.received.endswith(b"0\r\n\r\n"):
            failed = world.meta("outcome")["outcome"] != "answered"
            assert (b'"error"' in client.body) == failed, "a torn stream must not look whole, nor a whole one torn"
