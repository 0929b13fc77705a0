"""Requests that are wrong, too large, too slow or left alone, against the real gateway.

Rule 1: every one gets a clear error in OpenAI's shape or, where nobody is left to tell, an entry.
Rule 2: nothing that was refused reaches an upstream, and no body of it reaches the log.
Rule 3: every field of ``Limits`` names the test that crosses it; a new field without one fails here.
"""

import ast
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from lawgate.domain.limits import Limits
from tests.fault_upstream import FaultUpstream, Seen
from tests.faults.raw_client import Received, ask, chat, parse, post, read_answer
from tests.faults.records import entries, last
from tests.gateway_process import PREAMBLE, GatewayProcess

TESTS: Final = Path(__file__).resolve().parents[1]
CONFIGURATION: Final = """\
identity: [{{issuer: "http://127.0.0.1:9", audience: lawgate}}]
limits: {limits}
connections:
  m: {{protocol: openai, upstream: "{upstream}/v1", recipient: {{name: L, role: internal, country: DE}}}}
purposes:
  p:
    title: T
    allow: {{groups: [g], connections: [m]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    record: full
    mask: {{request: replace, answer: replace}}
"""
SMALL: Final = (
    "{request_line_b_max: 1 KiB, header_b_max: 2 KiB, header_count_max: 20, body_b_max: 16 KiB, "
    "header_time_s_max: 0.5, body_idle_s_max: 0.5, body_time_s_max: 1.5, idle_time_s_max: 2, linger_s_max: 0.5}"
)
FEW: Final = (
    "{exchanges_max: 4, upstream_connections_per_host_max: 1, upstream_waiters_max: 1, connect_s_max: 5, "
    "total_s_max: 2, backlog_max: 2}"
)
CHAT: Final = "/m/v1/chat/completions"
SECRET: Final = "zoe.private@refused.example"
"""In every body here; a refused one must not leave it anywhere."""


def started(folder: Path, upstream: FaultUpstream, limits: str) -> Iterator[GatewayProcess]:
    running = GatewayProcess(folder, PREAMBLE + CONFIGURATION.format(upstream=upstream.url, limits=limits))
    with running:
        yield running
    for word in ("Traceback", "failed inside the gateway", SECRET):
        assert word not in running.stderr, running.stderr[-4000:]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, upstream: FaultUpstream) -> Iterator[GatewayProcess]:
    yield from started(tmp_path_factory.mktemp("small"), upstream, SMALL)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, upstream: FaultUpstream) -> Iterator[GatewayProcess]:
    yield from started(tmp_path_factory.mktemp("few"), upstream, FEW)


@pytest.fixture(scope="module")
def key(small: GatewayProcess) -> str:
    return small.new_key("p")


@pytest.fixture(scope="module")
def few_key(few: GatewayProcess) -> str:
    return few.new_key("p")


def assert_refused(gateway: GatewayProcess, received: Received, status: int, code: str) -> None:
    """A whole error in OpenAI's shape and, when the caller was known, an entry without a body."""
    assert (received.status, received.code, received.complete) == (status, code, True)
    error = received.json["error"]
    assert error["message"].endswith(".")
    assert SECRET not in received.body.decode()
    found = last(gateway, received.exchange)
    assert (found.kind, found.outcome, found.code) == ("refusal", "refused", code)
    assert found.parts.keys() == {"meta"}
    assert SECRET.encode() not in found.parts["meta"]


# ---- bodies ---------------------------------------------------------------------------------

GOOD: Final = chat("answer", SECRET)
BAD_BODIES: Final[dict[str, tuple[bytes, str, tuple[tuple[str, str], ...], int, str]]] = {
    "not JSON": (b"hello " + SECRET.encode(), "application/json", (), 400, "body_unreadable"),
    "JSON cut short": (GOOD.encode()[:-3], "application/json", (), 400, "body_unreadable"),
    "text behind the JSON": (GOOD.encode() + b" {}", "application/json", (), 400, "body_unreadable"),
    "not a number": (b'{"model": "a", "n": NaN}', "application/json", (), 400, "body_unreadable"),
    "nested without end": (b"[" * 9000, "application/json", (), 400, "body_unreadable"),
    "invalid UTF-8": (b'{"model": "\xc3\x28"}', "application/json", (), 400, "body_unreadable"),
    "overlong UTF-8": (b'{"model": "\xc0\xaf"}', "application/json", (), 400, "body_unreadable"),
    "UTF-16 unsaid": (GOOD.encode("utf-16"), "application/json", (), 400, "body_unreadable"),
    "UTF-16 said": (GOOD.encode("utf-16"), "application/json; charset=utf-16", (), 415, "content_type_unsupported"),
    "Latin-1": (b'{"model": "\xe4"}', "application/json; charset=latin-1", (), 415, "content_type_unsupported"),
    "charset twice": (
        GOOD.encode(),
        "application/json; charset=utf-8; charset=utf-7",
        (),
        415,
        "content_type_unsupported",
    ),
    "compressed": (GOOD.encode(), "application/json", (("Content-Encoding", "gzip"),), 415, "content_type_unsupported"),
    "no content type": (GOOD.encode(), "", (), 415, "content_type_unsupported"),
    "a picture": (b"\x89PNG" + SECRET.encode(), "image/png", (), 415, "content_type_unsupported"),
    "a form": (b"mail=" + SECRET.encode(), "application/x-www-form-urlencoded", (), 415, "content_type_unsupported"),
    "too large": (b'{"a": "' + b"x" * 20_000 + b'"}', "application/json", (), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_refused(small: GatewayProcess, upstream: FaultUpstream, key: str, name: str) -> None:
    body, content_type, more, status, code = BAD_BODIES[name]
    received = ask(small.data_port, post(CHAT, body, key, *more, content_type=content_type))
    assert_refused(small, received, status, code)
    assert not upstream.saw(received.exchange)


def test_a_body_that_ends_too_early(small: GatewayProcess, upstream: FaultUpstream, key: str) -> None:
    received = ask(small.data_port, post(CHAT, GOOD, key)[:-10], half_close=True)
    assert_refused(small, received, 400, "body_truncated")
    assert not upstream.saw(received.exchange)


def test_what_is_odd_but_right_passes(small: GatewayProcess, upstream: FaultUpstream, key: str) -> None:
    for body in (b"\t" + GOOD.encode() + b"\r\n", GOOD.replace("zoe", "\\u007aoe").encode(), b"[1e40, -0, {}]"):
        received = ask(small.data_port, post(CHAT, body, key, content_type='Application/JSON; charset="UTF-8"'))
        assert received.status == 200, received
        assert SECRET.encode() not in upstream.saw(received.exchange)[0].body


# ---- slow clients ---------------------------------------------------------------------------


def trickle(port: int, data: bytes, pause_s: float) -> Received:
    """Send byte by byte until the gateway has enough of it."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.setblocking(False)
        raw = b""
        for at in range(len(data)):
            try:
                connection.send(data[at : at + 1])
                raw += connection.recv(65_536)
                break
            except BlockingIOError:
                time.sleep(pause_s)
            except OSError:
                break
        connection.settimeout(10)
        try:
            while data := connection.recv(65_536):
                raw += data
        except OSError:
            pass
    return parse(raw)


def test_a_slow_loris(small: GatewayProcess, key: str) -> None:
    """Nobody is known yet, so it is counted and not an entry."""
    before = time.monotonic()
    received = trickle(small.data_port, post(CHAT, GOOD, key), 0.05)
    assert time.monotonic() - before < 5
    assert (received.status, received.code) == (408, "request_timeout")


def test_a_slow_loris_in_the_body(small: GatewayProcess, upstream: FaultUpstream, key: str) -> None:
    """Each byte comes in time, the whole does not: ``body_time_s_max``."""
    head, _, body = post(CHAT, GOOD * 1, key).partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", small.data_port), 20) as connection:
        connection.sendall(head + b"\r\n\r\n")
        connection.settimeout(0.1)
        raw = b""
        began = time.monotonic()
        for at in range(len(body)):
            try:
                connection.sendall(body[at : at + 1])
                raw += connection.recv(65_536)
                break
            except TimeoutError:
                assert time.monotonic() - began < 5, "it was never cut"
        elapsed_s = time.monotonic() - began
    received = parse(raw)
    assert 1.2 < elapsed_s < 4, "body_time_s_max is 1.5 s, body_idle_s_max was never reached"
    assert received.status in {400, 408}
    found = last(small, received.exchange)
    assert (found.kind, found.code) == ("refusal", received.code)
    assert not upstream.saw(received.exchange)


def test_a_body_that_stops(small: GatewayProcess, key: str) -> None:
    received = ask(small.data_port, post(CHAT, GOOD, key)[:-10])
    assert received.status in {400, 408}
    assert last(small, received.exchange).code == received.code


# ---- heads ----------------------------------------------------------------------------------

BAD_HEADS: Final = {
    "request_line_b_max": (f"GET /m/{'a' * 1100} HTTP/1.1\r\nHost: h\r\n\r\n", 414, "uri_too_long"),
    "header_b_max": (f"GET /m/a HTTP/1.1\r\nHost: h\r\nX: {'a' * 2100}\r\n\r\n", 431, "headers_too_large"),
    "header_count_max": ("GET /m/a HTTP/1.1\r\nHost: h\r\n" + "X: a\r\n" * 21 + "\r\n", 431, "headers_too_large"),
    "a megabyte": (
        "GET /m/a HTTP/1.1\r\nHost: h\r\n" + f"X: {'a' * 1000}\r\n" * 1024 + "\r\n",
        431,
        "headers_too_large",
    ),
    "both lengths": (
        "POST /m/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "bad_request",
    ),
    "garbage": ("\x00\x01\x02\x03\r\n\r\n", 400, "bad_request"),
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_head_that_is_refused(small: GatewayProcess, upstream: FaultUpstream, name: str) -> None:
    raw, status, code = BAD_HEADS[name]
    seen = len(upstream.seen)
    received = ask(small.data_port, raw.encode("latin-1"))
    assert (received.status, received.code) == (status, code)
    assert received.json["error"]["message"].endswith(".")
    assert len(upstream.seen) == seen


# ---- clients that leave ---------------------------------------------------------------------


def wait_seen(gateway: GatewayProcess, upstream: FaultUpstream, model: str, after: int) -> Seen:
    found: list[Seen] = []

    def look() -> bool:
        found[:] = [seen for seen in upstream.seen[after:] if seen.model == model]
        return bool(found)

    gateway.wait_until(look, f"the upstream never saw {model}", timeout_s=10)
    return found[0]


def test_a_client_that_leaves_within_its_body(small: GatewayProcess, key: str) -> None:
    known = len(entries(small, kind="refusal"))
    with socket.create_connection(("127.0.0.1", small.data_port), 20) as connection:
        connection.sendall(post(CHAT, GOOD, key)[:-10])
        time.sleep(0.1)
    small.wait_until(lambda: len(entries(small, kind="refusal")) > known, "its leaving is no entry", timeout_s=10)
    found = entries(small, kind="refusal")[-1]
    assert (found.outcome, found.code) == ("refused", "body_truncated"), "who closes within a body may still read"
    assert found.parts.keys() == {"meta"}


@pytest.mark.parametrize("treatment", ["hang", "hang_in_head", "hang_in_body"])
def test_a_client_that_leaves_before_its_answer(
    small: GatewayProcess, upstream: FaultUpstream, key: str, treatment: str
) -> None:
    after = len(upstream.seen)
    with socket.create_connection(("127.0.0.1", small.data_port), 20) as connection:
        connection.sendall(post(CHAT, chat(treatment, SECRET), key))
        seen = wait_seen(small, upstream, treatment, after)
        time.sleep(0.05)
    assert seen.gone.wait(5), "the upstream call was not cancelled"
    found = last(small, seen.exchange)
    assert (found.kind, found.outcome, found.code) == ("outcome", "interrupted", "client_left")
    assert found.meta["released_b"] == 0


def test_a_client_that_leaves_its_stream(small: GatewayProcess, upstream: FaultUpstream, key: str) -> None:
    after = len(upstream.seen)
    raw = b""
    with socket.create_connection(("127.0.0.1", small.data_port), 20) as connection:
        connection.sendall(post(CHAT, chat("stream_for_ever", SECRET, stream=True), key))
        while len(parse(raw).body) < 1000:
            raw += connection.recv(65_536)
    seen = wait_seen(small, upstream, "stream_for_ever", after)
    assert seen.gone.wait(5), "the upstream call was not cancelled"
    found = last(small, seen.exchange)
    assert (found.outcome, found.code) == ("interrupted", "client_left")
    assert found.meta["released_b"] >= len(parse(raw).body)
    recorded = b"".join(json.loads(line)["text"].encode() for line in found.parts["answer"].splitlines())
    assert len(recorded) > 500, "the windows are the record"


# ---- counts ---------------------------------------------------------------------------------


def test_more_exchanges_than_allowed(few: GatewayProcess, few_key: str) -> None:
    """``exchanges_max``: four are under way, so the fifth comes again later."""
    sent = post(CHAT, GOOD, few_key)
    waiting = [socket.create_connection(("127.0.0.1", few.data_port), 20) for _ in range(4)]
    for connection in waiting:
        connection.sendall(sent[:-10])
    time.sleep(0.2)
    received = ask(few.data_port, sent)
    assert (received.status, received.code) == (503, "overloaded")
    assert int(received.headers["retry-after"]) > 0
    for connection in waiting:
        connection.sendall(sent[-10:])
        assert read_answer(connection).status == 200
        connection.close()
    assert ask(few.data_port, sent).status == 200


def test_more_upstream_calls_than_allowed(few: GatewayProcess, upstream: FaultUpstream, few_key: str) -> None:
    """``upstream_connections_per_host_max`` and ``upstream_waiters_max``: one runs, one waits, the next is refused."""
    after = len(upstream.seen)
    running = socket.create_connection(("127.0.0.1", few.data_port), 20)
    running.sendall(post(CHAT, chat("hang"), few_key))
    wait_seen(few, upstream, "hang", after)
    waiting = socket.create_connection(("127.0.0.1", few.data_port), 20)
    waiting.sendall(post(CHAT, chat("answer"), few_key))
    time.sleep(0.2)
    received = ask(few.data_port, post(CHAT, chat("answer"), few_key))
    assert (received.status, received.code) == (503, "overloaded")
    assert not upstream.saw(received.exchange)
    assert last(few, received.exchange).outcome == "failed"
    running.close()
    assert read_answer(waiting).status == 200
    waiting.close()


def test_a_stream_longer_than_allowed(few: GatewayProcess, upstream: FaultUpstream, few_key: str) -> None:
    """``total_s_max`` also ends a stream that never pauses."""
    received = ask(few.data_port, post(CHAT, chat("stream_for_ever", stream=True), few_key))
    assert (received.status, received.complete, received.code) == (200, True, "upstream_timeout")
    assert upstream.saw(received.exchange)[0].gone.wait(5)
    assert last(few, received.exchange).outcome == "interrupted"


def test_more_connections_than_the_kernel_may_hold(few: GatewayProcess, few_key: str) -> None:
    """``backlog_max``: while the gateway does not accept, the kernel keeps a few and lets the others wait outside."""
    os.kill(few.pid, signal.SIGSTOP)
    connections = [socket.socket() for _ in range(12)]
    try:
        for connection in connections:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", few.data_port))
        time.sleep(0.3)
        held = sum(_connected(connection) for connection in connections)
        assert 2 <= held <= 4
    finally:
        os.kill(few.pid, signal.SIGCONT)
        for connection in connections:
            connection.close()
    few.wait_until(lambda: ask(few.data_port, post(CHAT, GOOD, few_key)).status == 200, "it does not serve again")


def _connected(connection: socket.socket) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return False
    return True


# ---- the register of limits -----------------------------------------------------------------

HTTP: Final = "faults/test_http_attacks.py"
HERE: Final = "faults/test_bad_requests.py"
UPSTREAM: Final = "faults/test_upstream_faults.py"
CROSSED: Final = {
    "request_line_b_max": (HERE, "test_a_head_that_is_refused"),
    "header_b_max": (HERE, "test_a_head_that_is_refused"),
    "header_count_max": (HERE, "test_a_head_that_is_refused"),
    "body_b_max": (HERE, "test_a_body_that_is_refused"),
    "body_read_ahead_b_max": (
        "unit/gateway/test_http1.py",
        "test_nothing_is_read_beyond_the_read_ahead_until_the_body_is_wanted",
    ),
    "chunk_b_min": (HTTP, "test_a_flood_of_tiny_chunks_is_refused"),
    "trailer_b_max": (HTTP, "test_a_body_that_is_refused"),
    "pipelined_requests_max": (HTTP, "test_pipelined_requests_are_answered_in_order_and_bounded"),
    "pipelined_b_max": ("unit/gateway/test_http1.py", "test_requests_sent_ahead_do_not_fill_memory"),
    "header_time_s_max": (HERE, "test_a_slow_loris"),
    "body_idle_s_max": (HERE, "test_a_body_that_stops"),
    "body_time_s_max": (HERE, "test_a_slow_loris_in_the_body"),
    "idle_time_s_max": ("unit/gateway/test_http1.py", "test_an_idle_connection_is_closed_silently"),
    "linger_s_max": ("unit/gateway/test_connection.py", "test_a_client_that_never_closes_after_a_refusal_is_dropped"),
    "exchanges_max": (HERE, "test_more_exchanges_than_allowed"),
    "connections_max": ("unit/gateway/test_connection.py", "test_a_refusal_says_when_to_come_back"),
    "backlog_max": (HERE, "test_more_connections_than_the_kernel_may_hold"),
    "write_buffer_b_high": (
        "unit/gateway/test_connection.py",
        "test_a_client_that_does_not_read_holds_its_writer_and_is_left",
    ),
    "write_stall_s_max": (
        "unit/gateway/test_connection.py",
        "test_a_client_that_does_not_read_holds_its_writer_and_is_left",
    ),
    "stop_grace_s": ("faults/test_signals.py", "test_a_stop_cuts_what_outlasts_the_grace"),
    "stop_record_s": ("unit/gateway/test_server.py", "test_a_handler_that_ignores_the_stop_is_cancelled"),
    "answer_b_max": (UPSTREAM, "test_an_answer_that_cannot_be_released"),
    "answer_read_ahead_b_max": ("unit/upstream/test_response.py", "test_it_is_full_until_somebody_reads"),
    "interim_answers_max": ("unit/upstream/test_response.py", "test_an_answer_that_breaks_the_protocol"),
    "upstream_connections_per_host_max": (HERE, "test_more_upstream_calls_than_allowed"),
    "upstream_waiters_max": (HERE, "test_more_upstream_calls_than_allowed"),
    "upstream_idle_s_max": ("unit/upstream/test_pool.py", "test_idle_connections_expire"),
    "connect_s_max": ("unit/upstream/test_pool.py", "test_a_handshake_that_hangs"),
    "time_to_first_byte_s_max": (UPSTREAM, "test_an_answer_that_cannot_be_released"),
    "stream_idle_s_max": (UPSTREAM, "test_a_stream_that_breaks"),
    "total_s_max": (HERE, "test_a_stream_longer_than_allowed"),
}
"""Limit -> the file and the test that crosses it."""


@pytest.mark.parametrize("limit", [field.name for field in fields(Limits)])
def test_every_limit_has_a_test_that_crosses_it(limit: str) -> None:
    file, name = CROSSED[limit]
    source = (TESTS / file).read_text(encoding="utf-8")
    defined = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    assert name in defined
    assert limit in source, f"{file} does not speak of {limit}"


def test_no_limit_is_listed_that_is_none() -> None:
    assert CROSSED.keys() == {field.name for field in fields(Limits)}
