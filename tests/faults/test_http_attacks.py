"""Requests that try to be read in two ways, or to cost more than they should. A row is never removed.

For each row: the status, one answer only, the connection closed by the gateway, no handler run, and the
request that was hidden behind the attack never served.
"""

import asyncio
from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, RefusedError
from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from tests.loopback import gateway, run, statuses, talk

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
SMALL = replace(
    Limits(), request_line_b_max=200, header_b_max=1000, header_count_max=10, body_b_max=1000, trailer_b_max=100
)


def get(*lines: bytes, line: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a\r\n") -> bytes:
    return line + b"\r\n" + host + b"".join(each + b"\r\n" for each in lines) + b"\r\n"


def post(*lines: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    return get(*lines, line=line)


HEADS: dict[str, tuple[bytes, int]] = {
    # two framings, or one said badly (RFC 9112 section 6.3)
    "length and chunked": (post(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    "chunked and length": (post(b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
    "two equal lengths": (post(b"Content-Length: 0", b"Content-Length: 0"), 400),
    "two lengths": (post(b"Content-Length: 0", b"Content-Length: 36"), 400),
    "length list": (post(b"Content-Length: 0, 0"), 400),
    "length with plus": (post(b"Content-Length: +0"), 400),
    "length with minus": (post(b"Content-Length: -1"), 400),
    "length in hex": (post(b"Content-Length: 0x0"), 400),
    "length with underscore": (post(b"Content-Length: 1_0"), 400),
    "length with space inside": (post(b"Content-Length: 1 0"), 400),
    "length empty": (post(b"Content-Length:"), 400),
    "length of 19 digits": (post(b"Content-Length: 1000000000000000000"), 400),
    "length beyond 64 bits": (post(b"Content-Length: 18446744073709551616"), 400),
    "length in arabic digits": (post("Content-Length: ٠".encode()), 400),
    "coding identity": (post(b"Transfer-Encoding: identity"), 400),
    "coding identity then chunked": (post(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"), 501),
    "coding chunked twice": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "coding chunked, chunked": (post(b"Transfer-Encoding: chunked, chunked"), 400),
    "coding gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked"), 501),
    "coding chunked, identity": (post(b"Transfer-Encoding: chunked, identity"), 400),
    "coding xchunked": (post(b"Transfer-Encoding: xchunked"), 400),
    "coding quoted": (post(b'Transfer-Encoding: "chunked"'), 400),
    "coding with parameter": (post(b"Transfer-Encoding: chunked;q=1"), 400),
    "coding empty": (post(b"Transfer-Encoding:"), 400),
    "coding after vertical tab": (post(b"Transfer-Encoding: \x0bchunked"), 400),
    "coding in HTTP/1.0": (post(b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0"), 400),
    # field lines that two parsers cut differently (RFC 9112 section 5)
    "space before colon": (get(b"Content-Length : 36"), 400),
    "tab before colon": (get(b"Content-Length\t: 36"), 400),
    "folded line": (get(b"X: a", b" Content-Length: 36"), 400),
    "line starts with space": (get(host=b" Host: a\r\n"), 400),
    "bare LF between lines": (get(b"X: a\nContent-Length: 36"), 400),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "bare CR in value": (get(b"X: a\rContent-Length: 36"), 400),
    "CR CR LF": (get(b"X: a\r"), 400),
    "NUL in value": (get(b"X: a\0b"), 400),
    "NUL in name": (get(b"X\0: a"), 400),
    "control in value": (get(b"X: a\x01b"), 400),
    "no colon": (get(b"X"), 400),
    "empty name": (get(b": a"), 400),
    "name in quotes": (get(b'"X": a'), 400),
    "name in UTF-8": (get("Höst: a".encode()), 400),
    # authority (RFC 9112 section 3.2)
    "no host": (get(host=b""), 400),
    "two hosts": (get(b"Host: b"), 400),
    "two equal hosts": (get(b"Host: a"), 400),
    "two hosts in HTTP/1.0": (get(b"Host: b", line=b"GET / HTTP/1.0"), 400),
    "host empty": (get(host=b"Host:\r\n"), 400),
    "host with path": (get(host=b"Host: a/b\r\n"), 400),
    "host with user": (get(host=b"Host: u@a\r\n"), 400),
    "host list": (get(host=b"Host: a, b\r\n"), 400),
    "host with space": (get(host=b"Host: a b\r\n"), 400),
    # request lines
    "absolute form": (get(line=b"GET http://a/ HTTP/1.1"), 400),
    "authority form": (get(line=b"GET a:80 HTTP/1.1"), 400),
    "asterisk form": (get(line=b"OPTIONS * HTTP/1.1"), 400),
    "CONNECT": (get(line=b"CONNECT a:443 HTTP/1.1"), 501),
    "CONNECT with path": (get(line=b"CONNECT / HTTP/1.1"), 501),
    "TRACE": (get(line=b"TRACE / HTTP/1.1"), 501),
    "unknown method": (get(line=b"FOO / HTTP/1.1"), 501),
    "lower-case method": (get(line=b"get / HTTP/1.1"), 501),
    "WebDAV method": (get(line=b"PROPFIND / HTTP/1.1"), 501),
    "two spaces": (get(line=b"GET  / HTTP/1.1"), 400),
    "tab instead of space": (get(line=b"GET\t/ HTTP/1.1"), 400),
    "space in target": (get(line=b"GET /a b HTTP/1.1"), 400),
    "space after version": (get(line=b"GET / HTTP/1.1 "), 400),
    "fragment": (get(line=b"GET /a#b HTTP/1.1"), 400),
    "target in latin-1": (get(line=b"GET /\xe9 HTTP/1.1"), 400),
    "target without slash": (get(line=b"GET a HTTP/1.1"), 400),
    "dot segments": (get(line=b"GET /open/../shut HTTP/1.1"), 400),
    "dot segment at the end": (get(line=b"GET /open/.. HTTP/1.1"), 400),
    "one dot": (get(line=b"GET /open/./shut HTTP/1.1"), 400),
    "encoded dot segments": (get(line=b"GET /open/%2e%2E/shut HTTP/1.1"), 400),
    "dot segments by encoded slash": (get(line=b"GET /open%2f..%2Fshut HTTP/1.1"), 400),
    "dot segments by backslash": (get(line=b"GET /open\\..\\shut HTTP/1.1"), 400),
    "encoded NUL": (get(line=b"GET /a%00b HTTP/1.1"), 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/0.9 said": (get(line=b"GET / HTTP/0.9"), 505),
    "HTTP/1.2": (get(line=b"GET / HTTP/1.2"), 505),
    "HTTP/1.01": (get(line=b"GET / HTTP/1.01"), 505),
    "HTTP/2.0": (get(line=b"GET / HTTP/2.0"), 505),
    "lower-case version": (get(line=b"GET / http/1.1"), 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "RTSP": (get(line=b"DESCRIBE / RTSP/1.0"), 400),
    "ICE": (get(line=b"SOURCE / ICE/1.0"), 400),
    "TLS on a clear port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "blank lines first": (b"\r\n\r\n\r\n" + get(), 400),
    # what we do not speak
    "WebSocket": (get(b"Connection: Upgrade", b"Upgrade: websocket"), 501),
    "upgrade without option": (get(b"Upgrade: websocket"), 501),
    "h2c and more": (get(b"Connection: Upgrade", b"Upgrade: h2c, websocket"), 501),
    "unknown expectation": (post(b"Expect: 200-ok", b"Content-Length: 0"), 417),
    "two expectations": (post(b"Expect: 100-continue, x", b"Content-Length: 0"), 417),
    # bounds
    "long request line": (get(line=b"GET /" + b"a" * 200 + b" HTTP/1.1"), 414),
    "long request line, unfinished": (b"GET /" + b"a" * 300, 414),
    "long head": (get(b"X: " + b"a" * 1000), 431),
    "long head, unfinished": (b"GET / HTTP/1.1\r\nX: " + b"a" * 1200, 431),
    "megabyte head": (get(b"X: " + b"a" * 1_000_000), 431),
    "long name": (get(b"a" * 1000 + b": b"), 431),
    "many fields": (get(*[b"a: b"] * 11), 431),
    "ten thousand fields": (get(*[b"a:"] * 10_000), 431),
}


@pytest.mark.parametrize(("raw", "status"), HEADS.values(), ids=HEADS.keys())
def test_a_head_that_is_refused(raw: bytes, status: int) -> None:
    async def main() -> None:
        async with gateway(limits=SMALL) as it:
            answer = await talk(it.port, raw + SMUGGLED)
            assert statuses(answer) == [status]
            assert b"connection: close\r\n" in answer
            assert it.handled == []
            assert len(it.refused) == 1
            assert it.server.counters.refused_total == 1

    run(main())


@pytest.mark.parametrize("name", ["bare LF everywhere", "length and chunked", "absolute form", "no host", "two hosts"])
def test_the_same_in_single_bytes(name: str) -> None:
    raw, status = HEADS[name]

    async def main() -> None:
        async with gateway(limits=SMALL) as it:
            answer = await talk(it.port, *[raw[at : at + 1] for at in range(len(raw))])
            assert statuses(answer) == [status]
            assert it.handled == []

    run(main())


CHUNKED = post(b"Transfer-Encoding: chunked")

BODIES: dict[str, tuple[bytes, Code]] = {
    "chunk extension": (b"5;x=y\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "chunk extension without value": (b"5;\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "extension on the last chunk": (b"5\r\nhello\r\n0;x\r\n\r\n", Code.BODY_UNREADABLE),
    "space after size": (b"5 \r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "space before size": (b" 5\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size with 0x": (b"0x5\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size with plus": (b"+5\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size with underscore": (b"0_5\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size empty": (b"\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size overflow": (b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size of nine digits": (b"000000005\r\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "size beyond the limit": (b"ffffffff\r\nhello", Code.BODY_TOO_LARGE),
    "sizes that add up": (b"300\r\n" + b"a" * 768 + b"\r\n300\r\n", Code.BODY_TOO_LARGE),
    "bare LF after size": (b"5\nhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "bare LF after data": (b"5\r\nhello\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "bare CR after size": (b"5\rXhello\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "data longer than size": (b"5\r\nhello!\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "negative size": (b"-1\r\n\r\n0\r\n\r\n", Code.BODY_UNREADABLE),
    "trailer folded": (b"0\r\nX: a\r\n b\r\n\r\n", Code.BODY_UNREADABLE),
    "trailer without colon": (b"0\r\nGET /smuggled HTTP/1.1\r\n\r\n", Code.BODY_UNREADABLE),
    "trailer in bare LF": (b"0\r\nX: a\n\r\n", Code.BODY_UNREADABLE),
    "trailers too long": (b"0\r\n" + b"X: aaaaaaaaaaaaaaa\r\n" * 10 + b"\r\n", Code.BODY_UNREADABLE),
    "one trailer too long": (b"0\r\nX: " + b"a" * 200, Code.BODY_UNREADABLE),
}


@pytest.mark.parametrize("head", [CHUNKED, post(b"Transfer-Encoding: Chunked")], ids=["chunked", "Chunked"])
@pytest.mark.parametrize(("raw", "code"), BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_refused(raw: bytes, code: Code, head: bytes) -> None:
    seen: list[str] = []
    codes: list[Code] = []

    async def handler(request: Request, responder: Responder) -> None:
        seen.append(request.target)
        try:
            await request.body()
        except RefusedError as error:
            codes.append(error.refusal.code)
            responder.send(error.refusal.status, [], b"")

    async def main() -> None:
        async with gateway(handler, SMALL) as it:
            answer = await talk(it.port, head + raw + SMUGGLED)
            assert statuses(answer) == [413 if code is Code.BODY_TOO_LARGE else 400]
            assert seen == ["/"]
            assert codes == [code]

    run(main())


def test_trailers_are_dropped_and_never_become_headers() -> None:
    async def handler(request: Request, responder: Responder) -> None:
        body = await request.body()
        names = b",".join(name for name, _ in request.headers)
        responder.send(200, [(b"x-names", names)], body)

    async def main() -> None:
        async with gateway(handler) as it:
            raw = CHUNKED + b"5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 3\r\n\r\n"
            answer = await talk(it.port, raw + get(b"Connection: close"))
            assert statuses(answer) == [200, 200]
            assert b"x-names: host,transfer-encoding\r\n" in answer
            assert b"hello" in answer

    run(main())


def test_a_body_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    async def main() -> None:
        async with gateway(limits=SMALL) as it:
            answer = await talk(it.port, post(b"Content-Length: 1001") + b"a" * 1001 + SMUGGLED)
            assert statuses(answer) == [413]
            assert it.handled == ["/"]
            assert it.bodies == []

    run(main())


def test_a_flood_of_tiny_chunks_is_refused() -> None:
    limits = replace(Limits(), chunk_b_min=16)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            answer = await talk(it.port, CHUNKED + b"1\r\na\r\n" * 1100 + SMUGGLED)
            assert statuses(answer) == [400]
            assert it.bodies == []

    run(main())


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n", 400),
        (b"GET / HT", 400),
        (post(b"Content-Length: 5") + b"hell", 400),
        (CHUNKED + b"5\r\nhel", 400),
        (CHUNKED + b"5\r\nhello\r\n", 400),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", 400),
    ],
)
def test_what_ends_too_early_is_answered_and_never_delivered(raw: bytes, status: int) -> None:
    async def main() -> None:
        async with gateway() as it:
            assert statuses(await talk(it.port, raw, half_close=True)) == [status]
            assert it.bodies == []

    run(main())


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_a_slow_head_is_cut(sent: bytes) -> None:
    limits = replace(Limits(), header_time_s_max=0.2, idle_time_s_max=0.2)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            answer = await talk(it.port, sent)
            assert statuses(answer) == ([408] if sent else [])
            assert it.handled == []

    run(main())


def test_a_head_that_trickles_gains_no_time() -> None:
    limits = replace(Limits(), header_time_s_max=0.2)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
            sent = 0
            while not it.refused and sent < 200:
                writer.write(b"X: a\r\n")
                sent += 1
                await asyncio.sleep(0.01)
            assert statuses(await asyncio.wait_for(reader.read(), 5)) == [408]
            assert it.refused == [Code.REQUEST_TIMEOUT]
            writer.close()

    run(main())


@pytest.mark.parametrize("sent", [post(b"Content-Length: 9") + b"abc", CHUNKED + b"5\r\nhe", CHUNKED])
def test_a_slow_body_is_cut(sent: bytes) -> None:
    limits = replace(Limits(), body_idle_s_max=0.2)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            assert statuses(await talk(it.port, sent)) == [408]
            assert it.bodies == []

    run(main())


def test_pipelined_requests_are_answered_in_order_and_bounded() -> None:
    limits = replace(Limits(), pipelined_requests_max=3)

    async def main() -> None:
        async with gateway(limits=limits) as it:
            raw = b"".join(get(line=b"GET /%d HTTP/1.1" % number) for number in range(20))
            answer = await talk(it.port, raw)
            assert it.handled == ["/0", "/1", "/2", "/3"]
            assert statuses(answer) == [200] * 4
            assert answer.count(b"connection: close") == 1

    run(main())


def test_an_attack_behind_a_good_request_is_refused_after_its_answer() -> None:
    async def main() -> None:
        async with gateway() as it:
            bad = post(b"Content-Length: 5", b"Transfer-Encoding: chunked")
            answer = await talk(it.port, get(line=b"GET /good HTTP/1.1") + bad + SMUGGLED)
            assert statuses(answer) == [200, 400]
            assert it.handled == ["/good"]

    run(main())


def test_bytes_behind_a_closing_request_are_not_a_request() -> None:
    async def main() -> None:
        async with gateway() as it:
            answer = await talk(it.port, get(b"Connection: close") + SMUGGLED)
            assert statuses(answer) == [200]
            assert it.handled == ["/"]

    run(main())


def test_a_refused_client_that_keeps_sending_still_reads_its_answer() -> None:
    async def main() -> None:
        async with gateway(limits=SMALL) as it:
            answer = await talk(it.port, post(b"Content-Length: 3000000"), *[b"a" * 100_000] * 30)
            assert statuses(answer) == [413]

    run(main())
