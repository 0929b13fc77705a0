"""Journeys as transcripts."""

import pytest

from lawgate.domain.approval import Approval
from lawgate.domain.errors import Code, Refusal
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import State
from lawgate.exchange.facts import AnswerFacts
from lawgate.exchange.machine import Exchange, IllegalEventError
from tests.playbook import (
    ANNA,
    ANSWER,
    GROUNDS,
    HOLD,
    LEFT,
    MASKED,
    NO,
    NO_ANSWER,
    PERMIT,
    REQUEST,
    Playbook,
)

STORE_DOWN = Refusal(Code.EVIDENCE_UNAVAILABLE, "Try again.")


def test_a_governed_request_and_its_answer() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Inspected(GROUNDS, REQUEST) << [do.Decide]
    _ = play >> on.Permitted(PERMIT) << [do.Mask]
    _ = play >> on.Masked(MASKED) << [do.RecordIntent]
    _ = play >> on.IntentRecorded("e1") << [do.ForwardUpstream]
    _ = play >> on.RequestSent() << []
    _ = play >> on.AnswerStarted(200) << []
    _ = play >> on.AnswerEnded(ANSWER) << [do.RecordOutcome]
    _ = play >> on.OutcomeRecorded() << [do.ReleaseEnd]
    _ = play >> on.Released() << []
    assert play.exchange.state is State.RELEASED
    assert play.exchange.final


def test_a_stream_is_released_window_by_window() -> None:
    play = Playbook().to_intent()
    _ = play >> on.RequestSent() << []
    _ = play >> on.AnswerStarted(200) << []
    _ = play >> on.WindowMasked("w1") << [do.JournalWindow]
    _ = play >> on.WindowJournalled("w1") << [do.ReleaseWindow]
    assert list(play.effects) == [do.ReleaseWindow("w1")]
    _ = play >> on.AnswerEnded(ANSWER) << [do.RecordOutcome]


def test_a_flood_without_credentials_is_counted_and_not_recorded() -> None:
    refusal = Refusal(Code.CREDENTIAL_MISSING, "Send a token.")
    play = Playbook()
    _ = play >> on.Refused(refusal, 0.0) << [do.CountRefusal, do.SendRefusal]
    assert play.effects == [do.CountRefusal(refusal), do.SendRefusal(refusal)]


def test_a_refusal_is_recorded_before_it_is_sent() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Refused(NO, 1_790_000_000.5) << [do.RecordRefusal]
    _ = play >> on.RefusalRecorded() << [do.SendRefusal]
    assert play.exchange.state is State.REFUSED


def test_a_refusal_while_the_store_is_down_becomes_part_of_a_gap() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Refused(NO, 1_790_000_000.5) << [do.RecordRefusal]
    _ = play >> on.RecordFailed(STORE_DOWN) << [do.CountGap, do.SendRefusal]


def test_a_failed_intent_forwards_nothing() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Inspected(GROUNDS, REQUEST) << [do.Decide]
    _ = play >> on.Permitted(PERMIT) << [do.Mask]
    _ = play >> on.Masked(MASKED) << [do.RecordIntent]
    _ = play >> on.RecordFailed(STORE_DOWN) << [do.CountGap, do.SendRefusal]
    assert play.effects[1] == do.SendRefusal(STORE_DOWN)
    assert play.exchange.state is State.FAILED


def test_a_client_that_leaves_before_the_intent_is_durable_is_not_forwarded() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Inspected(GROUNDS, REQUEST) << [do.Decide]
    _ = play >> on.Permitted(PERMIT) << [do.Mask]
    _ = play >> on.Masked(MASKED) << [do.RecordIntent]
    _ = play >> on.ClientLeft(LEFT, 1.0) << []
    _ = play >> on.IntentRecorded("e1") << [do.RecordOutcome]
    assert play.exchange.facts.outcome == "interrupted"


def test_a_client_that_leaves_cancels_the_upstream_and_the_outcome_says_so() -> None:
    play = Playbook().to_intent()
    _ = play >> on.ClientLeft(LEFT, 1.0, NO_ANSWER) << [do.CancelUpstream, do.RecordOutcome]
    assert play.exchange.facts.outcome == "interrupted"


def test_a_dead_upstream_is_an_outcome_and_an_error() -> None:
    play = Playbook().to_intent()
    _ = play >> on.AnswerFailed(NO, NO_ANSWER) << [do.RecordOutcome]
    assert play.exchange.facts.outcome == "failed"
    _ = play >> on.OutcomeRecorded() << [do.ReleaseEnd]
    _ = play >> on.ErrorSent() << []
    assert play.exchange.state is State.FAILED


def test_an_upstream_that_dies_in_mid_stream_is_interrupted() -> None:
    play = Playbook().to_intent()
    _ = play >> on.RequestSent() >> on.AnswerStarted(200)
    _ = play >> on.AnswerFailed(NO, AnswerFacts(at=1.0, released_b=10)) << [do.CancelUpstream, do.RecordOutcome]
    assert play.exchange.facts.outcome == "interrupted"


def test_a_late_client_left_does_not_change_an_outcome_on_its_way() -> None:
    play = Playbook().to_intent()
    _ = play >> on.RequestSent() >> on.AnswerStarted(200) >> on.AnswerEnded(ANSWER)
    _ = play >> on.ClientLeft(LEFT, 1.0) << []
    assert play.exchange.facts.outcome == "answered"
    assert play.exchange.facts.refusal is None


def test_a_hold_is_decided_claimed_and_evaluated_again() -> None:
    play = Playbook()
    _ = play >> on.Identified(ANNA) << [do.Inspect]
    _ = play >> on.Inspected(GROUNDS, REQUEST) << [do.Decide]
    _ = play >> on.HoldRequired(HOLD) << [do.Mask]
    _ = play >> on.Masked(MASKED) << [do.RecordHold]
    _ = play >> on.HoldRecorded() << [do.DropBody, do.AnnounceHold]
    _ = play >> on.ClientLeft(LEFT, 1.0) << []
    _ = play >> on.Approved(Approval("h1", ("lead",), 5)) << [do.Decide]
    _ = play >> on.Permitted(PERMIT) << [do.Mask]
    _ = play >> on.Masked(MASKED) << [do.RecordIntent]


def test_recovery_of_an_intent_is_unknown_and_of_windows_is_interrupted() -> None:
    play = Playbook(State.INTENT_RECORDED)
    play.exchange.facts.intent = "e1"
    _ = play >> on.Recovered(NO_ANSWER) << [do.RecordOutcome]
    assert play.exchange.facts.outcome == "unknown"


def test_recovery_of_a_hold_leaves_it_a_hold() -> None:
    play = Playbook(State.HELD)
    _ = play >> on.Recovered(NO_ANSWER) << []
    assert play.exchange.facts.outcome is None


def test_an_illegal_event_is_refused_and_changes_nothing() -> None:
    exchange = Playbook().exchange
    with pytest.raises(IllegalEventError, match="OutcomeRecorded is not legal in state received"):
        exchange.receive(on.OutcomeRecorded())
    assert exchange.state is State.RECEIVED


def test_an_exchange_says_when_it_is_final() -> None:
    assert Exchange(Playbook().exchange.facts, State.FAILED).final
    assert not Exchange(Playbook().exchange.facts, State.HELD).final


def test_who_left_while_held_and_came_back_is_answered_like_anyone() -> None:
    play = Playbook(State.HELD)
    _ = play >> on.ClientLeft(LEFT, 1.0) >> on.Approved(Approval("h1", ("lead",), 5)) >> on.Permitted(PERMIT)
    play.exchange.facts.request = REQUEST
    _ = play >> on.Masked(MASKED) >> on.IntentRecorded("e1") << [do.ForwardUpstream]
    assert (play.exchange.facts.refusal, play.exchange.facts.outcome) == (None, None)


def test_a_node_that_stops_does_not_forward_what_is_not_recorded_yet() -> None:
    play = Playbook(State.MASKED)
    _ = play >> on.NodeStopping(LEFT, 1.0) << []
    _ = play >> on.IntentRecorded("e1") << [do.RecordOutcome]
    assert play.exchange.facts.outcome == "interrupted"
