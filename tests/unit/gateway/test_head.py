"""Heads that are good, and how they read. Those that are refused are in tests/faults/test_http_attacks.py."""

from dataclasses import replace

import pytest

from lawgate.domain.errors import Code
from lawgate.domain.limits import Limits
from lawgate.gateway.head import CHUNKED, HeadRefusedError, check_partial, parse_head

LIMITS = Limits()


def head_of(*lines: bytes, line: bytes = b"GET /a?b=c HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: a", *lines, b"", b""])


def test_a_plain_head() -> None:
    head = parse_head(head_of(b"X-One: 1", b"x-one:\t 2 \t", b"X-Empty:"), LIMITS)
    assert (head.method, head.target, head.http_1_0) == (b"GET", b"/a?b=c", False)
    assert head.headers == [(b"host", b"a"), (b"x-one", b"1"), (b"x-one", b"2"), (b"x-empty", b"")]
    assert (head.content_length, head.keep_alive, head.expects_continue) == (0, True, False)


@pytest.mark.parametrize(
    ("lines", "length"),
    [((b"Content-Length: 5",), 5), ((b"Content-Length: 5 ",), 5), ((b"Transfer-Encoding: CHUNKED",), CHUNKED)],
)
def test_framing(lines: tuple[bytes, ...], length: int) -> None:
    assert parse_head(head_of(*lines, line=b"POST / HTTP/1.1"), LIMITS).content_length == length


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", b"x", True),
        (b"1.1", b"close", False),
        (b"1.1", b"x , CLOSE", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.0", b"x", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_persistence(version: bytes, connection: bytes, *, kept: bool) -> None:
    raw = head_of(b"Connection: " + connection, line=b"GET / HTTP/" + version)
    assert parse_head(raw, LIMITS).keep_alive is kept


def test_http_1_0_needs_no_host_and_expects_nothing() -> None:
    head = parse_head(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", LIMITS)
    assert head.http_1_0
    assert not head.expects_continue


@pytest.mark.parametrize("host", [b"a", b"a:80", b"127.0.0.1:1", b"[::1]", b"[2001:db8::1]:443", b"A-b.example."])
def test_hosts(host: bytes) -> None:
    assert parse_head(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", LIMITS).headers == [(b"host", host)]


@pytest.mark.parametrize("target", [b"/", b"//a", b"/.hidden", b"/a..b", b"/v1.0/x", b"/%2fa", b"/a?../b", b"/a%20b"])
def test_targets(target: bytes) -> None:
    assert parse_head(head_of(line=b"GET " + target + b" HTTP/1.1"), LIMITS).target == target


def test_bounds_are_inclusive() -> None:
    raw = head_of(b"X: 1")
    line_b = len(b"GET /a?b=c HTTP/1.1")
    exact = replace(LIMITS, header_b_max=len(raw), request_line_b_max=line_b, header_count_max=2)
    assert parse_head(raw, exact).method == b"GET"
    for name, code in [
        ("header_b_max", Code.HEADERS_TOO_LARGE),
        ("request_line_b_max", Code.URI_TOO_LONG),
        ("header_count_max", Code.HEADERS_TOO_LARGE),
    ]:
        with pytest.raises(HeadRefusedError) as caught:
            parse_head(raw, replace(exact, **{name: getattr(exact, name) - 1}))
        assert caught.value.code is code


def test_a_refusal_never_repeats_what_was_sent() -> None:
    for raw in [head_of(b"X-Secret\0: jane@example.org"), head_of(line=b"GET /jane@example.org#x HTTP/1.1")]:
        with pytest.raises(HeadRefusedError) as caught:
            parse_head(raw, LIMITS)
        assert "jane" not in caught.value.detail


def test_a_partial_head_is_looked_at_once() -> None:
    raw = bytearray(b"GET / HTTP/1.1\r\nX: a\r")
    checked = check_partial(raw, 0, LIMITS)
    assert checked == len(raw)
    raw += b"\nY: b"
    assert check_partial(raw, checked, LIMITS) == len(raw)
    raw += b"\n"
    with pytest.raises(HeadRefusedError):
        check_partial(raw, checked, LIMITS)


def test_a_bare_cr_across_two_reads_is_found() -> None:
    raw = bytearray(b"GET / HTTP/1.1\r")
    checked = check_partial(raw, 0, LIMITS)
    raw += b"X"
    with pytest.raises(HeadRefusedError):
        check_partial(raw, checked, LIMITS)


def test_an_offer_of_http_2_in_clear_is_left_unanswered() -> None:
    raw = head_of(
        b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA", b"Content-Length: 2"
    )
    head = parse_head(raw, LIMITS)
    assert (head.content_length, head.keep_alive) == (2, True)
