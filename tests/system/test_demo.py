"""``lawgate demo`` as a newcomer meets it: the story, its transcript in the README, and how it ends."""

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from lawgate.demo import replies
from lawgate.demo.page import WIDTH
from lawgate.demo.story import CLIENTS_DATA
from tests.transcripts.demo import DEMO, END_S, environment, run_once
from tests.transcripts.readme import README, block
from tests.transcripts.stable import stable

CPU_S_MAX: Final = 10
"""The issue's ten seconds, as CPU time of the whole tree, so that a busy machine changes nothing."""
LINE_S_MAX: Final = 30


@pytest.fixture(scope="module")
def once() -> Iterator[tuple["subprocess.CompletedProcess[str]", float]]:
    """One run of the story, and the CPU seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_s()
        done = run_once(Path(folder))
        yield done, cpu_s() - before
        assert list(Path(folder).iterdir()) == [], "nothing is left where it was started"


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def part(output: str, number: int) -> str:
    """One numbered part of the story, its lines joined."""
    found = re.search(rf"^{number}  .*?(?=^\d  |\Z|^All )", output, re.MULTILINE | re.DOTALL)
    assert found is not None, output
    return " ".join(found[0].split())


# ---- the story --------------------------------------------------------------------------------


def test_every_step_happens(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    done, _ = once
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.search(r"^All \d\d checks hold", done.stdout, re.MULTILINE)


def test_it_shows_what_each_side_saw(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    output = once[0].stdout
    sent, _, rest = part(output, 1).partition("model saw")
    saw, _, rest = rest.partition("model said")
    said, _, got = rest.partition("client got")
    assert [value for value in CLIENTS_DATA if value not in sent] == []
    assert [value for value in CLIENTS_DATA if value in saw + said + got] == []
    assert [mask for mask in ("<EMAIL>", "<PHONE>", "<IBAN>", "[REDACTED]") if mask not in saw] == []
    assert replies.EMAIL in said
    assert replies.EMAIL not in got


def test_it_shows_a_stream_a_refusal_and_a_record(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    output = once[0].stdout
    streamed, refused, recorded = (part(output, number) for number in (2, 3, 4))
    assert streamed.count("|") > 5
    assert streamed.count("[REDACTED]") == 2
    assert "403 purpose_none" in refused
    for said in ("answer-customers", "support-desk", "6-1-b", "EMAIL", "PAYMENT_CARD"):
        assert said in recorded, said


def test_it_shows_that_a_changed_byte_is_found(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    intact, _, changed = part(once[0].stdout, 5).partition("changed entry")
    assert "lawgate verify" in intact
    assert "lawgate verify" in changed
    assert intact.rpartition("lawgate verify")[2] != changed.rpartition("lawgate verify")[2]


def test_it_fits_a_page(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    lines = once[0].stdout.splitlines()
    assert max(map(len, lines)) <= WIDTH + 2
    assert len(lines) <= 120
    assert "\x1b" not in once[0].stdout, "colours are for terminals"


def test_it_takes_less_than_ten_seconds(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    assert once[1] < CPU_S_MAX


def test_the_readme_shows_what_it_prints(once: tuple["subprocess.CompletedProcess[str]", float]) -> None:
    transcript = block("demo", README.read_text(encoding="utf-8"))
    assert transcript == stable(once[0].stdout).rstrip() + "\n", "run: python -m tests.transcripts.update"


# ---- staying up, and how it ends ----------------------------------------------------------------


class Running:
    """A demo that was started without ``--once``."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.output = ""

    def read_until(self, wanted: str) -> None:
        assert self.process.stdout is not None
        while wanted not in self.output:
            ready, _, _ = select.select([self.process.stdout], [], [], LINE_S_MAX)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert data, f"{wanted!r} did not come: {self.output}"
            self.output += data.decode()

    def ports(self) -> list[int]:
        found = {urlsplit(address).port for address in re.findall(r"http://127\.0\.0\.1:\d+", self.output)}
        return sorted(port for port in found if port is not None)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    process = subprocess.Popen(
        DEMO, env=environment(TMPDIR=str(folder)), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(END_S)


def require_gone(demo: Running, folder: Path) -> None:
    """No process of the demo serves any more, and its folder is gone."""
    assert len(demo.ports()) == 3
    for port in demo.ports():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} is still served"
    assert list(folder.iterdir()) == []


def test_the_curl_line_works_until_ctrl_c(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.read_until("Ctrl-C stops")
        (line,) = [line for line in demo.output.splitlines() if line.startswith("curl ")]
        answer = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=END_S, check=True)
        content = json.loads(answer.stdout)["choices"][0]["message"]["content"]
        assert (
            content
            == "You wrote: Please write to <EMAIL> about her refund. I will tell [REDACTED] and pay to [REDACTED]."
        )
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(END_S) == 0
        require_gone(demo, tmp_path)


def test_the_requests_of_the_page_on_containers_work(tmp_path: Path) -> None:
    """Its shell lines as they stand, but for the ports: the services there are those of the demo."""
    page = (README.parent / "docs" / "containers.md").read_text(encoding="utf-8")
    (lines,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "curl" in block]
    with running(tmp_path) as demo:
        demo.read_until("Ctrl-C stops")
        identity, _, gateway = re.findall(r"^ +(?:identity|model|gateway) +http://(\S+)", demo.output, re.MULTILINE)
        lines = lines.replace("127.0.0.1:9000", identity).replace("127.0.0.1:8443", gateway)
        done = subprocess.run(
            ["sh", "-eu", "-c", lines], capture_output=True, text=True, timeout=END_S, check=True, env=environment()
        )
        assert "<EMAIL>" in json.loads(done.stdout)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        demo.read_until("gateway ")
        demo.process.send_signal(number)
        assert demo.process.wait(END_S) == 130
        require_gone(demo, tmp_path)


def test_a_step_that_cannot_happen_is_exit_code_1_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """No file may grow beyond 4 kB: the store cannot be made."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *DEMO, "--once"],
        env=environment(TMPDIR=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("\nThe demo failed. ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
