"""The six laws, read off the table itself."""

from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import DURABLE, FINAL, TABLE, State

ROWS = [(state, event, target, effects) for state, rows in TABLE.items() for event, (target, effects) in rows.items()]


def test_every_state_and_every_event_and_every_effect_is_used() -> None:
    assert set(TABLE) == set(State)
    assert {event for _, event, _, _ in ROWS} == set(on.EVENTS)
    assert {effect for _, _, _, effects in ROWS for effect in effects} == set(do.EFFECTS)


def test_law_1_forward_stands_in_one_row_only() -> None:
    rows = [(state, event, target) for state, event, target, effects in ROWS if do.ForwardUpstream in effects]
    assert rows == [(State.MASKED, on.IntentRecorded, State.INTENT_RECORDED)]


def test_law_2_windows_and_ends_follow_their_durable_event() -> None:
    for _, event, _, effects in ROWS:
        if do.ReleaseWindow in effects:
            assert event is on.WindowJournalled
        if do.ReleaseEnd in effects:
            assert event is on.OutcomeRecorded


def test_law_3_a_refusal_is_recorded_or_counted_before_it_is_sent() -> None:
    for state, event, _, effects in ROWS:
        if do.SendRefusal not in effects:
            continue
        counted = effects.index(do.SendRefusal) > 0 and effects[0] in {do.CountRefusal, do.CountGap}
        assert counted or event is on.RefusalRecorded, (state, event)


def test_only_refusals_before_identified_are_counted() -> None:
    assert {state for state, _, _, effects in ROWS if do.CountRefusal in effects} == {State.RECEIVED}


def test_recovered_is_legal_in_every_durable_state_and_only_there() -> None:
    assert {state for state, event, _, _ in ROWS if event is on.Recovered} == DURABLE


def test_every_state_can_end() -> None:
    ends = set(FINAL)
    while True:
        more = {state for state, _, target, _ in ROWS if target in ends} - ends
        if not more:
            break
        ends |= more
    assert ends == set(State)


def test_final_states_owe_nothing() -> None:
    for state, event, target, effects in ROWS:
        if state in FINAL:
            assert (event, target, effects) == (on.Recovered, state, ())


def test_a_client_may_leave_in_every_state_that_waits() -> None:
    deaf = {state for state in State if on.ClientLeft not in TABLE[state]}
    assert deaf == FINAL | {State.WITHDRAWN, State.OUTCOME_RECORDED}


def test_a_node_may_stop_wherever_a_client_may_leave() -> None:
    for state, rows in TABLE.items():
        assert rows.get(on.NodeStopping) == rows.get(on.ClientLeft), state
