"""The request's half of an exchange: read it, find personal data, decide, mask.

Rule 1: what cannot be read is refused, unless the connection lets that content type pass unread, and
        then the record says so.
Rule 2: the URL is no place for personal data: it ends up in logs of every hop, so it refuses.
Rule 3: what a rule reads is what the upstream reads: a member that is there twice has two readings (RFC 8259
        section 4), so it refuses where a decision rests on it.
"""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from lawgate.decide.purpose import choose_purpose
from lawgate.decide.rule import DecisionInput
from lawgate.decide.verdict import decide
from lawgate.domain.decision import Outcome, Verdict
from lawgate.domain.errors import Code, Refusal, RefusedError, refuse
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange.content import Inspection
from lawgate.exchange.content import inspect as inspect_body
from lawgate.exchange.facts import MaskedFacts, RequestFacts
from lawgate.gateway.in_force import PurposeInForce, Route
from lawgate.wire.content_type import ContentKind, content_kind, media_type

if TYPE_CHECKING:
    from lawgate.gateway.drive import Drive

SUBJECT_CHARACTERS_MAX: Final = 256
CLEAN_TARGETS_MAX: Final = 256
"""Targets remembered as clean for a purpose on a connection; an API has a few dozen."""
_NOTHING_READ: Final = sha256(b"").hexdigest()
_DECIDED_ON: Final = ("model", "stream", "tools")
_DECIDED_ON_QUOTED: Final = tuple(f'"{name}"'.encode() for name in _DECIDED_ON)
_ESCAPES: Final = (b"\\u006", b"\\u007")
"""How else a letter of those names could be written."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


async def inspect(drive: "Drive", _effect: do.Inspect) -> None:
    """Choose the purpose, read the body, find the personal data in it."""
    try:
        route = _route(drive)
        drive.purpose = purpose = _purpose(drive, route)
        _check_target(drive, purpose)
        drive.body = body = await drive.request.body()
        request = _read(drive, route, purpose, body)
    except RefusedError as no:
        if drive.departed():
            drive.tell(drive.departure())
        else:
            known = drive.purpose.grounds if drive.purpose else None
            drive.tell(on.Refused(no.refusal, drive.now, grounds=known))
        return
    drive.tell(drive.departure() if drive.departed() else on.Inspected(purpose.grounds, request))


def _route(drive: "Drive") -> Route:
    if drive.route is None:
        raise refuse(
            Code.CONNECTION_UNKNOWN,
            "The first segment of the path names no connection of this gateway; check the base URL.",
        )
    if drive.request.method not in _METHODS:
        raise refuse(Code.BAD_REQUEST, "This method does not pass the gateway; use GET, POST, PUT, PATCH or DELETE.")
    return drive.route


def _purpose(drive: "Drive", route: Route) -> PurposeInForce:
    principal = drive.exchange.facts.principal
    if principal is None:
        msg = "inspection comes after identification"
        raise AssertionError(msg)
    requested = drive.request.get("lawgate-purpose")
    chosen = choose_purpose(drive.in_force.policy, principal, route.connection.name, requested)
    return route.purposes[chosen.name]


def _check_target(drive: "Drive", purpose: PurposeInForce) -> None:
    target = drive.request.target
    if target in purpose.clean_targets:
        return
    path, query = drive.upstream_path, drive.request.query
    if ".." in path or "//" in path or "%2f" in path.lower() or "%2e" in path.lower():
        raise refuse(Code.BAD_REQUEST, "The path must be plain: no '..', no '//' and no encoded '/' or '.'.")
    text = unquote_plus(f"{path}?{query}" if query else path)
    if purpose.request_masker.edits(text):
        raise refuse(
            Code.CONTENT_BLOCKED,
            "The URL holds what looks like personal data; send it in the body, where it can be masked.",
        )
    if len(purpose.clean_targets) < CLEAN_TARGETS_MAX:
        purpose.clean_targets.add(target)


def _read(drive: "Drive", route: Route, purpose: PurposeInForce, body: bytes) -> RequestFacts:
    request = drive.request
    content_type = request.get("content-type")
    encoding = request.get("content-encoding")
    kind = content_kind(content_type, encoding) if body else ContentKind.EMPTY
    operation = route.wire.operation(request.method, drive.upstream_path)
    inspection = _inspection(route, purpose, body, kind, media_type(content_type or ""))
    drive.inspection = inspection
    document = inspection.document if inspection else None
    if isinstance(document, dict):
        _check_members(body)
    subject = request.get("lawgate-subject")
    if subject is not None and len(subject) > SUBJECT_CHARACTERS_MAX:
        raise refuse(Code.BAD_REQUEST, f"Lawgate-Subject is longer than {SUBJECT_CHARACTERS_MAX} characters.")
    return RequestFacts(
        operation=operation,
        method=request.method,
        path=request.target,
        model=route.wire.model(document),
        stream=_asks(document, "stream"),
        tools=_asks(document, "tools"),
        content_type=content_type,
        received_sha256=sha256(body).hexdigest() if body else _NOTHING_READ,
        received_b=len(body),
        counts=inspection.counts if inspection else {},
        not_inspected=inspection.not_inspected if inspection else 1,
        subject=subject,
    )


def _inspection(route: Route, purpose: PurposeInForce, body: bytes, kind: ContentKind, media: str) -> Inspection | None:
    """``None`` when the body passes unread because its connection says so."""
    if kind is ContentKind.UNKNOWN or (body and kind is ContentKind.EMPTY):
        if media in route.connection.allow_not_inspected:
            return None
        raise refuse(
            Code.CONTENT_TYPE_UNSUPPORTED,
            "This content type cannot be inspected, so it may not pass; send JSON or text in UTF-8, uncompressed.",
        )
    return inspect_body(body, kind, purpose.request_masker)


def _check_members(body: bytes) -> None:
    """Refuse a request that states something twice that a rule may ask for."""
    model, stream, tools = _DECIDED_ON_QUOTED
    once = body.count(model) < 2 and body.count(stream) < 2 and body.count(tools) < 2  # noqa: PLR2004
    if once and not (b"\\u00" in body and any(escape in body for escape in _ESCAPES)):
        return
    outermost: list[tuple[str, Any]] = []

    def members(pairs: list[tuple[str, Any]]) -> None:
        outermost[:] = pairs  # the outermost object is complete last

    json.loads(body, object_pairs_hook=members, parse_int=str, parse_float=str)
    names = [name for name, _ in outermost]
    for name in _DECIDED_ON:
        if names.count(name) > 1:
            raise refuse(Code.BODY_UNREADABLE, f"The body has the member {name!r} twice; state it once.")


def _asks(document: Any, member: str) -> bool:
    """Whether a JSON object asks for something with a member that is there and not empty or false."""
    return bool(document.get(member)) if isinstance(document, dict) else False


def decide_on(drive: "Drive", _effect: do.Decide) -> None:
    """Ask the policy; a hold refuses until approvals exist."""
    if drive.departed():
        drive.tell(drive.departure())
        return
    facts = drive.exchange.facts
    request, principal, purpose = facts.request, facts.principal, drive.purpose
    if request is None or principal is None or purpose is None:
        msg = "a decision comes after inspection"
        raise AssertionError(msg)
    verdict = decide(
        drive.in_force.policy,
        DecisionInput(
            principal,
            purpose.grounds.purpose.name,
            purpose.grounds.connection.name,
            request.operation,
            request.model,
            request.counts,
            request.received_b,
            facts.received_at,
            request.not_inspected,
            request.stream,
            request.tools,
            request.subject is not None,
        ),
    )
    if verdict.outcome is Outcome.PERMIT:
        drive.tell(on.Permitted(verdict))
    else:
        drive.tell(on.Refused(_refusal(verdict), drive.now, verdict))


def _refusal(verdict: Verdict) -> Refusal:
    if verdict.outcome is Outcome.HOLD:
        return Refusal(
            Code.APPROVAL_UNAVAILABLE,
            "This request needs the approval of a person, and this gateway cannot ask one yet.",
        )
    code = Code(verdict.code) if verdict.code else Code.POLICY_REFUSED
    return Refusal(code, verdict.message or "A rule of this gateway refuses this request.")


def mask(drive: "Drive", _effect: do.Mask) -> None:
    """Put the operators' results in place; the body that goes out stands after this."""
    if drive.departed():
        drive.tell(drive.departure())
        return
    facts, purpose, inspection = drive.exchange.facts, drive.purpose, drive.inspection
    if facts.request is None or purpose is None:
        msg = "masking comes after inspection"
        raise AssertionError(msg)
    if inspection is None:
        drive.forward, cut, opaque = drive.body, None, drive.body
    else:
        drive.forward, cut, opaque = inspection.forward, inspection.cut, None
    drive.node.metrics.spans("request", facts.request.counts)
    unchanged = drive.forward is drive.body
    digest = facts.request.received_sha256 if unchanged else sha256(drive.forward).hexdigest()
    drive.body = b""
    drive.inspection = None
    drive.tell(
        on.Masked(
            MaskedFacts(
                cut=cut,
                forwarded_sha256=digest,
                forwarded_b=len(drive.forward),
                profile=purpose.grounds.purpose.mask_request,
                detection=drive.in_force.detection_digest,
                opaque=opaque,
            )
        )
    )
