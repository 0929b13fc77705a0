"""Random walks over the exchange: the laws hold on every path, with real drafts on the way."""

from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.approval import Approval
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import DURABLE, FINAL, TABLE, State
from lawgate.exchange.machine import Exchange
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
    facts,
)

SAMPLES: dict[type[on.Event], on.Event] = {
    on.Identified: on.Identified(ANNA),
    on.Inspected: on.Inspected(GROUNDS, REQUEST),
    on.Permitted: on.Permitted(PERMIT),
    on.HoldRequired: on.HoldRequired(HOLD),
    on.Refused: on.Refused(NO, 1_790_000_000.0),
    on.Masked: on.Masked(MASKED),
    on.HoldRecorded: on.HoldRecorded(),
    on.Approved: on.Approved(Approval("h", ("lead",), 1)),
    on.Rejected: on.Rejected(NO, 1_790_000_000.0),
    on.HoldExpired: on.HoldExpired(NO, 1_790_000_000.0),
    on.IntentRecorded: on.IntentRecorded("e1"),
    on.RecordFailed: on.RecordFailed(NO),
    on.RequestSent: on.RequestSent(),
    on.AnswerStarted: on.AnswerStarted(200),
    on.WindowMasked: on.WindowMasked("w"),
    on.WindowJournalled: on.WindowJournalled("w"),
    on.AnswerEnded: on.AnswerEnded(ANSWER),
    on.AnswerFailed: on.AnswerFailed(NO, NO_ANSWER),
    on.ClientLeft: on.ClientLeft(LEFT, 1_790_000_000.0),
    on.NodeStopping: on.NodeStopping(LEFT, 1_790_000_000.0),
    on.OutcomeRecorded: on.OutcomeRecorded(),
    on.RefusalRecorded: on.RefusalRecorded(),
    on.Released: on.Released(),
    on.ReleaseCut: on.ReleaseCut(),
    on.ErrorSent: on.ErrorSent(),
    on.Recovered: on.Recovered(NO_ANSWER),
}


def test_there_is_a_sample_of_every_event() -> None:
    assert set(SAMPLES) == set(on.EVENTS)


@given(st.data())
def test_walks_keep_the_laws(data: st.DataObject) -> None:
    exchange = Exchange(facts())
    seen: list[type[on.Event]] = []
    done: list[type[do.Effect]] = []
    for _ in range(40):
        legal = sorted(TABLE[exchange.state], key=lambda event: event.__name__)
        if not legal:
            break
        event = data.draw(st.sampled_from(legal))
        seen.append(event)
        for effect in exchange.receive(SAMPLES[event]):
            done.append(type(effect))
            _check(type(effect), seen, done)
    _check_refusals(exchange, done)


def _check(effect: type[do.Effect], seen: list[type[on.Event]], done: list[type[do.Effect]]) -> None:
    if effect is do.ForwardUpstream:
        assert on.IntentRecorded in seen
    if effect is do.ReleaseEnd:
        assert seen[-1] is on.OutcomeRecorded
    if effect is do.ReleaseWindow:
        assert seen[-1] is on.WindowJournalled
    if effect is do.SendRefusal:
        assert {do.CountRefusal, do.CountGap} & set(done) or on.RefusalRecorded in seen


def _check_refusals(exchange: Exchange, done: list[type[do.Effect]]) -> None:
    if exchange.state in {State.REFUSED, State.EXPIRED}:
        assert {do.CountRefusal, do.CountGap, do.RecordRefusal} & set(done)


@given(st.sampled_from(sorted(DURABLE)))
def test_recovery_runs_from_every_durable_state_to_an_end_or_a_hold(state: State) -> None:
    exchange = Exchange(facts(), state)
    effects = [type(effect) for effect in exchange.receive(SAMPLES[on.Recovered])]
    if exchange.state is State.CONCLUDING:
        assert effects == [do.RecordOutcome]
        exchange.receive(on.OutcomeRecorded())
        exchange.receive(on.ReleaseCut())
    assert exchange.state in FINAL | {State.HELD}
