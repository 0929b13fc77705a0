"""nginx as the measure: a pass-through proxy on the gateway's core, and the fastest upstream on the other.

Rule 1: one process each (no master), so that its CPU time is all there is.
Rule 2: kept connections on both sides, no access log, no buffering of streams: what a careful
        administrator would set for inference.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Final

from tests.bench.bodies import whole_answer
from tests.bench.children import BenchError, Child, free_port

TRIES: Final = 3

_CONF: Final = Template("""\
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 8192;
error_log error.log; pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
$inside
}
""")
_UPSTREAM: Final = Template("""\
  server { listen 127.0.0.1:$port backlog=1024; default_type application/json; location / { return 200 '$answer'; } }
""")
_PASS_THROUGH: Final = Template("""\
  upstream whole { server 127.0.0.1:$whole; keepalive 256; keepalive_requests 100000000; }
  upstream events { server 127.0.0.1:$events; keepalive 512; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:$port backlog=1024; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_read_timeout 300s;
    location /chat/ { proxy_pass http://whole; }
    location /stream/ { proxy_pass http://events; proxy_buffering off; }
  }
""")


@contextlib.contextmanager
def upstream(nginx: str, folder: Path, core: int | None) -> Iterator[int]:
    """Answers everything with the same completion; gives its port."""
    with _running(nginx, folder / "nginx-upstream", _UPSTREAM, core, answer=whole_answer().decode()) as (port, _):
        yield port


@contextlib.contextmanager
def pass_through(nginx: str, folder: Path, core: int | None, whole: int, events: int) -> Iterator[tuple[int, int]]:
    """Passes ``/chat/`` and ``/stream/`` to the upstreams at these ports; gives its port and process id."""
    with _running(nginx, folder / "nginx-proxy", _PASS_THROUGH, core, whole=whole, events=events) as running:
        yield running


@contextlib.contextmanager
def _running(
    nginx: str, folder: Path, inside: Template, core: int | None, **values: object
) -> Iterator[tuple[int, int]]:
    folder.mkdir()
    child, port = _start(nginx, folder, inside, core, values)
    try:
        yield port, child.pid
    finally:
        child.stop()


def _start(
    nginx: str, folder: Path, inside: Template, core: int | None, values: dict[str, object]
) -> tuple[Child, int]:
    """nginx cannot let the system choose a port, so another process may be faster: then try again."""
    why: BenchError | None = None
    for _ in range(TRIES):
        port = free_port()
        conf = _CONF.substitute(inside=inside.substitute(values, port=port))
        (folder / "nginx.conf").write_text(conf, encoding="utf-8")
        command = [nginx, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]
        child = Child(folder.name, command, folder / "output.log", core)
        try:
            child.wait_accepting(port)
        except BenchError as error:
            child.stop()
            why = error
        else:
            return child, port
    raise why or BenchError("nginx did not start")
