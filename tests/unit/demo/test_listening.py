"""The two servers of the demo as processes of their own."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

from lawgate.demo.listening import READY

DEMO = (sys.executable, "-m", "lawgate", "demo")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [*DEMO, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(READY), process.stderr and process.stderr.read()
            yield process, line.removeprefix(READY).strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_when_it_says_so_and_ends_when_told(number: signal.Signals) -> None:
    with running("model", "--port", "0") as (process, address):
        with urlopen(f"{address}/v1/models", timeout=10) as answer:
            assert json.load(answer)["data"][0]["id"] == "demo"
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_listens_on_loopback_unless_asked() -> None:
    with running("idp", "--port", "0") as (_, address), urlopen(f"{address}/jwks", timeout=10) as answer:
        assert address.startswith("http://127.0.0.1:")
        assert json.load(answer)["keys"]


def test_an_issuer_may_have_another_name_than_its_address() -> None:
    with (
        running("idp", "--port", "0", "--issuer", "http://demo-idp:9000") as (_, address),
        urlopen(f"{address}/.well-known/openid-configuration", timeout=10) as answer,
    ):
        assert json.load(answer)["issuer"] == "http://demo-idp:9000"


def test_a_port_in_use_is_one_line_and_not_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*DEMO, "model", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 5
    assert done.stderr.splitlines() == [
        f"lawgate: cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port"
    ]
