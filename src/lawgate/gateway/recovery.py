"""What a node does at start about exchanges that a crash left open (law 1, law 2).

Rule: recovery runs the exchange's own table with the event ``Recovered``; it decides nothing itself.
A crash during recovery leaves the same exchanges open, and the next start does the same again.
"""

from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import State
from lawgate.exchange.facts import AnswerFacts, Facts
from lawgate.exchange.machine import Exchange
from lawgate.ports import OpenExchange, Recorder, Recovery


async def recover(recovery: Recovery, recorder: Recorder, now: float) -> int:
    """Give every open exchange its outcome; returns how many got one.

    Raises ``StoreUnavailableError``: a node that cannot close its past must not serve.
    """
    closed = 0
    for open_exchange in recovery.open_exchanges():
        closed += await _close(open_exchange, recorder, now)
    return closed


async def _close(found: OpenExchange, recorder: Recorder, now: float) -> int:
    facts = Facts(
        found.exchange,
        now,
        connection=found.index.connection,
        intent=found.intent,
        retention=found.retention,
        recovered_index=found.index,
    )
    state = State(found.state)
    if found.windows is not None and state is State.INTENT_RECORDED:
        state = State.ANSWERING
    exchange = Exchange(facts, state)
    answer = AnswerFacts(at=now, windows=found.windows, streamed=found.windows is not None)
    closed = 0
    for effect in exchange.receive(on.Recovered(answer)):
        if isinstance(effect, do.RecordOutcome):
            await recorder.record(effect.draft)
            exchange.receive(on.OutcomeRecorded())
            exchange.receive(on.ReleaseCut())  # the client of the crashed node is gone
            closed += 1
    return closed
