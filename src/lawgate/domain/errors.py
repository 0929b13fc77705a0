"""One error tree; one sentence a class.

A **refusal** is an answer to a caller: a stable code, a status and one sentence that says what to
do. An **error** is for the people who run Lawgate and never reaches a caller.
"""

from dataclasses import dataclass
from enum import StrEnum


class LawgateError(Exception):
    """Everything that Lawgate raises on purpose; the message names the thing and the mend."""


class ConfigurationError(LawgateError):
    """A configuration that cannot be used."""


class CannotListenError(ConfigurationError):
    """An address that another process holds, or that this machine does not have."""


class EvidenceError(LawgateError):
    """The evidence store or its keys cannot do what was asked."""


class StoreUnavailableError(EvidenceError):
    """An entry was not made durable (disk full, read-only, locked): nothing may be released."""


class UpstreamError(LawgateError):
    """The upstream could not be reached or broke its protocol; ``code`` is the refusal's code."""

    def __init__(self, code: "Code", detail: str, *, request_sent: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.request_sent = request_sent


class Code(StrEnum):
    """Stable codes of refusals and failures. Callers may rely on them."""

    # before anyone is identified: counted, not recorded one by one (law 3)
    BAD_REQUEST = "bad_request"
    HEADERS_TOO_LARGE = "headers_too_large"
    URI_TOO_LONG = "uri_too_long"
    REQUEST_TIMEOUT = "request_timeout"
    OVERLOADED = "overloaded"
    STOPPING = "stopping"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_INVALID = "credential_invalid"
    CREDENTIAL_EXPIRED = "credential_expired"
    IDENTITY_UNAVAILABLE = "identity_unavailable"
    # afterwards: each one is an entry
    CONNECTION_UNKNOWN = "connection_unknown"
    GROUPS_UNKNOWN = "groups_unknown"
    PURPOSE_NONE = "purpose_none"
    PURPOSE_REQUIRED = "purpose_required"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    BODY_UNREADABLE = "body_unreadable"
    BODY_TRUNCATED = "body_truncated"
    CONTENT_TYPE_UNSUPPORTED = "content_type_unsupported"
    DETECTION_FAILED = "detection_failed"
    CONTENT_BLOCKED = "content_blocked"
    POLICY_REFUSED = "policy_refused"
    POLICY_ERROR = "policy_error"
    TRANSFER_NOT_ALLOWED = "transfer_not_allowed"
    SUBJECT_REQUIRED = "subject_required"
    APPROVAL_UNAVAILABLE = "approval_unavailable"
    APPROVAL_REJECTED = "approval_rejected"
    APPROVAL_EXPIRED = "approval_expired"
    EVIDENCE_UNAVAILABLE = "evidence_unavailable"
    CLIENT_LEFT = "client_left"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_PROTOCOL = "upstream_protocol"
    UPSTREAM_INTERRUPTED = "upstream_interrupted"
    ANSWER_UNREADABLE = "answer_unreadable"
    INTERNAL = "internal"


STATUS: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.HEADERS_TOO_LARGE: 431,
    Code.URI_TOO_LONG: 414,
    Code.REQUEST_TIMEOUT: 408,
    Code.OVERLOADED: 503,
    Code.STOPPING: 503,
    Code.CONNECTION_UNKNOWN: 404,
    Code.CREDENTIAL_MISSING: 401,
    Code.CREDENTIAL_INVALID: 401,
    Code.CREDENTIAL_EXPIRED: 401,
    Code.IDENTITY_UNAVAILABLE: 503,
    Code.GROUPS_UNKNOWN: 403,
    Code.PURPOSE_NONE: 403,
    Code.PURPOSE_REQUIRED: 403,
    Code.PURPOSE_NOT_ALLOWED: 403,
    Code.BODY_TOO_LARGE: 413,
    Code.BODY_UNREADABLE: 400,
    Code.BODY_TRUNCATED: 400,
    Code.CONTENT_TYPE_UNSUPPORTED: 415,
    Code.DETECTION_FAILED: 503,
    Code.CONTENT_BLOCKED: 403,
    Code.POLICY_REFUSED: 403,
    Code.POLICY_ERROR: 500,
    Code.TRANSFER_NOT_ALLOWED: 403,
    Code.SUBJECT_REQUIRED: 403,
    Code.APPROVAL_UNAVAILABLE: 403,
    Code.APPROVAL_REJECTED: 403,
    Code.APPROVAL_EXPIRED: 403,
    Code.EVIDENCE_UNAVAILABLE: 503,
    Code.CLIENT_LEFT: 499,
    Code.UPSTREAM_UNREACHABLE: 502,
    Code.UPSTREAM_TIMEOUT: 504,
    Code.UPSTREAM_PROTOCOL: 502,
    Code.UPSTREAM_INTERRUPTED: 502,
    Code.ANSWER_UNREADABLE: 502,
    Code.INTERNAL: 500,
}
"""HTTP status of each code (RFC 9110 section 15)."""

BEFORE_IDENTIFIED: frozenset[Code] = frozenset(
    {
        Code.BAD_REQUEST,
        Code.HEADERS_TOO_LARGE,
        Code.URI_TOO_LONG,
        Code.REQUEST_TIMEOUT,
        Code.OVERLOADED,
        Code.STOPPING,
        Code.CREDENTIAL_MISSING,
        Code.CREDENTIAL_INVALID,
        Code.CREDENTIAL_EXPIRED,
        Code.IDENTITY_UNAVAILABLE,
    }
)
"""Refusals that an anonymous flood can cause: one entry per cause and minute."""

RETRYABLE: frozenset[Code] = frozenset(
    {Code.OVERLOADED, Code.STOPPING, Code.IDENTITY_UNAVAILABLE, Code.EVIDENCE_UNAVAILABLE}
)
"""Refusals that carry ``Retry-After``: the same request may succeed soon."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request got no answer from its upstream.

    ``message`` is one sentence for the caller. ``detail`` is for the record only.
    """

    code: Code
    message: str
    retry_after_s: int | None = None
    detail: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]


class RefusedError(LawgateError):
    """Carries a refusal up to where the exchange can receive it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code.value)
        self.refusal = refusal


def refuse(code: Code, message: str, *, detail: str | None = None) -> RefusedError:
    """A refusal ready to raise, with ``Retry-After`` where a retry can help."""
    return RefusedError(Refusal(code, message, 5 if code in RETRYABLE else None, detail))
