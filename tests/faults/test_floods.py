"""A flood of requests without a caller must not fill the log: one entry per cause (law 3)."""

import socket
from collections import Counter
from pathlib import Path

from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import Libraries, World
from tests.faults.raw_client import chat, post, read_answer
from tests.faults.records import entries

FLOOD = 1000
BAD = b"GET /m/a HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"


def test_a_thousand_strangers_leave_three_entries(
    tmp_path: Path, upstream: FaultUpstream, libraries: Libraries
) -> None:
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    gateway = world.gateway
    body = chat("answer")
    paths = ("/m/v1/chat/completions", "/nothing/here")
    wanted: Counter[str] = Counter()
    seen_before = len(upstream.seen)
    with gateway:
        before = len(entries(gateway))
        connection = socket.create_connection(("127.0.0.1", gateway.data_port), 20)
        for number in range(FLOOD):
            credential, code = ((None, "credential_missing"), ("nonsense", "credential_invalid"))[number % 2]
            connection.sendall(post(paths[number // 2 % 2], body, credential))
            received = read_answer(connection)
            assert (received.status, received.code) == (401, code)
            wanted[code] += 1
            if received.headers.get("connection") == "close":
                connection.close()
                connection = socket.create_connection(("127.0.0.1", gateway.data_port), 20)
        connection.close()
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", gateway.data_port), 20) as stranger:
                stranger.sendall(BAD)
                assert read_answer(stranger).status == 400
            wanted["bad_request"] += 1
        assert len(entries(gateway)) - before <= len(wanted), "no entry for each stranger"
    found = entries(gateway, kind="refusals")
    counted: Counter[str] = Counter()
    for entry in found:
        counted[str(entry.public["code"])] += int(entry.public["n"])
        assert entry.parts == {}, "nothing of a stranger is kept"
    assert counted == wanted
    assert len(found) <= 2 * len(wanted), "one entry per cause and minute"
    assert len(upstream.seen) == seen_before
