from collections.abc import Mapping

import pytest

from lawgate.domain.errors import Code, RefusedError
from lawgate.identify.extract import CREDENTIAL_HEADERS, credential_from


@pytest.mark.parametrize(
    ("headers", "token", "header"),
    [
        ({"authorization": "Bearer abc.def.ghi"}, "abc.def.ghi", "authorization"),
        ({"authorization": "bearer   abc"}, "abc", "authorization"),
        ({"authorization": "BEARER abc=="}, "abc==", "authorization"),
        ({"x-api-key": "lgk_a_b"}, "lgk_a_b", "x-api-key"),
        ({"api-key": "lgk_a_b"}, "lgk_a_b", "api-key"),
        ({"authorization": "Bearer abc", "api-key": "abc"}, "abc", "authorization"),
    ],
)
def test_a_credential_is_found_where_the_clients_put_it(headers: Mapping[str, str], token: str, header: str) -> None:
    presented = credential_from(headers.get)
    assert presented is not None
    assert (presented.token, presented.header) == (token, header)
    assert token not in repr(presented)


def test_no_credential_is_none() -> None:
    assert credential_from({"cookie": "a=b"}.get) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer abc", "x-api-key": "def"},
        {"x-api-key": "abc", "api-key": "def"},
        {"authorization": "Bearer abc", "x-api-key": ""},
        {"authorization": "Basic YTpi", "x-api-key": "abc"},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer abc def"},
        {"authorization": "Bearer\tabc"},
        {"authorization": "Bearer a, Bearer b"},
        {"authorization": "Bearer a,b"},
        {"authorization": "DPoP abc"},
        {"authorization": "abc"},
        {"authorization": "Bearer abc\x00"},
        {"authorization": "Bearer äbc"},
        {"authorization": "Bearer a=b"},
        {"authorization": "Bearer " + "a" * 16_385},
        {"x-api-key": " abc"},
        {"x-api-key": "Bearer abc"},
        {"api-key": "a, b"},
    ],
)
def test_two_credentials_or_a_malformed_one_refuse(headers: Mapping[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        credential_from(headers.get)
    assert caught.value.refusal.code is Code.CREDENTIAL_INVALID
    assert "abc" not in str(caught.value.refusal)


def test_the_headers_to_strip_are_the_headers_that_are_read() -> None:
    asked: list[str] = []

    def get(name: str) -> None:
        asked.append(name)

    credential_from(get)
    assert tuple(asked) == CREDENTIAL_HEADERS
