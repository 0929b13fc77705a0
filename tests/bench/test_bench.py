"""That the harness measures what it says: it runs with and without what may be absent, and sees what is wrong.

Rule: no number is judged here. A slow machine must not fail a test.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from tests.bench import bodies, nginx, streams
from tests.bench.__main__ import as_json
from tests.bench.children import ROOT, BenchError, python_server
from tests.bench.load import Generator, Target, ask
from tests.bench.machine import Cores, Machine, Tools, core_s, cpu_s, find_cores, find_tools, pinned, rss_kb
from tests.bench.rates import Delay, Rate
from tests.bench.report import as_markdown, as_text
from tests.bench.run import ALONE, Plan, Results, run
from tests.bench.sampling import shares
from tests.bench.stage import require_governed
from tests.bench.streams import Size

TINY = Plan(
    connections=4,
    request_rounds=1,
    request_round_s=0.1,
    delay_rounds=1,
    delay_round_s=0.1,
    stream_rounds=1,
    size=Size(streams=8, pieces=24, rate=60),
    idle_streams=8,
    at_once=(1, 4),
    entries_s=0.1,
    step_runs=2,
    step_calls=2,
    profile_s=0.1,
)
NOTHING = Tools(nginx=None, wrk=None, py_spy=None)
MACHINE = Machine("Linux", 2, pinned=True, python="3.11", proxy="nginx 1", load="wrk", sync_us=200.0, busy="0.1")


@pytest.fixture(scope="module")
def responder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with python_server("responder", ["tests.bench.responder"], tmp_path_factory.mktemp("bench"), None) as port:
        yield port


# ---- whole runs -----------------------------------------------------------------------------------


def test_every_part_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    wanted = ("memory", "delay", "requests", "streams", "profile", *ALONE)
    results = run(TINY, wanted, NOTHING, Cores(None, None), tmp_path)
    assert not results.faults
    assert [each.target for each in results.requests] == ["lawgate, token", "lawgate, API key"]
    assert all(each.requests_s > 0 and each.cpu_us > 0 and each.p50_ms <= each.p99_ms for each in results.requests)
    assert [each.target for each in results.delay] == ["direct", "lawgate, token"]
    assert [(each.target, each.streams, each.lost_events, each.broken_streams) for each in results.streams] == [
        ("lawgate", 8, 0, 0)
    ]
    assert results.memory is not None
    assert results.memory.idle_mb > 10
    assert [each.at_once for each in results.entries] == [1, 4]
    assert all(each.entries_s > 0 for each in results.entries)
    assert all(each.cpu_us > 0 for each in results.parts)
    assert len(results.parts) == 6
    for tool in ("nginx", "wrk", "py-spy", "pinned"):
        assert any(tool in note for note in results.notes)
    assert "Requests, 4 connections" in as_text(results)
    assert "| lawgate, token |" in as_markdown(results)
    assert json.loads(as_json(results))["streams"][0]["lost_events"] == 0


def test_what_is_installed_is_used(tmp_path: Path) -> None:
    tools = find_tools()
    results = run(TINY, ("delay", "streams"), tools, find_cores(), tmp_path)
    beside = ["nginx"] if tools.nginx else []
    assert [each.target for each in results.delay] == ["direct", *beside, "lawgate, token"]
    assert [each.target for each in results.streams] == [*beside, "lawgate"]
    assert not results.faults
    assert results.machine.load == ("wrk" if tools.wrk else "own generator")


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("--only=nonsense", 2)])
def test_the_command_line_is_that_of_a_folder(argument: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "tests/bench", argument],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code
    assert "--markdown" in done.stdout + done.stderr


def test_a_run_that_cannot_begin_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "tests/bench", "--only", "entries", "--folder", "no-such-folder"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("bench: failed: ")
    assert done.stderr.count("\n") == 1


# ---- it sees what is wrong ------------------------------------------------------------------------


def test_a_gateway_that_does_not_mask_is_not_measured(responder: int) -> None:
    bare = Target("bare", responder, "", None)
    with pytest.raises(BenchError, match="bare does not mask answers"):
        asyncio.run(require_governed(bare, bare, bare))


@pytest.mark.parametrize("wrk", [None, find_tools().wrk], ids=["own", "wrk"])
def test_an_answer_that_is_not_200_is_no_number(tmp_path: Path, wrk: str | None) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        generator = Generator(wrk, None, tmp_path, b"{}")
        target = Target("refusing", port, "", None)
        async with server:
            with pytest.raises(BenchError, match="refusing"):
                await asyncio.to_thread(lambda: asyncio.run(generator.run(target, 2, 0.1)))

    asyncio.run(main())


def test_an_upstream_that_ends_early_loses_events() -> None:
    whole = b"".join(map(bodies.event, range(20))) + bodies.last_events()
    assert _loss(whole, complete=True) == (0, True)
    without_one = whole.replace(bodies.event(3), b"", 1)
    assert _loss(without_one, complete=True) == (1, False)
    assert _loss(whole, complete=False) == (0, False)


def _loss(body: bytes, *, complete: bool) -> tuple[int, bool]:
    async def main() -> tuple[int, bool]:
        stream = streams._Stream(b"")
        stream.on_body(body)
        stream.complete = complete
        return streams._loss(stream, 20, masked=False)

    return asyncio.run(main())


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_events_are_counted_however_the_bytes_are_cut(cut: int) -> None:
    async def main() -> int:
        body = bodies.event(0) + bodies.event(1) + bodies.last_events()
        stream = streams._Stream(b"")
        for at in range(0, len(body), cut):
            stream.on_body(body[at : at + cut])
        return stream.events

    assert asyncio.run(main()) == 4


# ---- its parts ------------------------------------------------------------------------------------


def test_sizes_are_those_of_the_design() -> None:
    assert 1400 <= len(bodies.request_body()) <= 1600
    assert 950 <= len(bodies.whole_answer()) <= 1100
    assert not {b"'", b"$", b"\\"} & {bytes([byte]) for byte in bodies.whole_answer()}


def test_a_stream_says_what_its_events_say() -> None:
    stream = b"".join(map(bodies.event, range(30))) + bodies.last_events()
    events, said = bodies.said_in(stream)
    assert (events, said) == (32, bodies.stream_text(30, masked=False))
    assert bodies.STREAM_EMAIL in said
    assert bodies.STREAM_EMAIL not in bodies.stream_text(30, masked=True)


def test_our_upstream_answers_what_it_is_asked_for(responder: int) -> None:
    target = Target("responder", responder, "", None)
    assert uvloop.run(ask(target, bodies.request_body())) == bodies.whole_answer()
    assert bodies.content_of(uvloop.run(ask(target, bodies.request_body("seen")))) == "clear"
    assert bodies.content_of(uvloop.run(ask(target, b'{"model":"seen"}'))) == "masked"


def test_cpu_time_is_that_of_the_process() -> None:
    before, ours = time.process_time(), cpu_s(os.getpid())
    while time.process_time() < before + 0.1:
        pass
    assert 0.05 < cpu_s(os.getpid()) - ours < 5
    assert abs(cpu_s(os.getpid()) - time.process_time()) < 0.5
    assert rss_kb(os.getpid()) > 1000


def test_a_core_works_at_least_as_much_as_we_do() -> None:
    cores = find_cores()
    if cores.gateway is None:
        assert core_s(None) is None
        return
    with pinned(cores.gateway):
        before, ours = core_s(cores.gateway), time.process_time()
        while time.process_time() < ours + 0.1:
            pass
        after = core_s(cores.gateway)
    assert before is not None
    assert after is not None
    assert after - before > 0.05


def test_a_pin_ends_with_its_block() -> None:
    if not hasattr(os, "sched_getaffinity"):
        with pinned(None):
            return
    before = os.sched_getaffinity(0)
    core = min(before)
    with pinned(core):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


def test_an_nginx_that_does_not_start_says_why(tmp_path: Path) -> None:
    stand_in = tmp_path / "nginx"
    stand_in.write_text("#!/bin/sh\necho bind failed\nexit 1\n", encoding="utf-8")
    stand_in.chmod(0o755)
    with pytest.raises(BenchError, match="bind failed"), nginx.upstream(str(stand_in), tmp_path, None):
        pass


STACKS = """\
<module> (lawgate/__main__.py:5);run (uvloop/__init__.py:9) 10
<module> (lawgate/__main__.py:5);handle (lawgate/gateway/drive.py:7);dumps (json/__init__.py:1) 30
run (threading.py:3);_commit (lawgate/store/writer.py:7) 60
"""


def test_samples_belong_to_the_innermost_frame_of_ours() -> None:
    found = shares(STACKS)
    assert found.samples == 100
    assert [(each.name, each.share) for each in found.areas] == [("store", 0.6), ("gateway", 0.3), ("event loop", 0.1)]
    assert [each.name for each in found.functions] == ["store/writer: _commit", "gateway/drive: handle"]


@pytest.mark.parametrize(
    ("governed", "row"),
    [(4000, "| 0.20 | >= 0.10 | >= 0.25 | first |"), (1000, "0.05 | >= 0.10"), (6000, "0.30 | >= 0.10")],
)
def test_a_goal_that_is_missed_is_said_and_no_fault(governed: int, row: str) -> None:
    results = Results(MACHINE, TINY)
    results.requests = [
        Rate("nginx", 20_000, 16, 1.0, 0.0, 1, 3, 1000),
        Rate("lawgate, token", governed, 112, 1.0, None, 10, 30, 1000),
    ]
    results.delay = [Delay("direct", 0.1, 0.2), Delay("lawgate, token", 0.8, 2.0)]
    page = as_markdown(results)
    assert row in page
    assert "| CPU of a governed request, us | 112 | - | <= 112 | goal |" in page
    assert "| CPU of a governed request, times nginx | 7.0 | <= 10.0 | <= 4.0 | first |" in page
    assert "| added p50 at one connection, ms | 0.70 | <= 1.50 | <= 0.50 | first |" in page


def test_notes_and_faults_stand_below_the_tables() -> None:
    results = Results(MACHINE, TINY, notes=["no nginx"], faults=["lost"])
    assert as_text(results).endswith("note: no nginx\nFAULT: lost\n")
