from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lawgate.config import text
from lawgate.config.problem import WrongValueError


def accepted(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value, strict=True)


def refused(kind: Any, value: object) -> WrongValueError:
    with pytest.raises(ValidationError) as caught:
        accepted(kind, value)
    cause = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(cause, WrongValueError)
    return cause


def test_values_in_their_usual_form() -> None:
    assert accepted(text.Url, "https://llm.example/v1/") == "https://llm.example/v1"
    assert accepted(text.Issuer, "https://login.example/") == "https://login.example/"
    assert accepted(text.Texts, "one") == ["one"]
    assert accepted(text.FieldName, "X-Api-Key") == "x-api-key"
    assert accepted(text.Pin, "AB:" * 31 + "CD") == "ab" * 31 + "cd"
    assert accepted(text.Until, "until 2027-01-31") == date(2027, 1, 31)
    assert accepted(text.Country, "NO") == "NO"
    assert accepted(text.Seconds, "2 min") == 120.0
    assert accepted(text.WholeSeconds, 30) == 30
    assert accepted(text.Size, "1 KiB") == 1024
    assert accepted(text.WebOrigin, "https://App.example:443") == "https://app.example"
    assert accepted(text.WebOrigin, "http://app.example:3000") == "http://app.example:3000"
    assert text.split_address("[::1]:8443") == ("::1", 8443)
    assert text.split_address("localhost:0") == ("localhost", 0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://user:pw@llm.example", "must not hold a user or password"),
        ("https://sk-live@llm.example", "must not hold a user or password"),
        ("ftp://llm.example", "is not an address"),
        ("llm.example/v1", "is not an address"),
        ("https://", "is not an address"),
        ("https://llm.example:0", "is not an address"),
        ("https://llm.example:99999", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://llm.example/v1?key=x", "must not have a query"),
        ("https://llm.example/#x", "must not have a query"),
        ("https://llm.example/a/../b", "dot segments"),
        ("https://llm.example/%2E%2e/b", "dot segments"),
        ("https://llm.example/a b", "printable ASCII"),
        ("https://llm.example\\@evil.example", "printable ASCII"),
        ("https://bücher.example", "printable ASCII"),
        ("https://llm.example/" + "x" * 3000, "at most 2048"),
        ("https://llm.example/\r\nX: 1", "printable ASCII"),
    ],
)
def test_addresses_that_mean_two_things_or_hold_a_secret(value: str, said: str) -> None:
    cause = refused(text.Url, value)
    assert said in cause.what
    assert "pw" not in cause.what.replace("password", "")
    assert "sk-live" not in cause.what


@pytest.mark.parametrize(
    ("value", "meant"),
    [("de", "DE"), ("UK", "GB"), ("EL", "GR"), ("Germany", None), ("XX", None), (5, None), ("no", "NO")],
)
def test_countries_and_their_usual_slips(value: object, meant: str | None) -> None:
    assert refused(text.Country, value).suggestion == meant


@pytest.mark.parametrize(
    "value", ["8443", "host", "host:", ":1", "a b:1", "::1:8443", "host:99999", "host:-1", "h:1\n"]
)
def test_what_is_no_address_to_listen_at(value: str) -> None:
    assert "host:port" in refused(text.Address, value).what


@pytest.mark.parametrize("value", ["Content-Length", "host", "Transfer-Encoding", "connection"])
def test_fields_that_frame_messages_carry_no_keys(value: str) -> None:
    assert "framing" in refused(text.FieldName, value).what


@pytest.mark.parametrize("value", ["x y", "x:", "", "x\r\n", "é"])
def test_what_is_no_field_name(value: str) -> None:
    assert "header field" in refused(text.FieldName, value).what


@pytest.mark.parametrize(
    "value", ["2027-01-31", "until", "until tomorrow", "until 2027-02-30", "until 2027-1-1", 5, None]
)
def test_what_is_no_observation(value: object) -> None:
    assert "until 2027-01-31" in refused(text.Until, value).what


@pytest.mark.parametrize("value", ["two\nlines", "bell\x07", " padded", "padded "])
def test_text_is_one_printable_line(value: str) -> None:
    refused(text.Text, value)


def test_times_and_days() -> None:
    assert "unit" in refused(text.Days, 30).what
    assert "whole number of seconds" in refused(text.WholeSeconds, "1.5 s").what
    assert "unit" in refused(text.Seconds, "90").what


@pytest.mark.parametrize("value", ["https://app.example/path", "https://app.example/"])
def test_a_web_origin_has_no_path(value: str) -> None:
    assert "without a path" in refused(text.WebOrigin, value).what


def test_other_names() -> None:
    for kind, value in (
        (text.ContentType, "Audio/MPEG"),
        (text.ContentType, "*/*"),
        (text.ContentType, "image/*"),
        (text.ContentType, "audio/mpeg; codecs=1"),
        (text.Pin, "ab"),
        (text.Node, "../x"),
        (text.Origin, "a b"),
        (text.Origin, "a+b"),
        (text.Detector, "customer"),
    ):
        refused(kind, value)


@pytest.mark.parametrize(("name", "slug"), [("Support LLM", "support-llm"), ("é", None), ("v1.", "v1"), ("--", None)])
def test_the_nearest_usable_name(name: str, slug: str | None) -> None:
    assert text.slug_of(name) == slug


@pytest.mark.parametrize("url", ["http://llm", "http://127.0.0.1.evil.example", "http://0.0.0.0"])
def test_in_clear_over_a_network(url: str) -> None:
    assert text.in_clear(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]", "https://llm"])
def test_loopback_and_tls_are_not_in_clear(url: str) -> None:
    assert not text.in_clear(url)
