"""The answer's half of an exchange: forward, read, mask, release.

Rule 1: a whole answer is masked and recorded before its first byte leaves.
Rule 2: a streamed answer leaves window by window. A window is what was masked while the previous one was
        being written; it is journalled, then released, then the next is taken.
Rule 3: the last frame of a stream, or the error that ends it, is journalled with the last window and
        released after the outcome.
"""

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lawgate.domain.errors import Code, Refusal, RefusedError, StoreUnavailableError, UpstreamError
from lawgate.domain.message import CutText, Direction
from lawgate.exchange import effects as do
from lawgate.exchange import events as on
from lawgate.exchange.content import inspect as inspect_body
from lawgate.exchange.facts import AnswerFacts
from lawgate.exchange.stream import StreamMasker
from lawgate.gateway.headers import answer_fields, request_fields
from lawgate.gateway.windows import Windows
from lawgate.ports import UpstreamAnswer
from lawgate.wire.content_type import ContentKind, content_kind, media_type

if TYPE_CHECKING:
    from lawgate.gateway.drive import Drive

SUCCESS: Final = range(200, 300)
_NO_CONTENT: Final = 204
_READ_WHOLE: Final = frozenset({ContentKind.JSON, ContentKind.TEXT, ContentKind.NDJSON})
UNREADABLE: Final = Refusal(
    Code.ANSWER_UNREADABLE, "The upstream's answer cannot be inspected, so it was not released."
)
DETECTION_FAILED: Final = Refusal(Code.DETECTION_FAILED, "The answer could not be inspected, so it was not released.")
_MESSAGES: Final = {
    Code.UPSTREAM_UNREACHABLE: "The upstream cannot be reached; try again later.",
    Code.UPSTREAM_TIMEOUT: "The upstream did not answer in time; try again later.",
    Code.UPSTREAM_PROTOCOL: "The upstream broke its protocol, so its answer was not released.",
    Code.UPSTREAM_INTERRUPTED: "The upstream ended its answer too early.",
    Code.OVERLOADED: "Too many requests wait for this upstream; try again later.",
}


async def forward(drive: "Drive", _effect: do.ForwardUpstream) -> None:
    """Send the masked request and take the answer to its end."""
    if drive.departed():
        drive.tell(drive.departure())
        return
    try:
        drive.answer = answer = await _ask(drive)
    except UpstreamError as error:
        if error.request_sent and not drive.departed():
            drive.tell(on.RequestSent())
        _end_early(drive, error)
        return
    drive.forward = b""
    drive.tell(on.RequestSent())
    if drive.departed():
        drive.tell(drive.departure())
        return
    drive.tell(on.AnswerStarted(answer.status))
    drive.interrupt = answer.close
    kind = content_kind(_field(answer, b"content-type"), _field(answer, b"content-encoding"))
    if kind.streams and answer.status in SUCCESS and not _without_content(drive, answer):
        await _stream(drive, answer, kind)
    else:
        await _whole(drive, answer, kind)


async def _ask(drive: "Drive") -> UpstreamAnswer:
    route = drive.route
    if route is None:
        msg = "a request is forwarded on a route"
        raise AssertionError(msg)
    exchange = drive.exchange.facts.exchange if route.connection.send_exchange_id else None
    query = drive.request.query
    path = f"{drive.upstream_path}?{query}" if query else drive.upstream_path
    fields = request_fields(drive.request.headers, exchange)
    task = asyncio.current_task()
    drive.interrupt = task.cancel if task else None
    try:
        return await route.upstream.request(drive.request.method, path, fields, drive.forward)
    except asyncio.CancelledError:
        if task is None or not drive.departed():
            raise
        task.uncancel()  # the exchange goes on: its outcome is still to be recorded
        raise UpstreamError(Code.CLIENT_LEFT, "given up", request_sent=False) from None
    finally:
        drive.interrupt = None


def _without_content(drive: "Drive", answer: UpstreamAnswer) -> bool:
    """Answers that have no body, whatever their fields say (RFC 9110 section 6.4.1), so no last event either."""
    return drive.request.method == "HEAD" or answer.status == _NO_CONTENT


def _end_early(drive: "Drive", error: UpstreamError) -> None:
    """The upstream failed, or it was cut because the client left or the node stops."""
    if drive.departed():
        drive.tell(drive.departure())
        return
    refusal = Refusal(error.code, _MESSAGES.get(error.code, "The upstream failed."), detail=error.detail)
    drive.tell(on.AnswerFailed(refusal, drive.partial_answer()))


def _field(answer: UpstreamAnswer, name: bytes) -> str | None:
    for key, value in answer.headers:
        if key == name:
            return value.decode("latin-1")
    return None


# ---- whole answers --------------------------------------------------------------------------


async def _whole(drive: "Drive", answer: UpstreamAnswer, kind: ContentKind) -> None:
    try:
        body = await answer.read()
    except UpstreamError as error:
        _end_early(drive, error)
        return
    if drive.departed():
        drive.tell(drive.departure())
        return
    try:
        drive.tell(_answered(drive, answer, kind, body))
    except RefusedError as no:
        refusal = UNREADABLE if no.refusal.code is Code.ANSWER_UNREADABLE else DETECTION_FAILED
        drive.tell(on.AnswerFailed(refusal, drive.partial_answer()))


def _answered(drive: "Drive", answer: UpstreamAnswer, kind: ContentKind, body: bytes) -> on.Event:
    purpose, route = drive.purpose, drive.route
    if purpose is None or route is None:
        msg = "an answer belongs to a purpose"
        raise AssertionError(msg)
    content_type = _field(answer, b"content-type")
    cut: CutText | None
    counts: dict[str, int] = {}
    opaque: bytes | None = None
    not_inspected = 0
    if not body:
        released, cut = b"", CutText("")
    elif kind in _READ_WHOLE:
        found = inspect_body(
            body,
            kind,
            purpose.answer_masker,
            Direction.ANSWER,
            skip=route.wire.skip,
            withhold=purpose.withhold,
        )
        released, cut, counts, not_inspected = found.forward, found.cut, found.counts, found.not_inspected
    elif media_type(content_type or "") in route.connection.allow_not_inspected:
        released, cut, opaque, not_inspected = body, None, body, 1
    else:
        return on.AnswerFailed(UNREADABLE, drive.partial_answer())
    received = sha256(body).hexdigest()
    drive.release_whole = (answer.status, answer_fields(answer.headers, drive.exchange.facts.exchange), released)
    return on.AnswerEnded(
        AnswerFacts(
            at=drive.now,
            status=answer.status,
            content_type=content_type,
            cut=cut,
            received_sha256=received,
            received_b=len(body),
            released_sha256=received if released is body else sha256(released).hexdigest(),
            released_b=len(released),
            counts=counts,
            not_inspected=not_inspected,
            opaque=opaque,
            profile=drive.answer_profile,
        )
    )


# ---- streams --------------------------------------------------------------------------------


async def _stream(drive: "Drive", answer: UpstreamAnswer, kind: ContentKind) -> None:
    purpose, route = drive.purpose, drive.route
    if purpose is None or route is None:
        msg = "an answer belongs to a purpose"
        raise AssertionError(msg)
    masker = StreamMasker(
        route.wire,
        kind,
        purpose.answer_masker,
        exchange_id=drive.exchange.facts.exchange,
        withhold=purpose.withhold,
    )
    drive.windows = windows = Windows(drive, answer, masker)
    try:
        failure = await windows.pump()
    except StoreUnavailableError:
        return  # ``RecordFailed`` was told where it happened
    if drive.departed():
        drive.tell(drive.departure())
    elif failure is not None:
        drive.tell(on.AnswerFailed(failure, windows.facts(drive.now)))
    else:
        drive.tell(on.AnswerEnded(windows.facts(drive.now)))


# ---- the end --------------------------------------------------------------------------------


def release_end(drive: "Drive", _effect: do.ReleaseEnd) -> None:
    """The outcome is durable: complete the answer, or say why there is none."""
    facts, responder = drive.exchange.facts, drive.responder
    if drive.answer is not None:
        drive.answer.close()  # an upstream that goes on after its last event is not waited for
    counts = facts.answer.counts if facts.answer else {}
    drive.node.metrics.spans("answer", counts)
    if drive.departed():  # the client is gone, or was cut because the node stops
        responder.abort()
        drive.tell(on.ReleaseCut())
    elif drive.windows is not None and (responder.started or facts.refusal is None):
        drive.windows.finish()
        drive.tell(on.Released() if facts.refusal is None else on.ReleaseCut())
    elif facts.refusal is not None or drive.release_whole is None:
        drive.send_refusal(facts.refusal or UNREADABLE)
        drive.tell(on.ErrorSent())
    else:
        status, fields, body = drive.release_whole
        responder.send(status, drive.cross_origin_fields(fields), body)
        drive.tell(on.Released())


def abort(drive: "Drive", effect: do.AbortAnswer) -> None:
    """The record failed: nothing more of the answer may leave."""
    drive.send_refusal(effect.refusal)
