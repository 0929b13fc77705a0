"""A small controller for the tests of deciding: two connections, three purposes."""

from types import MappingProxyType
from typing import Any

from lawgate.decide.policy import Policy, compile_policy
from lawgate.decide.rule import DecisionInput, Rule
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.domain.processing import (
    Connection,
    LawfulBasis,
    MaskProfile,
    Observation,
    Protocol,
    Purpose,
    Recipient,
    RecipientRole,
    Retention,
    Safeguard,
)

PROFILES = {
    "replace": MaskProfile("replace", "replace"),
    "keep-iban": MaskProfile("keep-iban", "replace", MappingProxyType({"IBAN": "keep"})),
    "only-iban": MaskProfile("only-iban", "keep", MappingProxyType({"IBAN": "redact"})),
    "keep": MaskProfile("keep", "keep"),
}


def connection(name: str, country: str = "DE", safeguard: Safeguard | None = None) -> Connection:
    recipient = Recipient("LLM GmbH", RecipientRole.PROCESSOR, country, "DPA-1", safeguard)
    return Connection(name, Protocol.OPENAI, f"https://{name}.example/v1", recipient)


def purpose(name: str, *groups: str, connections: tuple[str, ...] = ("llm",), **more: Any) -> Purpose:
    declared: dict[str, Any] = {"mask_request": "replace", "lawful_basis": LawfulBasis.CONTRACT, **more}
    return Purpose(
        name=name, title=name.title(), groups=groups, connections=connections, retention=Retention(30, 365), **declared
    )


def policy(
    *rules: Rule,
    purposes: tuple[Purpose, ...] = (),
    connections: tuple[Connection, ...] = (),
    observe: Observation | None = None,
) -> Policy:
    declared = purposes or (
        purpose("answer-customers", "support"),
        purpose("plan-staffing", "support", "hr"),
        purpose("train-agents", "hr", connections=("us-llm",)),
    )
    reached = connections or (connection("llm"), connection("us-llm", "US", Safeguard.SCC))
    return compile_policy(declared, {item.name: item for item in reached}, PROFILES, rules, observe)


def caller(*groups: str, unknown: bool = False, bound_to: str | None = None) -> Principal:
    kind = CredentialKind.API_KEY if bound_to else CredentialKind.OIDC
    return Principal(
        "https://login.example", "u-1", kind, None if unknown else groups, expires_at=2_000_000_000, purpose=bound_to
    )


def asked(**more: Any) -> DecisionInput:
    given: dict[str, Any] = {
        "principal": caller("support"),
        "purpose": "answer-customers",
        "connection": "llm",
        "operation": "chat",
        "model": "m-1",
        "counts": {},
        "body_bytes": 1500,
        "now": 1_790_000_000.0,
    }
    return DecisionInput(**{**given, **more})
