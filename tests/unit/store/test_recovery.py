import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lawgate.evidence.merkle import leaf_hash
from tests.store_world import NOW, RETENTION, World, exchange_id, intent, outcome


async def interrupted_stream(world: World) -> str:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        windows = store.recorder.windows(exchange_id(1), RETENTION)
        await windows.journal([("answer", b"one;")])
        await windows.journal([("answer", b"two;"), ("answer-originals", b"[]")])
        return recorded.id


@pytest.mark.parametrize("integrated", [False, True], ids=["tail", "integrated"])
async def test_an_interrupted_stream_is_handed_back_and_committed_to(world: World, *, integrated: bool) -> None:
    intent_id = await interrupted_stream(world)
    if integrated:
        world.integrate()
    async with world.node() as store:
        (found,) = store.recovery.open_exchanges()
        assert (found.exchange, found.intent, found.state) == (exchange_id(1), intent_id, "intent_recorded")
        assert found.retention == RETENTION
        assert (found.index.connection, found.index.purpose, found.index.principal) == ("gpt", "support", None)
        assert found.windows is not None
        await found.windows.journal([("answer", b"more;")])
        await store.recorder.record(outcome(1, found.intent, found.windows))
        assert store.recovery.open_exchanges() == []
    with world.reader() as reader:
        entries = reader.exchange(exchange_id(1))
        parts = reader.open_parts(entries[1])
    assert parts["answer"].plaintext == b"one;two;more;"
    assert parts["answer-originals"].plaintext == b"[]"
    assert entries[0].row.owner == entries[1].row.owner


async def test_a_recovered_outcome_is_found_by_the_names_its_intent_had(world: World) -> None:
    await interrupted_stream(world)
    async with world.node() as store:
        (found,) = store.recovery.open_exchanges()
        draft = outcome(1, found.intent, found.windows)
        nameless = type(draft)(
            draft.kind, draft.ts, draft.retention, draft.parts, found.index, draft.public, draft.windows
        )
        await store.recorder.record(nameless)
    with world.reader() as reader:
        rows = [entry.row for entry in reader.exchange(exchange_id(1))]
    assert rows[0].principal == rows[1].principal is not None
    assert rows[0].subject == rows[1].subject is not None


async def test_finished_exchanges_and_those_of_other_nodes_are_left_alone(world: World) -> None:
    async with world.node("gw-1") as store:
        recorded = await store.recorder.record(intent(1))
        await store.recorder.record(outcome(1, recorded))
        await store.recorder.record(intent(2))
    async with world.node("gw-2") as other:
        assert other.recovery.open_exchanges() == []
    world.integrate()
    async with world.node("gw-1") as store:
        assert [found.exchange for found in store.recovery.open_exchanges()] == [exchange_id(2)]


async def test_an_outcome_in_the_tail_closes_an_integrated_intent(world: World) -> None:
    async with world.node() as store:
        recorded = await store.recorder.record(intent(1))
        world.integrate()
        await store.recorder.record(outcome(1, recorded))
    async with world.node() as store:
        assert store.recovery.open_exchanges() == []


async def test_open_exchanges_come_oldest_first(world: World) -> None:
    async with world.node() as store:
        for number, ts in ((3, NOW + 5), (1, NOW + 1), (2, NOW + 9)):
            await store.recorder.record(intent(number, ts))
    world.integrate()
    async with world.node() as store:
        found = [exchange.exchange for exchange in store.recovery.open_exchanges()]
    assert found == [exchange_id(1), exchange_id(3), exchange_id(2)]


async def test_after_destroyed_keys_the_exchange_is_open_without_its_windows(world: World) -> None:
    await interrupted_stream(world)
    with world.reader() as reader, world.keys() as keys:
        keys.destroy_owners([entry.row.owner for entry in reader.entries()])
    async with world.node() as store:
        (found,) = store.recovery.open_exchanges()
        assert found.windows is None
        await store.recorder.record(outcome(1, found.intent))


async def test_a_damaged_window_leaves_the_readable_beginning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await interrupted_stream(world)
    world.integrate()
    world.tamper(world.paths.index, "UPDATE frames SET ciphertext = zeroblob(300) WHERE number = 1")
    async with world.node() as store:
        with caplog.at_level(logging.ERROR):
            (found,) = store.recovery.open_exchanges()
        assert "cannot all be opened" in caplog.text
        assert found.windows is not None
        await store.recorder.record(outcome(1, found.intent, found.windows))
    with world.reader() as reader:
        assert reader.open_parts(reader.exchange(exchange_id(1))[1])["answer"].plaintext == b"one;"


DYING = """
import asyncio, os, sys
from pathlib import Path
from lawgate.kms.key_file import KeyFile
from lawgate.store.files import StorePaths
from tests.store_world import World, intent

async def main():
    folder = Path(sys.argv[1])
    world = World(StorePaths(folder / "evidence", folder / "keys"), KeyFile("kek-test", bytes(range(32))))
    async with world.node("gw-9") as store:
        for number in range(5):
            recorded = await store.recorder.record(intent(number))
            print(recorded.leaf_hash.hex(), flush=True)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_a_killed_process_leaves_what_it_acknowledged(world: World, tmp_path: Path) -> None:
    command = [sys.executable, "-c", DYING, str(tmp_path)]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = await asyncio.to_thread(
        subprocess.run, command, env=os.environ | paths, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == -9, run.stderr
    acknowledged = run.stdout.split()
    async with world.node("gw-9") as store:
        assert len(store.recovery.open_exchanges()) == 5
        later = await store.recorder.record(intent(9))
    with world.reader() as reader:
        hashes = [leaf_hash(entry.row.leaf).hex() for entry in reader.entries(newest_first=False)]
    assert (hashes[:5], later.nseq) == (acknowledged, 5)
