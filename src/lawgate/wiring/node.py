"""One gateway process, from its configuration file to its last entry.

Rule 1: order of a start: configuration, store, recovery of what a crash left, the configuration's own
        entry, then listeners. Nothing is served before the past is closed and the present recorded.
Rule 2: order of a stop: listeners, exchanges, remaining counts, integrator, store.
Rule 3: a reload is validated whole, recorded, then swapped; if any of that fails the old one stays.
"""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from lawgate.config.load import load_config
from lawgate.config.settings import Config, IssuerSettings
from lawgate.console.control import control_app
from lawgate.console.serving import serving
from lawgate.domain.errors import CannotListenError, Code, ConfigurationError, LawgateError, Refusal
from lawgate.domain.fields import Fields
from lawgate.domain.ids import ExchangeId
from lawgate.gateway.drive import Node
from lawgate.gateway.headers import as_fields
from lawgate.gateway.housekeeping import keep_house
from lawgate.gateway.metrics import Metrics
from lawgate.gateway.recovery import recover
from lawgate.gateway.server import Server
from lawgate.gateway.tls import ServerTls, TlsListener
from lawgate.idp.oidc import OidcIssuer
from lawgate.kms.key_file import load_key_file
from lawgate.log.integrator import Integrator
from lawgate.mask.detectors import NAMES
from lawgate.operations.actor import current_actor
from lawgate.ports import EntryDraft, IndexRow, PartDraft, Recorder, RetentionClass
from lawgate.store.files import StorePaths
from lawgate.store.opening import Store, open_store
from lawgate.upstream.pool import UpstreamPool
from lawgate.wiring.assembling import assemble

log = logging.getLogger("lawgate")

IDS_AT_ONCE: Final = 256

CONFIGURATION_RETENTION: Final = RetentionClass(content_d=3650, evidence_d=3650)
"""A record points to the configuration in force, so that entry must outlive every record: ten years."""


class GatewayNode:
    """A running gateway. ``start`` it, ``wait`` for it, ``stop`` it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.metrics = Metrics()
        self._new_id = ExchangeIds()
        self.data_port = 0
        self.control_port = 0
        self._ready = False
        self._issuers: dict[IssuerSettings, OidcIssuer] = {}
        self._stopping = asyncio.Event()
        self._closing = contextlib.AsyncExitStack()
        self._reloads: asyncio.Task[None] | None = None
        self._reload_wanted = False
        self.node: Node
        self._store: Store
        self._pool: UpstreamPool
        self._integrator: Integrator
        self._tls: TlsListener | None = None

    # ---- start ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Serve when this returns. Raises ``LawgateError``; then nothing stays open."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def _start(self) -> None:
        config, enter = self.config, self._closing.enter_async_context
        self._store = store = await enter(_opened(config))
        recovered = await recover(store.recovery, store.recorder, time.time())
        if recovered:
            log.warning("a crash left exchanges without an outcome; it is recorded now", extra={"count": recovered})
        self._integrator = await enter(_integrating(store))
        self._pool = UpstreamPool(config.limits)
        self._closing.push_async_callback(self._pool.close)
        assembled = assemble(
            config,
            pool=self._pool,
            api_keys=store.api_keys,
            index_key=store.keys.index_key,
            issuers=self._issuers,
        )
        await record_configuration(store.recorder, config, "start")
        self.node = Node(
            in_force=assembled.in_force,
            identifier=assembled.identifier,
            recorder=store.recorder,
            metrics=self.metrics,
            clock=time.time,
            new_id=self._new_id,
        )
        self._prefetch = asyncio.ensure_future(assembled.identifier.prefetch(time.time()))
        self._closing.push_async_callback(self._close_issuers)
        await enter(_running(keep_house(self.node)))
        await self._listen()
        gc.collect()
        gc.freeze()  # what a start leaves is never garbage: 3 % less work for the collector
        self._ready = True

    async def _listen(self) -> None:
        config = self.config
        tls = config.listen.tls
        if tls is not None:
            required = tls.client_ca is not None
            self._tls = TlsListener(ServerTls(tls.certificate, tls.key, tls.client_ca, required))
        server = Server(self.node.handle, self._refuse, config.limits)
        data = config.listen.data
        self._closing.push_async_callback(server.close_gracefully)
        try:
            await server.start(data.host, data.port, tls=self._tls.context if self._tls else None)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "no such address"
            msg = f"cannot listen on {data.host}:{data.port} ({reason}); free the port or change listen.data"
            raise CannotListenError(msg) from None
        self.data_port = server.port
        app = control_app(self.missing, self.metrics.registry)
        control = config.listen.control
        self.control_port = await self._closing.enter_async_context(serving(app, control.host, control.port))

    def _refuse(self, code: Code, detail: str) -> tuple[Fields, bytes]:
        """A refusal before there is an exchange: counted, and shaped like any other."""
        refusal = Refusal(code, _sentence(detail), 5 if code is Code.OVERLOADED else None)
        self.node.floods.count(code)
        body, headers = self.node.in_force.fallback_wire.error(refusal, self._new_id())
        return as_fields(headers), body

    def missing(self) -> str | None:
        """What keeps this node from governing requests, in a word; ``None`` when nothing does."""
        if not self._ready or self._stopping.is_set():
            return "stopping" if self._stopping.is_set() else "starting"
        if self.node.recorder.healthy() is not None:
            return "evidence"
        return "integrator" if self._integrator.fault else None

    # ---- run --------------------------------------------------------------------------------

    async def serve_until_signalled(self) -> None:
        """Serve until SIGTERM or SIGINT; reload on SIGHUP."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        await self._stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """Let exchanges end, record what is left, close everything."""
        self._stopping.set()
        await self._closing.aclose()

    async def _close_issuers(self) -> None:
        self._prefetch.cancel()
        for source in self._issuers.values():
            await source.aclose()

    # ---- reload -----------------------------------------------------------------------------

    def _reload_soon(self) -> None:
        self._reload_wanted = True
        if self._reloads is None or self._reloads.done():
            self._reloads = asyncio.ensure_future(self._reload_while_wanted())

    async def _reload_while_wanted(self) -> None:
        """One reload after the other: a signal during one may be about a file that it has read already."""
        while self._reload_wanted:
            self._reload_wanted = False
            await self._reload_or_say_why()

    async def _reload_or_say_why(self) -> None:
        try:
            await self.reload()
        except LawgateError as error:
            self.metrics.reloads["refused"] += 1
            log.error("configuration not reloaded; the old one stays", extra={"reason": str(error)})  # noqa: TRY400
        else:
            self.metrics.reloads["accepted"] += 1
            log.info("configuration reloaded", extra={"digest": self.config.digest})

    async def reload(self) -> None:
        """Validate the file whole, record its digest, swap. Raises ``LawgateError``; then nothing changed."""
        fresh = read_configuration(self.config.path)
        if fresh.store != self.config.store or fresh.listen != self.config.listen:
            raise ConfigurationError("store and listen cannot change while serving; restart to change them")
        if fresh.limits != self.config.limits:
            raise ConfigurationError("limits cannot change while serving; restart to change them")
        assembled = assemble(
            fresh,
            pool=self._pool,
            api_keys=self._store.api_keys,
            index_key=self._store.keys.index_key,
            issuers=self._issuers,
        )
        if self._tls is not None:
            self._tls.check()
        await record_configuration(self._store.recorder, fresh, "reload")
        if self._tls is not None:
            self._tls.reload()
        self.config = fresh
        self.node.identifier = assembled.identifier
        self.node.in_force = assembled.in_force
        self._pool.retire(set(assembled.targets))
        logging.getLogger("lawgate").setLevel(fresh.log_level.upper())


def read_configuration(path: Path) -> Config:
    """The configuration in ``path``; raises ``InvalidConfigError`` with every problem."""
    return load_config(path, env=os.environ, detectors=NAMES)


async def record_configuration(recorder: Recorder, config: Config, occasion: str) -> None:
    """The configuration in force is itself an entry; records point to it by its digest."""
    meta = {
        "digest": config.digest,
        "policy": config.policy.digest,
        "occasion": occasion,
        "by": current_actor(os.environ).meta(),
        "configuration": config.public_view(),
    }
    part = PartDraft("meta", msgspec.json.encode(meta))
    index = IndexRow(outcome="accepted")
    await recorder.record(
        EntryDraft("config", int(time.time()), CONFIGURATION_RETENTION, (part,), index, {"digest": config.digest})
    )


class ExchangeIds:
    """Random ids, 128 bits each. Randomness comes in bulk: every call for it gives up the interpreter lock."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def __call__(self) -> ExchangeId:
        start = self._at
        if start == len(self._digits):
            self._digits, start = secrets.token_hex(16 * IDS_AT_ONCE), 0
        self._at = start + 32
        return ExchangeId(self._digits[start : self._at])


def _sentence(detail: str) -> str:
    text = detail[:1].upper() + detail[1:]
    return text if text.endswith(".") else f"{text}."


@contextlib.asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Store]:
    wrapper = load_key_file(config.store.kek_file)
    paths = StorePaths(config.store.evidence, config.store.keys)
    store = open_store(paths, wrapper=wrapper, node=config.store.node, loop=asyncio.get_running_loop())
    try:
        await store.start()
        yield store
    finally:
        await store.aclose()


@contextlib.asynccontextmanager
async def _integrating(store: Store) -> AsyncIterator[Integrator]:
    integrator = Integrator(store.log)
    loop = asyncio.get_running_loop()
    try:
        # The first round is part of the start: it refuses a log that is behind what it signed before.
        await loop.run_in_executor(None, integrator.run_once)
        integrator.start()
        yield integrator
    finally:
        await loop.run_in_executor(None, integrator.stop)


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
