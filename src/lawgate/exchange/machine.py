"""Drives one exchange along the table. Pure: events in, effects out."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from lawgate.domain.errors import LawgateError
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange import record
from lawgate.exchange._state import FINAL, TABLE, State
from lawgate.exchange.facts import Facts


class IllegalEventError(LawgateError):
    """An event came in a state that has no row for it: a bug of ours, so the exchange stops."""


class Exchange:
    """One request and its answer. ``receive`` is the whole engine."""

    __slots__ = ("_moves", "facts", "state")

    def __init__(self, facts: Facts, state: State = State.RECEIVED) -> None:
        self.facts = facts
        self.state = state
        self._moves = _MOVES[state]

    @property
    def final(self) -> bool:
        """Nothing more is owed to anybody."""
        return self.state in FINAL

    def receive(self, event: on.Event) -> Sequence[do.Effect]:
        """Take the row for ``event`` and return its effects, in the order in which to perform them.

        Raises ``IllegalEventError`` when the state has no such row; the state is then unchanged.
        """
        move = self._moves.get(type(event))
        if move is None:
            msg = f"event {type(event).__name__} is not legal in state {self.state.value}"
            raise IllegalEventError(msg)
        facts = self.facts
        if move.absorb is not None:
            move.absorb(facts, event)
        self.state, self._moves = move.state, move.moves
        return [make(facts, event) for make in move.makers] if move.makers else ()


class _Move:
    """A row of the table with what it needs looked up beforehand: a move is taken ten times an exchange."""

    __slots__ = ("absorb", "makers", "moves", "state")

    def __init__(self, event: type[on.Event], state: State, effects: Sequence[type[do.Effect]]) -> None:
        self.absorb = _ABSORB.get(event)
        self.makers = tuple([_MAKE[effect] for effect in effects])
        self.state = state
        self.moves: dict[type[on.Event], _Move] = _MOVES[state]


def _identified(facts: Facts, event: on.Identified) -> None:
    facts.principal = event.principal


def _inspected(facts: Facts, event: on.Inspected) -> None:
    facts.grounds = event.grounds
    facts.retention = event.grounds.retention
    facts.request = event.request


def _judged(facts: Facts, event: on.Permitted | on.HoldRequired) -> None:
    facts.verdict = event.verdict


def _refused(facts: Facts, event: on.Refused) -> None:
    facts.refusal = event.refusal
    facts.refused_at = event.at
    if event.verdict is not None:
        facts.verdict = event.verdict
    if event.grounds is not None:
        facts.grounds = event.grounds
        facts.retention = event.grounds.retention


def _stopped(facts: Facts, event: on.Rejected | on.HoldExpired) -> None:
    facts.refusal = event.refusal
    facts.refused_at = event.at


def _masked(facts: Facts, event: on.Masked) -> None:
    facts.masked = event.masked


def _approved(facts: Facts, event: on.Approved) -> None:
    facts.approvals.append(event.approval.hold)
    facts.refusal = None  # whoever left while it was held has come back for it


def _intent_recorded(facts: Facts, event: on.IntentRecorded) -> None:
    facts.intent = event.entry
    if facts.refusal is not None:  # the client left while the intent was being written
        facts.outcome = "interrupted"


def _record_failed(facts: Facts, event: on.RecordFailed) -> None:
    facts.refusal = event.refusal


def _answer_ended(facts: Facts, event: on.AnswerEnded) -> None:
    facts.answer = event.answer
    facts.outcome = "answered"


def _answer_failed(facts: Facts, event: on.AnswerFailed) -> None:
    facts.answer = event.answer
    facts.refusal = event.refusal
    facts.outcome = "interrupted" if event.answer.released_b else "failed"


def _left(facts: Facts, event: on.ClientLeft | on.NodeStopping) -> None:
    if facts.outcome is not None:  # the outcome is on its way and stays what it is
        return
    facts.refusal = event.refusal
    facts.refused_at = event.at
    facts.answer = event.answer
    if facts.intent is not None:
        facts.outcome = "interrupted"


def _recovered(facts: Facts, event: on.Recovered) -> None:
    if facts.intent is None:  # a hold, or a refusal: nothing was forwarded, so there is no outcome to give
        return
    facts.answer = event.answer
    facts.outcome = "interrupted" if event.answer.windows is not None else "unknown"


_ABSORB: Final[dict[type[on.Event], Callable[[Facts, Any], None]]] = {
    on.Identified: _identified,
    on.Inspected: _inspected,
    on.Permitted: _judged,
    on.HoldRequired: _judged,
    on.Refused: _refused,
    on.Rejected: _stopped,
    on.HoldExpired: _stopped,
    on.Masked: _masked,
    on.Approved: _approved,
    on.IntentRecorded: _intent_recorded,
    on.RecordFailed: _record_failed,
    on.AnswerEnded: _answer_ended,
    on.AnswerFailed: _answer_failed,
    on.ClientLeft: _left,
    on.NodeStopping: _left,
    on.Recovered: _recovered,
}


def _always(effect: do.Effect) -> Callable[[Facts, on.Event], do.Effect]:
    return lambda _facts, _event: effect


def _refusing(kind: Callable[[Any], do.Effect]) -> Callable[[Facts, on.Event], do.Effect]:
    return lambda facts, _event: kind(facts.refusal)


def _on_window(kind: Callable[[Any], do.Effect]) -> Callable[[Facts, Any], do.Effect]:
    return lambda _facts, event: kind(event.window)


_MAKE: Final[dict[type[do.Effect], Callable[[Facts, Any], do.Effect]]] = {
    do.Inspect: _always(do.Inspect()),
    do.Decide: _always(do.Decide()),
    do.Mask: _always(do.Mask()),
    do.RecordIntent: lambda facts, _event: do.RecordIntent(record.intent_draft(facts)),
    do.RecordHold: lambda facts, _event: do.RecordHold(record.hold_draft(facts)),
    do.DropBody: _always(do.DropBody()),
    do.AnnounceHold: _always(do.AnnounceHold()),
    do.ForwardUpstream: _always(do.ForwardUpstream()),
    do.CancelUpstream: _always(do.CancelUpstream()),
    do.JournalWindow: _on_window(do.JournalWindow),
    do.ReleaseWindow: _on_window(do.ReleaseWindow),
    do.RecordOutcome: lambda facts, _event: do.RecordOutcome(record.outcome_draft(facts)),
    do.ReleaseEnd: _always(do.ReleaseEnd()),
    do.AbortAnswer: _refusing(do.AbortAnswer),
    do.RecordRefusal: lambda facts, _event: do.RecordRefusal(record.refusal_draft(facts)),
    do.CountRefusal: _refusing(do.CountRefusal),
    do.CountGap: _refusing(do.CountGap),
    do.SendRefusal: _refusing(do.SendRefusal),
}


_MOVES: Final[dict[State, dict[type[on.Event], _Move]]] = {state: {} for state in TABLE}
for _state, _rows in TABLE.items():
    for _event, (_target, _effects) in _rows.items():
        _MOVES[_state][_event] = _Move(_event, _target, _effects)
