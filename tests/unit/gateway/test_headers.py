"""Only listed fields cross."""

from lawgate.gateway.headers import answer_fields, request_fields


def test_credentials_cookies_and_addresses_do_not_cross() -> None:
    fields = [
        (b"authorization", b"Bearer secret"),
        (b"x-api-key", b"secret"),
        (b"api-key", b"secret"),
        (b"cookie", b"session=1"),
        (b"x-forwarded-for", b"192.0.2.7"),
        (b"lawgate-purpose", b"p"),
        (b"lawgate-subject", b"email=anna@example.de"),
        (b"content-type", b"application/json"),
        (b"openai-beta", b"assistants=v2"),
        (b"x-stainless-lang", b"python"),
    ]
    assert request_fields(fields, "ab") == [
        (b"content-type", b"application/json"),
        (b"openai-beta", b"assistants=v2"),
        (b"x-stainless-lang", b"python"),
        (b"accept-encoding", b"identity"),
        (b"lawgate-exchange-id", b"ab"),
    ]


def test_the_exchange_id_can_be_kept_from_the_upstream() -> None:
    assert request_fields([], None) == [(b"accept-encoding", b"identity")]


def test_an_answer_keeps_what_sdks_read_and_drops_the_rest() -> None:
    fields = [
        (b"content-type", b"application/json"),
        (b"set-cookie", b"__cf=1"),
        (b"etag", b'"of the unmasked body"'),
        (b"content-length", b"10"),
        (b"lawgate-exchange-id", b"forged by the upstream"),
        (b"x-ratelimit-remaining-requests", b"3"),
    ]
    assert answer_fields(fields, "ab") == [
        (b"content-type", b"application/json"),
        (b"x-ratelimit-remaining-requests", b"3"),
        (b"lawgate-exchange-id", b"ab"),
    ]
