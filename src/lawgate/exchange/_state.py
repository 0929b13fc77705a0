"""The life of an exchange: the first file to read.

Rule 1: nothing is forwarded before its intent is on stable storage. ``ForwardUpstream`` stands in
        one row only, the one that ``IntentRecorded`` takes.
Rule 2: nothing is released before its record is on stable storage. ``ReleaseWindow`` stands only in
        rows of ``WindowJournalled``, ``ReleaseEnd`` only in the row of ``OutcomeRecorded``.
Rule 3: a refusal is recorded before it is sent; one before IDENTIFIED is counted instead, so that
        nobody can fill the log; one while the store is down becomes part of a gap.
Rule 4: a crash may strike in any state. Those that leave something on disk (``DURABLE``) accept
        ``Recovered``; the others leave nothing, and nothing was forwarded.
Rule 5: every state that is not final can reach a final one.
Rule 6: a client may leave, and a node may stop, at the same places and to the same end.

The diagram in ``docs/exchange.md`` is rendered from this table.
"""

from enum import StrEnum
from typing import Final

from lawgate.exchange import effects as do
from lawgate.exchange import events as on


class State(StrEnum):
    """Where an exchange is. Names in capitals in the documentation are these."""

    RECEIVED = "received"
    IDENTIFIED = "identified"
    INSPECTED = "inspected"
    DECIDED = "decided"
    MASKED = "masked"
    HOLDING = "holding"
    HOLD_MASKED = "hold_masked"
    HELD = "held"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    INTENT_RECORDED = "intent_recorded"
    FORWARDED = "forwarded"
    ANSWERING = "answering"
    CONCLUDING = "concluding"
    OUTCOME_RECORDED = "outcome_recorded"
    RELEASED = "released"
    REFUSING = "refusing"
    REFUSED = "refused"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


S = State

type_of_event = type[on.Event]
type_of_effect = type[do.Effect]
Row = tuple[State, tuple[type_of_effect, ...]]

_REFUSE: Final[Row] = (S.REFUSING, (do.RecordRefusal,))
_CONCLUDE: Final[Row] = (S.CONCLUDING, (do.RecordOutcome,))
_CUT_SHORT: Final[Row] = (S.CONCLUDING, (do.CancelUpstream, do.RecordOutcome))

TABLE: Final[dict[State, dict[type_of_event, Row]]] = {
    S.RECEIVED: {
        on.Identified: (S.IDENTIFIED, (do.Inspect,)),
        on.Refused: (S.REFUSED, (do.CountRefusal, do.SendRefusal)),
        on.ClientLeft: (S.REFUSED, (do.CountRefusal,)),
        on.NodeStopping: (S.REFUSED, (do.CountRefusal,)),
    },
    S.IDENTIFIED: {
        on.Inspected: (S.INSPECTED, (do.Decide,)),
        on.Refused: _REFUSE,
        on.ClientLeft: _REFUSE,
        on.NodeStopping: _REFUSE,
    },
    S.INSPECTED: {
        on.Permitted: (S.DECIDED, (do.Mask,)),
        on.HoldRequired: (S.HOLDING, (do.Mask,)),
        on.Refused: _REFUSE,
        on.ClientLeft: _REFUSE,
        on.NodeStopping: _REFUSE,
    },
    S.DECIDED: {
        on.Masked: (S.MASKED, (do.RecordIntent,)),
        on.Refused: _REFUSE,
        on.ClientLeft: _REFUSE,
        on.NodeStopping: _REFUSE,
    },
    # A crash while the intent is being written leaves an intent or nothing, and no forward.
    S.MASKED: {
        on.IntentRecorded: (S.INTENT_RECORDED, (do.ForwardUpstream,)),
        on.RecordFailed: (S.FAILED, (do.CountGap, do.SendRefusal)),
        on.ClientLeft: (S.WITHDRAWN, ()),
        on.NodeStopping: (S.WITHDRAWN, ()),
    },
    # The client left, or had to be left, while its intent was being written: nobody waits for the answer.
    S.WITHDRAWN: {
        on.IntentRecorded: _CONCLUDE,
        on.RecordFailed: (S.FAILED, (do.CountGap,)),
    },
    S.HOLDING: {
        on.Masked: (S.HOLD_MASKED, (do.RecordHold,)),
        on.Refused: _REFUSE,
        on.ClientLeft: _REFUSE,
        on.NodeStopping: _REFUSE,
    },
    # A crash while the hold is being written leaves a hold or nothing.
    S.HOLD_MASKED: {
        on.HoldRecorded: (S.HELD, (do.DropBody, do.AnnounceHold)),
        on.RecordFailed: (S.FAILED, (do.CountGap, do.SendRefusal)),
        on.ClientLeft: (S.HOLD_MASKED, ()),
        on.NodeStopping: (S.HOLD_MASKED, ()),
    },
    S.HELD: {
        on.Approved: (S.APPROVED, (do.Decide,)),
        on.Rejected: _REFUSE,
        on.HoldExpired: (S.EXPIRING, (do.RecordRefusal,)),
        on.ClientLeft: (S.HELD, ()),
        on.NodeStopping: (S.HELD, ()),
        on.Recovered: (S.HELD, ()),
    },
    # The policy is evaluated again: what was approved yesterday may be refused today.
    S.APPROVED: {
        on.Permitted: (S.DECIDED, (do.Mask,)),
        on.HoldRequired: (S.HOLDING, (do.Mask,)),
        on.Refused: _REFUSE,
        on.ClientLeft: _REFUSE,
        on.NodeStopping: _REFUSE,
    },
    # A crash from here on leaves an intent without an outcome: recovery records "unknown".
    S.INTENT_RECORDED: {
        on.RequestSent: (S.FORWARDED, ()),
        on.AnswerFailed: _CONCLUDE,
        on.ClientLeft: _CUT_SHORT,
        on.NodeStopping: _CUT_SHORT,
        on.Recovered: _CONCLUDE,
    },
    S.FORWARDED: {
        on.AnswerStarted: (S.ANSWERING, ()),
        on.AnswerFailed: _CONCLUDE,
        on.ClientLeft: _CUT_SHORT,
        on.NodeStopping: _CUT_SHORT,
        on.Recovered: _CONCLUDE,
    },
    # A crash here leaves the journalled windows: recovery commits to them as "interrupted".
    S.ANSWERING: {
        on.WindowMasked: (S.ANSWERING, (do.JournalWindow,)),
        on.WindowJournalled: (S.ANSWERING, (do.ReleaseWindow,)),
        on.AnswerEnded: _CONCLUDE,
        on.AnswerFailed: _CUT_SHORT,
        on.RecordFailed: (S.FAILED, (do.CancelUpstream, do.CountGap, do.AbortAnswer)),
        on.ClientLeft: _CUT_SHORT,
        on.NodeStopping: _CUT_SHORT,
        on.Recovered: _CONCLUDE,
    },
    S.CONCLUDING: {
        on.OutcomeRecorded: (S.OUTCOME_RECORDED, (do.ReleaseEnd,)),
        on.RecordFailed: (S.FAILED, (do.CountGap, do.AbortAnswer)),
        on.ClientLeft: (S.CONCLUDING, ()),
        on.NodeStopping: (S.CONCLUDING, ()),
    },
    # A crash here leaves the outcome; whether the client got the last bytes is unknown.
    S.OUTCOME_RECORDED: {
        on.Released: (S.RELEASED, ()),
        on.ReleaseCut: (S.INTERRUPTED, ()),
        on.ErrorSent: (S.FAILED, ()),
        on.Recovered: (S.INTERRUPTED, ()),
    },
    S.REFUSING: {
        on.RefusalRecorded: (S.REFUSED, (do.SendRefusal,)),
        on.RecordFailed: (S.REFUSED, (do.CountGap, do.SendRefusal)),
        on.ClientLeft: (S.REFUSING, ()),
        on.NodeStopping: (S.REFUSING, ()),
    },
    S.EXPIRING: {
        on.RefusalRecorded: (S.EXPIRED, (do.SendRefusal,)),
        on.RecordFailed: (S.EXPIRED, (do.CountGap, do.SendRefusal)),
        on.ClientLeft: (S.EXPIRING, ()),
        on.NodeStopping: (S.EXPIRING, ()),
    },
    S.REFUSED: {on.Recovered: (S.REFUSED, ())},
    S.EXPIRED: {on.Recovered: (S.EXPIRED, ())},
    S.RELEASED: {},
    S.INTERRUPTED: {},
    S.FAILED: {},
}
"""``TABLE[state][type(event)]`` is the next state and the effects to perform, in order."""

DURABLE: Final = frozenset(
    {S.HELD, S.INTENT_RECORDED, S.FORWARDED, S.ANSWERING, S.OUTCOME_RECORDED, S.REFUSED, S.EXPIRED}
)
"""States that a restart can find on disk."""

FINAL: Final = frozenset({S.RELEASED, S.REFUSED, S.EXPIRED, S.INTERRUPTED, S.FAILED})
"""States in which nothing more is owed to anybody."""
