"""Drafts of the entries that an exchange leaves (Art. 5(2) GDPR: be able to demonstrate).

Rule 1: who, what and why go into the sealed ``meta`` part; the leaf says none of it.
Rule 2: bodies are stored with every span cut out; originals are a part of their own.
Rule 3: a refusal keeps its reason and span counts, never a body.
Rule 4: ``record: masked`` keeps no originals, ``record: metadata`` keeps no bodies.
"""

import base64
from typing import Any, Final

import msgspec

from lawgate.domain.identity import Principal
from lawgate.domain.message import CutText, Mark
from lawgate.domain.processing import RecordLevel
from lawgate.exchange.facts import AnswerFacts, Facts
from lawgate.ports import EntryDraft, IndexRow, PartDraft

_encode: Final = msgspec.json.Encoder().encode

CALLERS_MAX: Final = 4096
"""Principals remembered with their part of the record; a bank's developers by day, a few hundred kB."""
_callers: Final[dict[int, tuple[Principal, msgspec.Raw]]] = {}

META: Final = "meta"
REQUEST: Final = "request"
REQUEST_ORIGINALS: Final = "request-originals"
ANSWER: Final = "answer"
ANSWER_ORIGINALS: Final = "answer-originals"


def intent_draft(facts: Facts) -> EntryDraft:
    """The entry that stands before anything is forwarded."""
    request, masked = facts.request, facts.masked
    if request is None or masked is None:
        msg = "an intent needs an inspected and masked request"
        raise AssertionError(msg)
    meta = _head(facts)
    meta["verdict"] = _verdict(facts)
    meta["forwarded_sha256"] = masked.forwarded_sha256
    meta["forwarded_b"] = masked.forwarded_b
    meta["masking"] = _masking(masked.cut, masked.profile, masked.detection)
    parts = [PartDraft(META, _encode(meta))]
    level = facts.record_level
    if masked.cut is not None:
        parts += body_parts(masked.cut, level, REQUEST, REQUEST_ORIGINALS)
    elif masked.opaque and level is RecordLevel.FULL:
        parts.append(PartDraft(REQUEST, opaque_body(masked.opaque), content=True))
    return EntryDraft("intent", int(facts.received_at), facts.retention, tuple(parts), _index(facts, "intent_recorded"))


def outcome_draft(facts: Facts) -> EntryDraft:
    """The entry that stands before an answer is complete, or in place of one."""
    answer = facts.answer or AnswerFacts(at=facts.received_at)
    meta = {
        "exchange": facts.exchange,
        "intent": facts.intent,
        "outcome": facts.outcome,
        "code": facts.refusal.code.value if facts.refusal else None,
        "detail": facts.refusal.detail if facts.refusal else None,
        "status": answer.status,
        "content_type": answer.content_type,
        "streamed": answer.streamed,
        "events": answer.events,
        "received_sha256": answer.received_sha256,
        "received_b": answer.received_b,
        "released_sha256": answer.released_sha256,
        "released_b": answer.released_b,
        "spans": answer.counts,
        "profile": answer.profile,
        "not_inspected": answer.not_inspected,
        "first_byte_ms": answer.first_byte_ms,
        "total_ms": round((answer.at - facts.received_at) * 1000),
    }
    parts = [PartDraft(META, _encode(meta))]
    level = facts.record_level
    if answer.cut is not None and answer.windows is None:
        parts += body_parts(answer.cut, level, ANSWER, ANSWER_ORIGINALS)
    elif answer.opaque and level is RecordLevel.FULL:
        parts.append(PartDraft(ANSWER, opaque_body(answer.opaque), content=True))
    public: dict[str, str | int] = {"re": facts.intent} if facts.intent else {}
    index = _index(facts, "outcome_recorded")
    return EntryDraft("outcome", int(answer.at), facts.retention, tuple(parts), index, public, answer.windows)


def refusal_draft(facts: Facts) -> EntryDraft:
    """The entry of a request that was refused after its caller was identified."""
    refusal = facts.refusal
    if refusal is None:
        msg = "a refusal entry needs its refusal"
        raise AssertionError(msg)
    meta = _head(facts)
    meta["verdict"] = _verdict(facts)
    meta["outcome"] = "refused"
    meta["code"] = refusal.code.value
    meta["detail"] = refusal.detail
    index = _index(facts, "refused")
    return EntryDraft("refusal", int(facts.refused_at), facts.retention, (PartDraft(META, _encode(meta)),), index)


def hold_draft(facts: Facts) -> EntryDraft:
    """The entry of a request that waits for people: as an intent, with the masked body."""
    intent = intent_draft(facts)
    return EntryDraft("hold", intent.ts, intent.retention, intent.parts, _index(facts, "held"))


def body_parts(cut: CutText, level: RecordLevel, label: str, originals_label: str) -> list[PartDraft]:
    """A body as the purpose lets it be kept: cut text and, under ``full``, its originals."""
    if level is RecordLevel.METADATA:
        return []
    parts = [PartDraft(label, encode_cut(cut), content=True)]
    if cut.originals and level is RecordLevel.FULL:
        parts.append(PartDraft(originals_label, _encode(cut.originals), content=True))
    return parts


def encode_cut(cut: CutText) -> bytes:
    """``{"text": ..., "marks": [[offset, detector, operator, replacement], ...]}`` in UTF-8.

    Where the operator is ``keep`` the replacement would be the original, so it is ``null``: this part
    is kept under ``record: masked`` too, and is read without a reason.
    """
    text = cut.text
    if not text.isascii():  # a lone surrogate has no UTF-8
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return _encode({"text": text, "marks": [_shown(mark) for mark in cut.marks]})


def _shown(mark: Mark) -> Mark | tuple[int, str, str, None]:
    return (mark.offset, mark.detector, mark.operator, None) if mark.operator == "keep" else mark


def opaque_body(body: bytes) -> bytes:
    """A body that nobody read, kept as base64."""
    return _encode({"base64": base64.b64encode(body).decode("ascii")})


def _head(facts: Facts) -> dict[str, Any]:
    request = facts.request
    head: dict[str, Any] = {
        "exchange": facts.exchange,
        "received_ms": int(facts.received_at * 1000),
        "caller": _caller(facts.principal),
        "grounds": facts.grounds.encoded if facts.grounds else {"connection": facts.connection},
    }
    if request is not None:
        head |= {
            "operation": request.operation,
            "method": request.method,
            "path": request.path,
            "model": request.model,
            "stream": request.stream,
            "tools": request.tools,
            "content_type": request.content_type,
            "received_sha256": request.received_sha256,
            "received_b": request.received_b,
            "spans": request.counts,
            "not_inspected": request.not_inspected,
            "subject_asserted": request.subject,
        }
    return head


def _caller(principal: Principal | None) -> msgspec.Raw | None:
    """Encoded once for a principal that comes again: the token cache hands out the same object."""
    if principal is None:
        return None
    known = _callers.get(id(principal))
    if known is not None and known[0] is principal:
        return known[1]
    if len(_callers) >= CALLERS_MAX:
        _callers.clear()
    encoded = msgspec.Raw(_encode(_described(principal)))
    _callers[id(principal)] = (principal, encoded)
    return encoded


def _described(principal: Principal) -> dict[str, Any]:
    return {
        "issuer": principal.issuer,
        "subject": principal.subject,
        "name": principal.name,
        "client": principal.client,
        "credential": principal.credential.value,
        "groups": principal.groups,
        "verified": principal.verified,
    }


def _verdict(facts: Facts) -> dict[str, Any] | None:
    verdict = facts.verdict
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome.value,
        "rule": verdict.rule,
        "matches": [(match.rule, match.then.value, match.acted) for match in verdict.matches],
        "risk": verdict.risk,
        "factors": [(factor.name, factor.weight, factor.reason) for factor in verdict.factors],
        "gaps": verdict.gaps,
        "violations": verdict.violations,
        "observed": verdict.observed,
    }


def _masking(cut: CutText | None, profile: str | None, detection: str) -> dict[str, Any]:
    operators: dict[str, str] = {}
    for mark in cut.marks if cut else ():
        operators[mark.detector] = mark.operator
    return {
        "profile": profile,
        "detection": detection,
        "operators": operators,
        "pseudonymised": "hmac" in operators.values(),
    }


def _index(facts: Facts, state: str) -> IndexRow:
    code = facts.refusal.code.value if facts.refusal else None
    outcome = "refused" if state == "refused" else facts.outcome
    known = facts.recovered_index
    if known is not None:
        return IndexRow(
            facts.exchange, known.principal, known.subject, known.connection, known.purpose, state, outcome, code
        )
    purpose = facts.grounds.purpose.name if facts.grounds else None
    return IndexRow(
        facts.exchange,
        facts.principal.id if facts.principal else None,
        facts.request.subject if facts.request else None,
        facts.connection,
        purpose,
        state,
        outcome,
        code,
    )
