"""Serves one application by itself until it is told to stop.

Rule 1: the socket listens before the line that says so, so whoever reads the line may connect.
Rule 2: SIGTERM and SIGINT end it with exit code 0; what is under way gets ``STOP_S`` to end.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from lawgate.console.serving import bound, settings

STOP_S: Final = 2
READY: Final = "listening on "
"""What the first line of output begins with; the address follows."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server; uvicorn would raise them again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


def serve(app_at: Callable[[str], ASGIApp], host: str, port: int) -> None:
    """Serve the application that ``app_at`` makes for its own address; port 0 lets the system choose.

    Raises ``CannotListenError`` if it cannot listen there.
    """
    listener = bound(host, port, "choose another --port")
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    server = _Server(settings(app_at(address), STOP_S))
    print(f"{READY}{address}", flush=True)
    uvloop.run(server.serve(sockets=[listener]))
