"""Journeys read as transcripts: ``>>`` an event, ``<<`` the effects it must have.

play = Playbook()
play >> on.Identified(ANNA) << [do.Inspect]
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from lawgate.domain.decision import Outcome, Verdict
from lawgate.domain.errors import Code, Refusal
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.domain.ids import ExchangeId
from lawgate.domain.message import CutText, Mark
from lawgate.domain.processing import (
    Connection,
    LawfulBasis,
    MaskProfile,
    Protocol,
    Purpose,
    Recipient,
    RecipientRole,
    Retention,
)
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange._state import State
from lawgate.exchange.facts import AnswerFacts, Facts, MaskedFacts, RequestFacts, grounds
from lawgate.exchange.machine import Exchange

ANNA = Principal("https://idp.example", "anna", CredentialKind.OIDC, ("support",), 2_000_000_000, name="Anna")
PURPOSE = Purpose(
    name="answer-customers",
    title="Draft answers to customers",
    lawful_basis=LawfulBasis.CONTRACT,
    groups=("support",),
    connections=("support-llm",),
    retention=Retention(30, 365),
)
CONNECTION = Connection(
    name="support-llm",
    protocol=Protocol.OPENAI,
    upstream="https://llm.example/v1",
    recipient=Recipient("LLM GmbH", RecipientRole.PROCESSOR, "DE", "DPA-2026-014"),
)
PROFILE = MaskProfile("replace", "replace", MappingProxyType({}))
GROUNDS = grounds(PURPOSE, CONNECTION, "policy-digest")
REQUEST = RequestFacts(
    operation="chat.completions",
    method="POST",
    path="/v1/chat/completions",
    model="m",
    stream=False,
    content_type="application/json",
    received_sha256="aa",
    received_b=42,
    counts={"EMAIL": 1},
)
CUT = CutText('{"content":""}', (Mark(12, "EMAIL", "replace", "<EMAIL>"),), ("anna@example.de",))
MASKED = MaskedFacts(cut=CUT, forwarded_sha256="bb", forwarded_b=40, profile="replace", detection="dd")
ANSWER = AnswerFacts(at=1_790_000_001.0, status=200, cut=CutText("{}"), received_b=2, released_b=2)
NO_ANSWER = AnswerFacts(at=1_790_000_001.0)
PERMIT = Verdict(Outcome.PERMIT, "answer-customers", rule=None)
HOLD = Verdict(Outcome.HOLD, "answer-customers", rule="high risk")
NO = Refusal(Code.POLICY_REFUSED, "Ask your team lead.")
LEFT = Refusal(Code.CLIENT_LEFT, "The client left.")


def facts() -> Facts:
    """Facts of an exchange that has just arrived."""
    return Facts(ExchangeId("ab" * 16), 1_790_000_000.0, connection="support-llm")


class Playbook:
    """One exchange, driven by hand."""

    def __init__(self, state: State = State.RECEIVED) -> None:
        self.exchange = Exchange(facts(), state)
        self.effects: Sequence[do.Effect] = []

    def __rshift__(self, event: on.Event) -> Playbook:
        self.effects = self.exchange.receive(event)
        return self

    def __lshift__(self, expected: list[type[do.Effect]]) -> Playbook:
        assert [type(effect) for effect in self.effects] == expected
        return self

    def to_intent(self) -> Playbook:
        """Walk a permitted request up to its recorded intent."""
        for event in (
            on.Identified(ANNA),
            on.Inspected(GROUNDS, REQUEST),
            on.Permitted(PERMIT),
            on.Masked(MASKED),
            on.IntentRecorded("e1"),
        ):
            self.effects = self.exchange.receive(event)
        return self
