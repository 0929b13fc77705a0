import pytest

from lawgate.domain.errors import Code, Refusal
from lawgate.wire.problem import error_headers, titled


@pytest.mark.parametrize(
    ("refusal", "retry"),
    [
        (Refusal(Code.OVERLOADED, "m", 5), "true"),
        (Refusal(Code.EVIDENCE_UNAVAILABLE, "m"), "true"),
        (Refusal(Code.UPSTREAM_TIMEOUT, "m"), "true"),
        (Refusal(Code.POLICY_REFUSED, "m"), "false"),
        (Refusal(Code.DETECTION_FAILED, "m"), "false"),
        (Refusal(Code.INTERNAL, "m"), "false"),
        (Refusal(Code.APPROVAL_UNAVAILABLE, "m"), "false"),
    ],
)
def test_every_error_says_whether_to_retry(refusal: Refusal, retry: str) -> None:
    headers = dict(error_headers(refusal, "application/json"))
    assert headers["x-should-retry"] == retry
    assert headers.get("retry-after") == (str(refusal.retry_after_s) if refusal.retry_after_s else None)
    assert headers["cache-control"] == "no-store"


def test_a_title_is_the_code_in_words() -> None:
    assert titled(Code.BODY_TOO_LARGE) == "Body too large"
