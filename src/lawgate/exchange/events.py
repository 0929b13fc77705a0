"""What happened: the shell tells the exchange.

Rule: an event carries what the next effects need and nothing that the exchange knows already.
"""

from typing import Any

import msgspec

from lawgate.domain.approval import Approval
from lawgate.domain.decision import Verdict
from lawgate.domain.errors import Refusal
from lawgate.domain.identity import Principal
from lawgate.exchange.facts import AnswerFacts, Grounds, MaskedFacts, RequestFacts


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened outside the core."""


class Identified(Event, frozen=True, gc=False):
    """The credential was verified."""

    principal: Principal


class Inspected(Event, frozen=True, gc=False):
    """The body was read, parsed and searched for personal data under a chosen purpose."""

    grounds: Grounds
    request: RequestFacts


class Permitted(Event, frozen=True, gc=False):
    """The policy lets the request pass."""

    verdict: Verdict


class HoldRequired(Event, frozen=True, gc=False):
    """The policy wants people to decide."""

    verdict: Verdict


class Refused(Event, frozen=True, gc=False):
    """Something on the way says no. ``grounds``, ``verdict``: as far as they were known."""

    refusal: Refusal
    at: float
    verdict: Verdict | None = None
    grounds: Grounds | None = None


class Masked(Event, frozen=True, gc=False):
    """The operators were applied; the body to forward stands."""

    masked: MaskedFacts


class HoldRecorded(Event, frozen=True, gc=False):
    """The hold is on stable storage."""


class Approved(Event, frozen=True, gc=False):
    """People released the hold, and this exchange claimed the grant."""

    approval: Approval


class Rejected(Event, frozen=True, gc=False):
    """People rejected the hold."""

    refusal: Refusal
    at: float


class HoldExpired(Event, frozen=True, gc=False):
    """Nobody decided in time."""

    refusal: Refusal
    at: float


class IntentRecorded(Event, frozen=True, gc=False):
    """The intent is on stable storage under this entry id."""

    entry: str


class RecordFailed(Event, frozen=True, gc=False):
    """An entry or a window could not be made durable."""

    refusal: Refusal


class RequestSent(Event, frozen=True, gc=False):
    """The upstream was given the whole request."""


class AnswerStarted(Event, frozen=True, gc=False):
    """The upstream's status and headers arrived."""

    status: int


class WindowMasked(Event, frozen=True, gc=False):
    """Masked text of a streamed answer waits to be journalled."""

    window: Any


class WindowJournalled(Event, frozen=True, gc=False):
    """That window is on stable storage."""

    window: Any


class AnswerEnded(Event, frozen=True, gc=False):
    """The answer is complete; what of it is not released yet waits for the outcome."""

    answer: AnswerFacts


class AnswerFailed(Event, frozen=True, gc=False):
    """The upstream failed or its answer may not be released. ``answer``: what there was of it."""

    refusal: Refusal
    answer: AnswerFacts


class ClientLeft(Event, frozen=True, gc=False):
    """The client closed its connection. ``answer``: what there was of one."""

    refusal: Refusal
    at: float
    answer: AnswerFacts | None = None


class NodeStopping(Event, frozen=True, gc=False):
    """The deadline of a graceful stop passed."""

    refusal: Refusal
    at: float
    answer: AnswerFacts | None = None


class OutcomeRecorded(Event, frozen=True, gc=False):
    """The outcome is on stable storage."""


class RefusalRecorded(Event, frozen=True, gc=False):
    """The refusal is on stable storage."""


class Released(Event, frozen=True, gc=False):
    """The last byte of the answer was handed to the client."""


class ReleaseCut(Event, frozen=True, gc=False):
    """The answer ended early, and the client was told or has left."""


class ErrorSent(Event, frozen=True, gc=False):
    """The client got an error in place of an answer."""


class Recovered(Event, frozen=True, gc=False):
    """A node found this exchange on disk after a crash. ``answer``: what was journalled of one."""

    answer: AnswerFacts


EVENTS: tuple[type[Event], ...] = (
    Identified,
    Inspected,
    Permitted,
    HoldRequired,
    Refused,
    Masked,
    HoldRecorded,
    Approved,
    Rejected,
    HoldExpired,
    IntentRecorded,
    RecordFailed,
    RequestSent,
    AnswerStarted,
    WindowMasked,
    WindowJournalled,
    AnswerEnded,
    AnswerFailed,
    ClientLeft,
    NodeStopping,
    OutcomeRecorded,
    RefusalRecorded,
    Released,
    ReleaseCut,
    ErrorSent,
    Recovered,
)
