"""What the error shapes of all protocols have in common.

Rule: an error says a code, one sentence and the exchange's id; never ``detail``, which is for the record.
"""

from typing import Final

from lawgate.domain.errors import RETRYABLE, Code, Refusal

Header = tuple[str, str]

_WORTH_A_RETRY: Final = RETRYABLE | {Code.UPSTREAM_UNREACHABLE, Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_INTERRUPTED}


def error_headers(refusal: Refusal, content_type: str) -> list[Header]:
    """Header fields of an error's answer.

    ``x-should-retry`` is what the SDKs of OpenAI and Anthropic obey before they look at the status
    (without it they retry 408, 409, 429 and every 5xx); ``Retry-After`` is RFC 9110 section 10.2.3.
    """
    retry = refusal.retry_after_s is not None or refusal.code in _WORTH_A_RETRY
    headers = [
        ("content-type", content_type),
        ("cache-control", "no-store"),
        ("x-should-retry", "true" if retry else "false"),
    ]
    if refusal.retry_after_s is not None:
        headers.append(("retry-after", str(refusal.retry_after_s)))
    return headers


def titled(code: Code) -> str:
    """A code as the few words that RFC 9457 calls a title."""
    return code.value.replace("_", " ").capitalize()
