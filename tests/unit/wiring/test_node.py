"""A whole node in this process: a real store, real listeners on ports of the system's choice."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lawgate.domain.errors import (
    CannotListenError,
    ConfigurationError,
    EvidenceError,
    LawgateError,
    StoreUnavailableError,
)
from lawgate.kms.key_file import load_key_file
from lawgate.operations.initialise import initialise
from lawgate.operations.place import Place, find_place
from lawgate.store.opening import open_keys
from lawgate.store.reader import StoreReader
from lawgate.wiring.node import IDS_AT_ONCE, ExchangeIds, GatewayNode, read_configuration
from tests.gateway_process import PREAMBLE
from tests.simulator import Fault, MemoryRecorder
from tests.unit.config.files import VALID, spoiled

WAIT_S = 20.0
TEXT = PREAMBLE + VALID.partition("name: Northwind, contact: privacy@northwind.example}\n")[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lawgate.yaml"
    path.write_text(TEXT, encoding="utf-8")
    initialise(path, if_missing=True)
    return path


def write(config: Path, text: str) -> None:
    config.write_text(text, encoding="utf-8")


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[GatewayNode]:
    node = GatewayNode(read_configuration(config))
    async with asyncio.timeout(WAIT_S):
        await node.start()
    try:
        yield node
    finally:
        async with asyncio.timeout(WAIT_S):
            await node.stop()


def entries(place: Place, kind: str) -> list[dict[str, object]]:
    """The sealed facts of every entry of a kind, oldest first."""
    keys = open_keys(place.paths, load_key_file(place.kek_file))
    reader = StoreReader(place.paths, keys)
    try:
        found = [entry for entry in reader.entries(newest_first=False) if entry.row.kind == kind]
        return [json.loads(reader.open_parts(entry)["meta"].plaintext or b"{}") for entry in found]
    finally:
        reader.close()
        keys.close()


async def test_it_serves_and_says_that_it_does(config: Path) -> None:
    async with running(config) as node, httpx.AsyncClient() as client:
        ready = await client.get(f"http://127.0.0.1:{node.control_port}/readyz")
        refused = await client.post(f"http://127.0.0.1:{node.data_port}/llm/v1/x", json={})
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "missing": None})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "credential_missing")


async def test_a_stop_closes_both_ports_and_records_what_was_counted(config: Path) -> None:
    async with running(config) as node, httpx.AsyncClient() as client:
        ports = (node.data_port, node.control_port)
        await client.post(f"http://127.0.0.1:{node.data_port}/llm/v1/x", json={})
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
    reader = StoreReader(find_place(config).paths)
    try:
        kinds = [entry.row.kind for entry in reader.entries(newest_first=False)]
    finally:
        reader.close()
    assert kinds == ["config", "refusals"]


async def test_it_says_what_is_missing_in_a_word(config: Path) -> None:
    fresh = GatewayNode(read_configuration(config))
    assert fresh.missing() == "starting"
    async with running(config) as node:
        assert node.missing() is None
        node._integrator.fault = "evidence.db was rolled back"
        assert node.missing() == "integrator"
        node.node.recorder._fault = "the disk is full"  # type: ignore[attr-defined]  # the store's own word for it
        assert node.missing() == "evidence"
    assert node.missing() == "stopping"


# ---- starts that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["data", "control"])
async def test_a_port_in_use_ends_the_start_and_leaves_nothing_open(config: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write(config, TEXT.replace(f"{which}: 127.0.0.1:0", f"{which}: 127.0.0.1:{port}"))
        with pytest.raises(CannotListenError, match=rf"127\.0\.0\.1:{port}.*listen\.{which}"):
            await GatewayNode(read_configuration(config)).start()
    await starts_again(config)


async def test_a_log_behind_what_was_signed_ends_the_start_and_leaves_nothing_open(config: Path) -> None:
    async with running(config):
        pass
    pinned = find_place(config).paths.pinned
    kept = pinned.read_bytes()
    pinned.unlink()
    with pytest.raises(EvidenceError, match="pinned-checkpoint is missing"):
        await GatewayNode(read_configuration(config)).start()
    pinned.write_bytes(kept)
    await starts_again(config)


async def test_a_key_file_that_is_not_there_ends_the_start(config: Path) -> None:
    key_file = find_place(config).kek_file
    kept = key_file.read_bytes()
    key_file.unlink()
    with pytest.raises(LawgateError, match=key_file.name):
        await GatewayNode(read_configuration(config)).start()
    key_file.write_bytes(kept)
    key_file.chmod(0o600)
    await starts_again(config)


def failing_recorder() -> MemoryRecorder:
    recorder = MemoryRecorder(lambda *_step: None)
    recorder.faults["config"] = Fault.LOST
    return recorder


async def starts_again(config: Path) -> None:
    """Nothing of the failed start holds the store, its lock or a port; and it integrates."""
    write(config, TEXT)
    async with running(config) as node:
        assert node.missing() is None
        assert node._integrator.size >= 0, "the lock of the failed start was not given back"


# ---- reloads --------------------------------------------------------------------------------------


async def test_a_good_reload_is_recorded_and_in_force(config: Path) -> None:
    async with running(config) as node:
        before = node.node.in_force
        write(config, TEXT.replace("Answer customers", "Answer them"))
        await node.reload()
        assert node.node.in_force is not before
        assert node.node.in_force.digest == node.config.digest != before.digest
    (start, reload) = entries(find_place(config), "config")
    assert (start["occasion"], reload["occasion"]) == ("start", "reload")
    assert (start["digest"], reload["digest"]) == (before.digest, node.config.digest)


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nnonsense",
        "\t",
        TEXT.replace("groups: [support]", "groups: support, and others"),
        TEXT.replace("127.0.0.1:0, control", "127.0.0.1:1, control"),
        TEXT + "limits: {exchanges_max: 7}\n",
    ],
)
async def test_a_bad_reload_changes_nothing(config: Path, text: str) -> None:
    place = find_place(config)
    async with running(config) as node:
        before = (node.node.in_force, node.node.identifier, node.config)
        write(config, text)
        with pytest.raises(ConfigurationError):
            await node.reload()
        assert (node.node.in_force, node.node.identifier, node.config) == before
    assert len(entries(place, "config")) == 1


async def test_a_reload_that_cannot_be_recorded_changes_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(config) as node:
        before = (node.node.in_force, node.node.identifier, node.config)
        write(config, spoiled("Answer customers", "Answer", TEXT))
        with monkeypatch.context() as patched:
            patched.setattr(node._store, "recorder", failing_recorder())
            with pytest.raises(StoreUnavailableError):
                await node.reload()
        assert (node.node.in_force, node.node.identifier, node.config) == before


async def test_a_hang_up_during_a_reload_is_not_lost(config: Path) -> None:
    """What was written to the file after the first reload had read it must be in force in the end."""
    async with running(config) as node:
        write(config, spoiled("Answer customers", "First", TEXT))
        node._reload_soon()
        await asyncio.sleep(0)  # it has read the file, and waits for its entry
        write(config, spoiled("Answer customers", "Second", TEXT))
        node._reload_soon()
        async with asyncio.timeout(WAIT_S):
            assert node._reloads is not None
            await node._reloads
        assert node.config.purposes["answer"].title == "Second"
        assert node.metrics.reloads == {"accepted": 2, "refused": 0}


async def test_a_reload_that_fails_is_counted_and_serving_goes_on(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(config) as node:
        write(config, "")
        node._reload_soon()
        assert node._reloads is not None
        await node._reloads
        assert node.metrics.reloads == {"accepted": 0, "refused": 1}
        assert node.missing() is None
    assert "configuration not reloaded; the old one stays" in caplog.messages


async def test_a_signal_stops_it(config: Path) -> None:
    node = GatewayNode(read_configuration(config))
    await node.start()
    serving = asyncio.ensure_future(node.serve_until_signalled())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(WAIT_S):
        await serving
    assert node.missing() == "stopping"


def test_exchange_ids_are_never_the_same_and_fit_a_header() -> None:
    """Also where one supply of random digits ends and the next begins."""
    new_id = ExchangeIds()
    made = [new_id() for _ in range(3 * IDS_AT_ONCE + 1)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)
