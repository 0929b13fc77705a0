"""Drives one exchange: performs its effects and tells it what happened.

Rule 1: nothing here decides. What follows what stands in ``exchange/_state.py``.
Rule 2: an effect that fails for a reason we know becomes an event; one that fails for a reason we do
        not know becomes a refusal (before the intent) or a failed answer (after it), and the node
        goes on serving.
Rule 3: a client that leaves is noticed at once, but an entry on its way to disk is always awaited:
        what was made durable must be known to the exchange.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from lawgate.domain.errors import Code, Refusal, RefusedError, StoreUnavailableError
from lawgate.domain.identity import Principal
from lawgate.domain.ids import ExchangeId
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import State
from lawgate.exchange.content import Inspection
from lawgate.exchange.facts import AnswerFacts, Facts
from lawgate.exchange.machine import Exchange
from lawgate.gateway import answering, asking, cross_origin
from lawgate.gateway.floods import Floods
from lawgate.gateway.headers import EXCHANGE_ID, as_fields
from lawgate.gateway.http1 import STOPPING as NODE_STOPPED
from lawgate.gateway.http1 import Request, Responder
from lawgate.gateway.in_force import InForce, PurposeInForce, Route
from lawgate.gateway.metrics import NO_CONNECTION, Metrics
from lawgate.gateway.windows import Windows
from lawgate.identify.extract import credential_from
from lawgate.ports import EntryDraft, Gap, Identifier, Presented, Recorder, UpstreamAnswer

log = logging.getLogger("lawgate.gateway")

INTERNAL: Final = Refusal(Code.INTERNAL, "The gateway failed; the exchange id helps its operators to find out why.")
LEFT: Final = Refusal(Code.CLIENT_LEFT, "The client closed its connection.")
CREDENTIAL_MISSING: Final = Refusal(
    Code.CREDENTIAL_MISSING, "Send a token of your identity provider as Authorization: Bearer <token>."
)
STOPPING: Final = Refusal(Code.STOPPING, "The gateway is stopping; send the request again.", 1)
EVIDENCE_DOWN: Final = Refusal(
    Code.EVIDENCE_UNAVAILABLE, "The evidence log cannot be written, so nothing may pass; try again later.", 5
)


class Node:
    """What all exchanges of this process share. ``in_force`` is swapped by a reload."""

    __slots__ = ("clock", "floods", "gap", "identifier", "in_force", "metrics", "new_id", "recorder")

    def __init__(
        self,
        *,
        in_force: InForce,
        identifier: Identifier,
        recorder: Recorder,
        metrics: Metrics,
        clock: Callable[[], float],
        new_id: Callable[[], ExchangeId],
    ) -> None:
        self.in_force = in_force
        self.identifier = identifier
        self.recorder = recorder
        self.metrics = metrics
        self.clock = clock
        self.new_id = new_id
        self.floods = Floods(clock())
        self.gap: Gap | None = None
        """An outage whose entry is not recorded yet."""

    async def handle(self, request: Request, responder: Responder) -> None:
        """Take one request to its end."""
        await Drive(self, request, responder).run()


class Drive:
    """One exchange on its way."""

    __slots__ = (
        "answer",
        "body",
        "exchange",
        "forward",
        "in_force",
        "inspection",
        "interrupt",
        "left",
        "node",
        "origin",
        "purpose",
        "release_whole",
        "request",
        "responder",
        "route",
        "stumbles",
        "todo",
        "upstream_path",
        "windows",
    )

    def __init__(self, node: Node, request: Request, responder: Responder) -> None:
        self.node = node
        self.request = request
        self.responder = responder
        self.in_force = node.in_force
        segment, _, rest = request.path[1:].partition("/")
        self.upstream_path = "/" + rest
        self.route: Route | None = self.in_force.routes.get(segment)
        self.exchange = Exchange(Facts(node.new_id(), node.clock()))
        self.todo: deque[do.Effect] = deque()
        self.purpose: PurposeInForce | None = None
        self.body = b""
        self.forward = b""
        self.answer: UpstreamAnswer | None = None
        self.inspection: Inspection | None = None
        self.release_whole: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        self.windows: Windows | None = None
        self.origin: bytes | None = None
        self.left: Refusal | None = None
        self.interrupt: Callable[[], object] | None = None
        self.stumbles = 0

    async def run(self) -> None:
        """From the first byte to the last, whatever happens in between."""
        metrics = self.node.metrics
        metrics.in_progress += 1
        self.responder.on_close(self._closed)
        try:
            if not self._preflight():
                waiting = self._identify()
                if waiting is not None:
                    await waiting
                await self._work()
        finally:
            metrics.in_progress -= 1
            self._account()

    def tell(self, event: on.Event) -> None:
        """Report what happened; the effects wait their turn."""
        self.todo.extend(self.exchange.receive(event))

    def departed(self) -> bool:
        """Whether the exchange must end early: the client left, or the node stops."""
        return self.left is not None

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.node.clock()

    async def _work(self) -> None:
        todo = self.todo
        while todo:
            effect = todo.popleft()
            try:
                waiting = _PERFORM[type(effect)](self, effect)
                if waiting is not None:
                    await waiting
            except Exception as error:  # noqa: BLE001  a boundary: one exchange's bug must not end the node
                self._stumble(error)

    def _stumble(self, error: Exception) -> None:
        """A bug of ours: say where it is (never what it held), and end this exchange in order."""
        log.error(
            "exchange failed inside the gateway",
            extra={
                "exchange": self.exchange.facts.exchange,
                "error": _where(error),
                "state": self.exchange.state.value,
            },
        )
        self.stumbles += 1
        self.todo.clear()
        self._cancel()
        if self.stumbles > 1 or not self._tell_failed(INTERNAL):
            self.responder.abort()

    def _tell_failed(self, refusal: Refusal) -> bool:
        state = self.exchange.state
        if state in _REFUSABLE:
            self.tell(on.Refused(refusal, self.now, grounds=self.purpose.grounds if self.purpose else None))
        elif state in _FAILABLE:
            self.tell(on.AnswerFailed(refusal, self.partial_answer()))
        else:
            return False
        return True

    def partial_answer(self) -> AnswerFacts:
        """What there is of an answer when it ends early."""
        if self.windows is not None:
            return self.windows.facts(self.now)
        return AnswerFacts(at=self.now, status=self.answer.status if self.answer else None)

    # ---- the client -------------------------------------------------------------------------

    def _closed(self) -> None:
        """Called by the connection, at most once, as soon as the client is gone or must be left."""
        self.stop(STOPPING if self.responder.gone == NODE_STOPPED else LEFT)

    def client_gone(self) -> None:
        """A write found out before the connection told us."""
        self.stop(LEFT)

    def stop(self, why: Refusal) -> None:
        """End the exchange early: wake what waits for the upstream; entries are awaited all the same."""
        if self.left is not None:
            return
        self.left = why
        if self.exchange.state is State.MASKED:
            self.tell(self.departure())
        if self.interrupt is not None:
            self.interrupt()

    def departure(self) -> on.Event:
        """The event for an exchange that ends early: the client's doing, or the node's.

        Before its intent nothing is under way that a stop would have to cut: its client is left, and the
        refusal says why.
        """
        why = self.left or LEFT
        kind = on.NodeStopping if why.code is Code.STOPPING and self.exchange.state in _FAILABLE else on.ClientLeft
        return kind(why, self.now, self.partial_answer())

    def _cancel(self) -> None:
        if self.answer is not None:
            self.answer.close()

    # ---- identity ---------------------------------------------------------------------------

    def _preflight(self) -> bool:
        origin = self.request.get("origin")
        if origin is None:
            return False
        connection = self.route.connection if self.route else None
        self.origin = cross_origin.allowed_origin(connection, origin)
        if self.request.method != "OPTIONS" or self.origin is None:
            return False
        self.responder.send(204, cross_origin.preflight_headers(self.origin), b"")
        return True

    def _identify(self) -> Awaitable[None] | None:
        """Verify the credential; returns what to await when it was not verified a short while ago."""
        now = self.exchange.facts.received_at
        try:
            presented = credential_from(self.request.get)
        except RefusedError as no:
            self.tell(on.Refused(no.refusal, now))
            return None
        if presented is None:
            self.tell(on.Refused(CREDENTIAL_MISSING, now))
            return None
        principal = self.node.identifier.cached(presented, now)
        if principal is None:
            return self._identify_in_full(presented, now)
        self._identified(principal)
        return None

    async def _identify_in_full(self, presented: Presented, now: float) -> None:
        try:
            principal = await self.node.identifier.identify(presented, now)
        except RefusedError as no:
            self.tell(on.Refused(no.refusal, now))
        except Exception as error:  # noqa: BLE001  a boundary: an unknown fault in a credential refuses
            log.error("identification failed", extra={"error": _where(error)})  # noqa: TRY400  no traceback: law 4
            self.tell(on.Refused(INTERNAL, now))
        else:
            self._identified(principal)

    def _identified(self, principal: Principal) -> None:
        self.exchange.facts.connection = self.route.connection.name if self.route else None
        self.tell(on.Identified(principal))

    # ---- entries ----------------------------------------------------------------------------

    async def record(self, draft: EntryDraft, done: Callable[[str], on.Event]) -> None:
        """Make an entry durable and report it, or report that it could not be."""
        try:
            entry = await self.node.recorder.record(draft)
        except StoreUnavailableError as error:
            self.record_failed(error)
            return
        self.tell(done(entry.id))

    # ---- refusals ---------------------------------------------------------------------------

    def send_refusal(self, refusal: Refusal) -> None:
        """Answer in the protocol's own shape."""
        if self.responder.started or self.left is LEFT:
            self.responder.abort()
            return
        wire = self.route.wire if self.route else self.in_force.fallback_wire
        body, headers = wire.error(refusal, self.exchange.facts.exchange)
        fields = [*as_fields(headers), (EXCHANGE_ID, self.exchange.facts.exchange.encode("ascii"))]
        self.responder.send(refusal.status, self.cross_origin_fields(fields), body)

    def cross_origin_fields(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """An upstream's fields with what a browser needs added."""
        return fields if self.origin is None else [*fields, *cross_origin.answer_headers(self.origin)]

    @property
    def answer_profile(self) -> str | None:
        """Name of the masking profile for answers."""
        return self.purpose.grounds.purpose.mask_answer if self.purpose else None

    def record_failed(self, error: StoreUnavailableError) -> None:
        """An entry or a window is not on disk: the exchange ends here."""
        log.warning("not recorded", extra={"exchange": self.exchange.facts.exchange, "reason": str(error)})
        self.tell(on.RecordFailed(EVIDENCE_DOWN))

    def _account(self) -> None:
        facts = self.exchange.facts
        if not self.exchange.final:
            return
        code = facts.refusal.code.value if facts.refusal else "-"
        outcome = facts.outcome or self.exchange.state.value
        seconds = self.now - facts.received_at
        self.node.metrics.ended(facts.connection or NO_CONNECTION, outcome, code, seconds)
        if facts.refusal is not None:
            log.info(
                "exchange ended",
                extra={
                    "exchange": facts.exchange,
                    "connection": facts.connection,
                    "outcome": outcome,
                    "code": code,
                    "ms": round(seconds * 1000),
                },
            )


def _where(error: BaseException) -> str:
    """Type and place of an error, never its message: that may quote what a caller sent (law 4)."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"


_REFUSABLE: Final = frozenset({State.IDENTIFIED, State.INSPECTED, State.DECIDED, State.HOLDING, State.APPROVED})
_FAILABLE: Final = frozenset({State.INTENT_RECORDED, State.FORWARDED, State.ANSWERING})


async def _record_intent(drive: Drive, effect: do.RecordIntent) -> None:
    await drive.record(effect.draft, on.IntentRecorded)


async def _record_outcome(drive: Drive, effect: do.RecordOutcome) -> None:
    await drive.record(effect.draft, lambda _entry: on.OutcomeRecorded())


async def _record_refusal(drive: Drive, effect: do.RecordRefusal) -> None:
    await drive.record(effect.draft, lambda _entry: on.RefusalRecorded())


def _count_refusal(drive: Drive, effect: do.CountRefusal) -> None:
    drive.node.floods.count(effect.refusal.code)


def _count_gap(_drive: Drive, _effect: do.CountGap) -> None:
    """The recorder counted it when the entry failed; ``housekeeping`` records the gap."""


def _send_refusal(drive: Drive, effect: do.SendRefusal) -> None:
    drive.send_refusal(effect.refusal)


def _cancel_upstream(drive: Drive, _effect: do.CancelUpstream) -> None:
    drive._cancel()  # noqa: SLF001  part of this class, outside it only to stand in the table


_PERFORM: Final[dict[type[do.Effect], Callable[[Drive, Any], Awaitable[None] | None]]] = {
    do.Inspect: asking.inspect,
    do.Decide: asking.decide_on,
    do.Mask: asking.mask,
    do.RecordIntent: _record_intent,
    do.ForwardUpstream: answering.forward,
    do.CancelUpstream: _cancel_upstream,
    do.RecordOutcome: _record_outcome,
    do.ReleaseEnd: answering.release_end,
    do.AbortAnswer: answering.abort,
    do.RecordRefusal: _record_refusal,
    do.CountRefusal: _count_refusal,
    do.CountGap: _count_gap,
    do.SendRefusal: _send_refusal,
}
