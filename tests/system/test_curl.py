"""``curl`` through a real gateway: what scripts send, and what the SDKs never do."""

import json
import socket
import time

import pytest

from tests.gateway_process import GatewayProcess
from tests.system.conftest import CLIENT_DATA, MAIL, UPSTREAM_KEY, chat_json, curl, entries_of
from tests.system.model_server import EMAIL, IBAN, ModelServer

JSON = ("-H", "content-type: application/json")


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    """A static key, for tools that can hold nothing else."""
    return gateway.new_key("answer-customers")


@pytest.fixture
def base(gateway: GatewayProcess) -> str:
    return f"{gateway.data_url}/llm/v1"


def bearer(token: str) -> tuple[str, str]:
    return ("-H", f"Authorization: Bearer {token}")


def test_json(base: str, token: str, model: ModelServer) -> None:
    answer = curl(f"{base}/chat/completions", *bearer(token), *JSON, "-d", chat_json(f"I am {MAIL}"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "You wrote: I am <EMAIL>" in answer.json["choices"][0]["message"]["content"]
    seen = model.of(answer.exchange)
    assert MAIL not in seen.body.decode()
    assert seen.header("host") == model.url.removeprefix("http://")
    assert seen.header("content-length") == str(len(seen.body))
    assert seen.header("accept-encoding") == "identity"


def test_events_as_they_come(base: str, token: str) -> None:
    body = chat_json(f"I am {MAIL}", stream=True)
    answer = curl("-N", f"{base}/chat/completions", *bearer(token), *JSON, "-d", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["transfer-encoding"] == "chunked"
    events = [block for block in answer.body.decode().split("\n\n") if block]
    assert events[-1] == "data: [DONE]"
    text = "".join(
        choice["delta"].get("content") or ""
        for event in events[:-1]
        for choice in json.loads(event.removeprefix("data: "))["choices"]
    )
    assert "You wrote: I am <EMAIL>" in text
    for value in (*CLIENT_DATA, EMAIL, IBAN):
        assert value not in text


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0(base: str, token: str, *, stream: bool) -> None:
    """No chunks for a client that knows none: the end of a stream is the end of the connection."""
    body = chat_json("hello", stream=stream)
    answer = curl("-N", "--http1.0", f"{base}/chat/completions", *bearer(token), *JSON, "-d", body)
    assert (answer.code, answer.status) == (0, 200)
    assert "transfer-encoding" not in answer.headers
    assert answer.body.rstrip().endswith(b"data: [DONE]" if stream else b"}")


def test_head(base: str, token: str) -> None:
    """What the upstream answers to HEAD: its head and nothing more."""
    answer = curl("-I", f"{base}/models", *bearer(token))
    assert (answer.code, answer.status) == (0, 200)
    assert len(answer.exchange) == 32
    refused = curl("-I", f"{base}/models")
    assert (refused.code, refused.status) == (0, 401)
    for each in (answer, refused):
        assert each.body.endswith(b"\r\n\r\n"), "curl shows the head, and nothing came after it"


def test_two_megabytes_after_100_continue(base: str, token: str, model: ModelServer) -> None:
    body = chat_json(f"{MAIL} " + "word " * 400_000, metadata={"events": "3"})
    answer = curl(
        f"{base}/chat/completions",
        *bearer(token),
        *JSON,
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "10",
        "--data-binary",
        "@-",
        data=body.encode(),
    )
    assert (answer.status, answer.heads) == (200, 2), "the interim answer came first"
    seen = model.of(answer.exchange)
    assert len(seen.body) > 2_000_000
    assert seen.body.count(b"word ") == 400_000
    assert b"<EMAIL>" in seen.body
    assert seen.header("expect") is None


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(base: str, token: str) -> None:
    answer = curl(
        f"{base}/chat/completions",
        *bearer(token),
        *JSON,
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "10",
        "--data-binary",
        "@-",
        "-w",
        "%{stderr}%{size_upload}",
        data=b"x" * (5 << 20),
    )
    assert (answer.status, answer.heads) == (413, 1)
    assert answer.json["error"]["code"] == "body_too_large"
    assert answer.stderr.endswith("0"), "not one byte of it was asked for"


def test_a_chunked_upload(base: str, token: str, model: ModelServer) -> None:
    answer = curl(
        f"{base}/chat/completions",
        *bearer(token),
        *JSON,
        "-H",
        "Transfer-Encoding: chunked",
        "--data-binary",
        "@-",
        data=chat_json(f"I am {MAIL}").encode(),
    )
    assert answer.status == 200
    seen = model.of(answer.exchange)
    assert seen.header("transfer-encoding") is None, "framing is the gateway's own"
    assert seen.json["messages"][0]["content"] == "I am <EMAIL>"


@pytest.mark.parametrize("header", ["x-api-key: {}", "api-key: {}", "Authorization: Bearer {}"])
def test_a_key_in_any_of_the_headers(
    base: str, key: str, header: str, model: ModelServer, gateway: GatewayProcess
) -> None:
    answer = curl(f"{base}/chat/completions", "-H", header.format(key), *JSON, "-d", chat_json("hello"))
    assert answer.status == 200
    seen = model.of(answer.exchange)
    assert key not in " ".join(value for _, value in seen.headers)
    assert seen.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert seen.header("x-api-key") is None
    caller = entries_of(gateway, answer.exchange)[0].meta["caller"]
    assert (caller["subject"], caller["credential"]) == ("nightly-report", "api_key")


def test_two_different_credentials_are_none(base: str, key: str, token: str) -> None:
    answer = curl(f"{base}/models", *bearer(token), "-H", f"x-api-key: {key}")
    assert (answer.status, answer.json["error"]["code"]) == (401, "credential_invalid")


def test_a_revoked_key_ends_with_the_next_request(base: str, gateway: GatewayProcess) -> None:
    key = gateway.new_key("answer-customers", "soon-gone")
    assert curl(f"{base}/models", "-H", f"x-api-key: {key}").status == 200
    gateway.lawgate("key revoke", key.split("_")[1])
    answer = curl(f"{base}/models", "-H", f"x-api-key: {key}")
    assert (answer.status, answer.json["error"]["code"]) == (401, "credential_invalid")


def test_an_expired_key(base: str, gateway: GatewayProcess) -> None:
    key = gateway.new_key("answer-customers", "short-lived", "--expires", "4s")
    deadline = time.monotonic() + 15
    while (answer := curl(f"{base}/models", "-H", f"x-api-key: {key}")).status == 200:
        assert time.monotonic() < deadline, "the key does not expire"
        time.sleep(0.1)
    assert (answer.status, answer.json["error"]["code"]) == (401, "credential_expired")


def test_a_key_with_one_letter_wrong(base: str, key: str) -> None:
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    answer = curl(f"{base}/models", "-H", f"x-api-key: {wrong}")
    assert (answer.status, answer.json["error"]["code"]) == (401, "credential_invalid")


@pytest.mark.parametrize(
    "body",
    [
        '{"model": "forbidden-1", "messages": [], "model": "demo"}',
        '{"mod\\u0065l": "forbidden-1", "messages": [], "model": "demo"}',
        '{"model": "demo", "stream": true, "messages": [{"content": "\\u00e4"}], "stream": false}',
        '{"tools": [{}], "model": "demo", "n": ' + "1" * 5000 + ', "tools": []}',
    ],
)
def test_a_member_that_rules_ask_for_cannot_be_there_twice(
    base: str, token: str, body: str, model: ModelServer
) -> None:
    """A rule would read the one, and the upstream perhaps the other."""
    before = len(model.seen)
    answer = curl(f"{base}/chat/completions", *bearer(token), *JSON, "-d", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "body_unreadable")
    assert len(model.seen) == before


def test_a_name_that_is_there_twice_elsewhere_is_fine(base: str, token: str, model: ModelServer) -> None:
    content = json.dumps({"model": "a", "x": {"model": 1, "tools": [], "stream": 0}})
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"model": {}, "stream": {}}}}}
    body = chat_json(content, tools=[tool])
    answer = curl(f"{base}/chat/completions", *bearer(token), *JSON, "-d", body)
    assert answer.status == 200
    assert model.of(answer.exchange).body == body.encode()
    repeated = '{"messages": [{"role": "user", "content": "MAIL", "content": "x"}], "model": "demo"}'
    answer = curl(f"{base}/chat/completions", *bearer(token), *JSON, "-d", repeated.replace("MAIL", MAIL))
    assert b'"content": "<EMAIL>", "content": "x"' in model.of(answer.exchange).body, "both are masked"


def test_a_query_goes_along(base: str, token: str, model: ModelServer) -> None:
    answer = curl(f"{base}/models?limit=3&after=a%20b", *bearer(token))
    assert (answer.status, model.of(answer.exchange).query) == (200, "limit=3&after=a%20b")


def test_paths_that_climb_are_refused(gateway: GatewayProcess, token: str, model: ModelServer) -> None:
    before = len(model.seen)
    for path in ("/llm/v1/../demo/seen", "/llm/v1/%2e%2e/demo/seen", "/llm//demo/seen", "/llm/v1%2f..%2fdemo"):
        answer = curl("--path-as-is", gateway.data_url + path, *bearer(token))
        assert (answer.status, answer.json["error"]["code"]) == (400, "bad_request"), path
    assert not [each for each in model.seen[before:] if "demo" in each.path]


def test_the_connection_is_kept(base: str, token: str) -> None:
    """Two requests of one curl use one connection, after a stream too."""
    body = chat_json("hello", stream=True)
    url = f"{base}/chat/completions"
    one = (url, *bearer(token), *JSON, "-d", body, "-o", "/dev/null", "-w", "%{num_connects}\n")
    answer = curl(*one, "--next", "-sS", *one)
    assert answer.body.split() == [b"1", b"0"]


def test_pipelined_requests_are_answered_in_order(gateway: GatewayProcess, token: str) -> None:
    requests = b"".join(
        b"GET /llm/v1/%b HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %b\r\n%b\r\n"
        % (path, token.encode(), b"Connection: close\r\n" if path == b"models/two" else b"")
        for path in (b"models/demo", b"nothing", b"models/two")
    )
    with socket.create_connection(("127.0.0.1", gateway.data_port), timeout=10) as client:
        client.sendall(requests)
        answer = b""
        while data := client.recv(65_536):
            answer += data
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ") or b"HTTP/1.1 " in line]
    assert [line.split(b"HTTP/1.1 ")[1][:3] for line in lines] == [b"200", b"404", b"404"]


def test_health_and_numbers_are_on_the_other_port(gateway: GatewayProcess, base: str) -> None:
    for path in ("livez", "readyz"):
        assert curl(f"{gateway.control_url}/{path}").status == 200
        assert curl(f"{gateway.data_url}/{path}").status == 401
    numbers = curl(f"{gateway.control_url}/metrics").body.decode()
    assert "lawgate_" in numbers
    for value in (*CLIENT_DATA, EMAIL, IBAN, "support-desk", "nightly-report"):
        assert value not in numbers
    assert curl(f"{gateway.control_url}/llm/v1/models").status == 404
    assert base.startswith("http://")


def test_browsers_may_call_from_the_origins_that_a_connection_names(
    gateway: GatewayProcess, token: str, model: ModelServer
) -> None:
    url, before = f"{gateway.data_url}/api/echo", len(model.seen)
    asked = ("-X", "OPTIONS", "-H", "Access-Control-Request-Method: POST")
    allowed = curl(url, *asked, "-H", "Origin: https://app.example")
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "https://app.example")
    other = curl(url, *asked, "-H", "Origin: https://evil.example")
    assert other.status == 401
    assert "access-control-allow-origin" not in other.headers
    assert len(model.seen) == before, "preflights are answered here"
    answer = curl(url, *bearer(token), *JSON, "-H", "Origin: https://app.example", "-d", "{}")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert model.of(answer.exchange).header("origin") is None
    refused = curl(url, "-H", "Origin: https://app.example")
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "https://app.example")
