import json

import pytest

from lawgate.domain.errors import ConfigurationError
from lawgate.identify.metadata import (
    MetadataError,
    discovery_url,
    is_loopback,
    jwks_uri_from,
    may_fetch,
    require_issuer_url,
)

ISSUER = "https://login.northwind.example/tenant"


def document(**changes: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "jwks_uri": "https://keys.northwind.example/jwks"} | changes).encode()


def test_the_document_says_where_the_keys_are() -> None:
    assert jwks_uri_from(document(), ISSUER, allow_http=False) == "https://keys.northwind.example/jwks"


@pytest.mark.parametrize(
    "faulty",
    [
        document(issuer=ISSUER + "/"),
        document(issuer="https://login.evil.example/tenant"),
        document(issuer=[ISSUER]),
        document(jwks_uri="http://keys.northwind.example/jwks"),
        document(jwks_uri="file:///etc/passwd"),
        document(jwks_uri="https://user:secret@keys.northwind.example/"),
        document(jwks_uri="//keys.northwind.example/"),
        document(jwks_uri=7),
        document(jwks_uri="https://keys.northwind.example/\r\nX: y"),
        document()[:-1] + b', "issuer": "https://login.evil.example"}',
        b"<html>",
        b"[]",
    ],
)
def test_another_issuers_document_or_a_bad_address_is_refused(faulty: bytes) -> None:
    with pytest.raises(MetadataError):
        jwks_uri_from(faulty, ISSUER, allow_http=False)


def test_discovery_is_below_the_issuer() -> None:
    assert discovery_url(ISSUER) == ISSUER + "/.well-known/openid-configuration"
    assert discovery_url(ISSUER + "/") == ISSUER + "/.well-known/openid-configuration"


def test_plain_http_is_for_loopback_or_by_permission() -> None:
    assert may_fetch("https://a.example/x", allow_http=False)
    assert may_fetch("http://127.0.0.1:8080/x", allow_http=False)
    assert may_fetch("http://[::1]:8080/x", allow_http=False)
    assert may_fetch("http://a.example/x", allow_http=True)
    for url in ("http://a.example/", "http://127.0.0.1.a.example/", "http://localhost@a.example/", "ftp://a.example/"):
        assert not may_fetch(url, allow_http=False)
    assert not may_fetch("https://a.example:99999/", allow_http=True)
    assert not may_fetch("https://a.example\\@b.example/", allow_http=True)


def test_loopback_is_an_address_or_that_one_name() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("10.0.0.1", "localhost.a.example", "0.0.0.0", "::", ""))


@pytest.mark.parametrize(
    "issuer",
    [
        "login.northwind.example",
        "lawgate:api-key",
        "https://",
        "https://a.example?x=1",
        "https://a.example?",
        "https://a.example#f",
        "https://u@a.example",
        "https://a.example/|b",
        "https://ä.example",
        "https://a.example/ b",
        "https://a.example/" + "x" * 2048,
        "",
    ],
)
def test_what_is_no_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigurationError, match="issuer"):
        require_issuer_url(issuer)
