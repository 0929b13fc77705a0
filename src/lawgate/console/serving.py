"""Serves an ASGI application beside the data plane, on the same loop.

Rule 1: signals belong to the node, not to this server.
Rule 2: a client that takes no answer cannot hold up a stop.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from lawgate.domain.errors import CannotListenError

STOP_S: Final = 5
"""Whole seconds that a stop grants to answers in progress."""


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int, *, stop_s: int = STOP_S) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port. Raises ``CannotListenError``."""
    listener = bound(host, port)
    server = _QuietServer(settings(app, stop_s))
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


def settings(app: ASGIApp, stop_s: int) -> uvicorn.Config:
    """Serve quietly: our own log lines only, no server's name, and a stop that ends."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=stop_s,
    )


def bound(host: str, port: int, mend: str = "free the port or change listen.control") -> socket.socket:
    """A listening socket. Raises ``ConfigurationError`` that names the address and the mend."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "no such address"
        msg = f"cannot listen on {host}:{port} ({reason}); {mend}"
        raise CannotListenError(msg) from None
