import asyncio
from collections.abc import Callable

import pytest

from lawgate.domain.fields import FieldError
from lawgate.gateway.responder import ClientGoneError, Responder
from tests.loopback import run

DATE = b"date: now\r\n"


class Sink:
    def __init__(self, *, keeps: bool = True) -> None:
        self.out = b""
        self.writes = 0
        self.keeps = keeps
        self.aborted = False
        self.waiter: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> None:
        self.out += data
        self.writes += 1

    def keeps_alive(self) -> bool:
        return self.keeps

    def date_line(self) -> bytes:
        return DATE

    def writable(self) -> asyncio.Future[None] | None:
        return self.waiter

    def abort(self) -> None:
        self.aborted = True


def answer(
    act: Callable[[Responder], None], *, head_only: bool = False, http_1_0: bool = False, keeps: bool = True
) -> bytes:
    sink = Sink(keeps=keeps)
    act(Responder(sink, head_only=head_only, http_1_0=http_1_0))
    return sink.out


def stream(responder: Responder) -> None:
    responder.start(200, [(b"a", b"b")])
    responder.write(b"0123456789")
    responder.write(b"")
    responder.end(b"z")


def test_a_whole_answer_is_one_write() -> None:
    sink = Sink()
    responder = Responder(sink, head_only=False, http_1_0=False)
    responder.send(201, [(b"a", b"b")], b"body")
    assert sink.out == b"HTTP/1.1 201 Created\r\na: b\r\n" + DATE + b"content-length: 4\r\n\r\nbody"
    assert sink.writes == 1
    assert responder.started
    assert responder.ended


@pytest.mark.parametrize(
    ("status", "head_only", "body", "framing", "sent"),
    [
        (200, False, b"", b"content-length: 0\r\n", b""),
        (200, True, b"body", b"content-length: 4\r\n", b""),
        (200, True, b"", b"", b""),
        (204, False, b"", b"", b""),
        (304, False, b"", b"", b""),
        (404, False, b"x", b"content-length: 1\r\n", b"x"),
    ],
)
def test_who_carries_a_body(status: int, *, head_only: bool, body: bytes, framing: bytes, sent: bytes) -> None:
    out = answer(lambda responder: responder.send(status, [], body), head_only=head_only)
    head, _, rest = out.partition(b"\r\n\r\n")
    assert (head + b"\r\n").partition(DATE)[2] == framing
    assert rest == sent


def test_a_stream_is_chunked() -> None:
    out = answer(stream)
    head, _, body = out.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"a\r\n0123456789\r\n1\r\nz\r\n0\r\n\r\n"


def test_a_stream_to_http_1_0_ends_with_the_connection() -> None:
    out = answer(stream, http_1_0=True)
    head, _, body = out.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert head.endswith(b"connection: close")
    assert body == b"0123456789z"


def test_a_stream_to_head_has_no_body() -> None:
    out = answer(stream, head_only=True)
    assert out.endswith(DATE + b"\r\n")


@pytest.mark.parametrize(
    ("http_1_0", "keeps", "said"),
    [(False, True, None), (False, False, b"close"), (True, True, b"keep-alive"), (True, False, b"close")],
)
def test_persistence_is_said(*, http_1_0: bool, keeps: bool, said: bytes | None) -> None:
    out = answer(lambda responder: responder.send(200, [], b""), http_1_0=http_1_0, keeps=keeps)
    assert (b"connection: " in out) is (said is not None)
    if said is not None:
        assert b"connection: " + said + b"\r\n" in out


@pytest.mark.parametrize("fields", [[(b"a", b"b\r\nc: d")], [(b"content-length", b"9")], [(b"A", b"b")]])
def test_injection_writes_nothing_and_leaves_the_answer_open(fields: list[tuple[bytes, bytes]]) -> None:
    sink = Sink()
    responder = Responder(sink, head_only=False, http_1_0=False)
    with pytest.raises(FieldError):
        responder.send(200, fields, b"")
    with pytest.raises(FieldError):
        responder.start(200, fields)
    assert sink.out == b""
    assert not responder.started
    responder.send(500, [], b"")
    assert sink.out.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600])
def test_only_final_statuses(status: int) -> None:
    with pytest.raises(ValueError, match="final"):
        answer(lambda responder: responder.send(status, [], b""))


def test_an_answer_starts_and_ends_once() -> None:
    responder = Responder(Sink(), head_only=False, http_1_0=False)
    with pytest.raises(RuntimeError):
        responder.write(b"early")
    responder.send(200, [], b"")
    with pytest.raises(RuntimeError):
        responder.send(200, [], b"")
    with pytest.raises(RuntimeError):
        responder.write(b"x")
    with pytest.raises(RuntimeError):
        responder.end()


def test_who_left_is_sent_nothing_and_told_once() -> None:
    async def main() -> None:
        sink = Sink()
        responder = Responder(sink, head_only=False, http_1_0=False)
        told: list[str | None] = []
        responder.on_close(lambda: told.append(responder.gone))
        responder.start(200, [])
        written = sink.out
        responder.lost("left")
        responder.lost("again")
        assert told == ["left"]
        responder.write(b"x")
        responder.end(b"y")
        assert sink.out == written
        with pytest.raises(ClientGoneError, match="left"):
            await responder.drain()
        responder.on_close(lambda: told.append("late"))
        assert told == ["left", "late"]

    run(main())


def test_drain_waits_for_the_client() -> None:
    async def main() -> None:
        sink = Sink()
        responder = Responder(sink, head_only=False, http_1_0=False)
        await responder.drain()
        sink.waiter = asyncio.get_running_loop().create_future()
        draining = asyncio.ensure_future(responder.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        responder.lost("left")
        sink.waiter.set_result(None)
        with pytest.raises(ClientGoneError):
            await draining

    run(main())


def test_abort_cuts_the_connection_and_is_not_reported_back() -> None:
    sink = Sink()
    responder = Responder(sink, head_only=False, http_1_0=False)
    told: list[str] = []
    responder.on_close(lambda: told.append("told"))
    responder.abort()
    responder.lost("left")
    assert sink.aborted
    assert told == []
    assert not responder.keep_alive
