import asyncio
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.limits import Limits
from lawgate.gateway.head import CHUNKED, Head, parse_head
from lawgate.gateway.request import BodyIntake, Request
from tests.loopback import run

LIMITS = replace(Limits(), body_b_max=10)


class Source:
    def __init__(self) -> None:
        self.wanted = 0

    def body_wanted(self) -> None:
        self.wanted += 1


def head_of(*lines: bytes) -> Head:
    return parse_head(b"\r\n".join([b"GET /a%20b?c=d?e HTTP/1.1", b"Host: h", *lines, b"", b""]), Limits())


def request_of(*lines: bytes) -> Request:
    return Request(head_of(*lines), Source(), "127.0.0.1", None)


def test_the_target_is_split_and_not_decoded() -> None:
    request = request_of()
    assert (request.method, request.target, request.path, request.query, request.version) == (
        "GET",
        "/a%20b?c=d?e",
        "/a%20b",
        "c=d?e",
        "1.1",
    )


def test_a_repeated_header_does_not_hide() -> None:
    request = request_of(b"Authorization: a", b"X: \xe9", b"authorization: b")
    assert request.get("authorization") == "a, b"
    assert request.get_all("authorization") == ["a", "b"]
    assert request.get("x") == "\xe9"
    assert request.get("y") is None
    assert request.get_all("y") == []


def test_its_repr_holds_nothing_personal() -> None:
    assert repr(request_of(b"Authorization: secret")) == "Request(GET HTTP/1.1)"


def test_a_body_that_came_with_its_head() -> None:
    async def main() -> None:
        request = request_of()
        request.take_whole(b"abc")
        assert request.complete
        assert await request.body() == b"abc"
        assert await request.body() == b"abc"

    run(main())


def test_a_counted_body_in_pieces() -> None:
    async def main() -> None:
        source = Source()
        intake = BodyIntake(5, LIMITS)
        assert intake.feed(b"ab") == b""
        reading = asyncio.ensure_future(intake.read(source))
        await asyncio.sleep(0)
        assert source.wanted == 1
        assert intake.feed(b"cdeGET") == b"GET"
        assert await reading == b"abcde"
        assert await intake.read(source) == b"abcde"

    run(main())


def test_a_chunked_body_in_pieces() -> None:
    async def main() -> None:
        intake = BodyIntake(CHUNKED, LIMITS)
        for piece in [b"2\r", b"\nab\r\n", b"0\r\n"]:
            assert intake.feed(piece) == b""
            assert not intake.complete
        assert intake.feed(b"\r\nGET") == b"GET"
        assert await intake.read(Source()) == b"ab"

    run(main())


@pytest.mark.parametrize(("length", "wire"), [(11, b""), (CHUNKED, b"b\r\n")])
def test_a_body_too_large(length: int, wire: bytes) -> None:
    async def main() -> None:
        intake = BodyIntake(length, LIMITS)
        intake.feed(wire)
        with pytest.raises(RefusedError) as caught:
            await intake.read(Source())
        assert caught.value.refusal.code is Code.BODY_TOO_LARGE

    run(main())


def test_the_first_reason_stays_and_a_whole_body_cannot_fail() -> None:
    async def main() -> None:
        intake = BodyIntake(2, LIMITS)
        intake.fail(refuse(Code.BODY_TRUNCATED, "a"))
        intake.fail(refuse(Code.REQUEST_TIMEOUT, "b"))
        with pytest.raises(RefusedError) as caught:
            await intake.read(Source())
        assert caught.value.refusal.code is Code.BODY_TRUNCATED
        whole = BodyIntake(2, LIMITS)
        whole.feed(b"ab")
        whole.fail(refuse(Code.BODY_TRUNCATED, "a"))
        assert await whole.read(Source()) == b"ab"

    run(main())


def test_a_failure_wakes_who_waits() -> None:
    async def main() -> None:
        intake = BodyIntake(2, LIMITS)
        reading = asyncio.ensure_future(intake.read(Source()))
        await asyncio.sleep(0)
        intake.fail(refuse(Code.BODY_TRUNCATED, "a"))
        with pytest.raises(RefusedError):
            await reading

    run(main())
