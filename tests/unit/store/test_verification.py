from collections.abc import Callable
from pathlib import Path

import pytest

from lawgate.evidence.verify import Report
from lawgate.store.verification import verify_store
from tests.store_world import RETENTION, World, exchange_id, intent, make_world, outcome, record_exchanges


@pytest.fixture
async def filled(world: World) -> World:
    """300 entries of two nodes under a head, one of them a stream, and a tail of two more."""
    async with world.node("gw-1") as one, world.node("gw-2") as two:
        await record_exchanges(one, range(120))
        await record_exchanges(two, range(200, 229))
        recorded = await two.recorder.record(intent(300))
        windows = two.recorder.windows(exchange_id(300), RETENTION)
        for text in (b"one", b"two", b"three"):
            await windows.journal([("answer", text)])
        await two.recorder.record(outcome(300, recorded, windows))
        world.integrate()
        await record_exchanges(one, [400])
    return world


def verified(world: World, *, opening: bool = True) -> Report:
    if not opening:
        return verify_store(world.paths)
    with world.keys() as keys:
        return verify_store(world.paths, keys)


def failing(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.ok}


@pytest.mark.parametrize("opening", [True, False])
async def test_a_sound_store_passes_with_its_tail(filled: World, *, opening: bool) -> None:
    report = verified(filled, opening=opening)
    assert failing(report) == set()
    assert (report.entries, report.signed_size, report.open_intents) == (302, 300, 0)
    assert ("content" in {check.name for check in report.checks}) is opening


async def test_an_empty_store_passes(world: World) -> None:
    assert failing(verified(world)) == set()


WRONG_TYPES = """
    UPDATE entries SET ts = 'x', nseq = x'00', kind = 5, parts = 7, id = 7 WHERE idx = 10;
    UPDATE frames SET ciphertext = 5 WHERE number = 1
"""
SWAP = """
    UPDATE entries SET idx = CASE idx WHEN 4 THEN -4 ELSE -5 END WHERE idx IN (4, 5);
    UPDATE entries SET idx = CASE idx WHEN -4 THEN 5 ELSE 4 END WHERE idx < 0
"""
TAMPERINGS: dict[str, tuple[str, set[str]]] = {
    "a leaf replaced": (
        "UPDATE entries SET leaf = replace(leaf, 'intent', 'outcom') WHERE idx = 0",
        {"tree", "tiles", "bundles", "columns"},
    ),
    "a leaf replaced as bytes": (
        "UPDATE entries SET leaf = CAST(replace(leaf, 'intent', 'outcom') AS BLOB) WHERE idx = 0",
        {"tree", "tiles", "bundles", "columns"},
    ),
    "types that were never written": (
        WRONG_TYPES,
        {"columns", "parts", "content"},
    ),
    "a leaf spelled otherwise": (
        "UPDATE entries SET leaf = CAST(leaf || ' ' AS BLOB) WHERE idx = 20",
        {"canonical", "tree"},
    ),
    "an entry removed": ("DELETE FROM entries WHERE idx = 100", {"indexes", "tree", "chain"}),
    "the end removed": ("DELETE FROM entries WHERE idx >= 290", {"tree"}),
    "two entries swapped": (
        SWAP,
        {"tree"},
    ),
    "a column changed": ("UPDATE entries SET ts = ts + 1 WHERE idx = 7", {"columns"}),
    "another node's name": ("UPDATE entries SET node = 'gw-2' WHERE idx = 7", {"columns"}),
    "parts of another entry": (
        "UPDATE entries SET parts = (SELECT parts FROM entries WHERE idx = 9) WHERE idx = 7",
        {"parts", "content"},
    ),
    "parts damaged": ("UPDATE entries SET parts = x'c1' WHERE idx = 7", {"parts", "content"}),
    "parts emptied": ("UPDATE entries SET parts = x'90' WHERE idx = 7", {"parts"}),
    "a window removed": ("DELETE FROM frames WHERE number = 2", {"content"}),
    "a window replaced": (
        "UPDATE frames SET ciphertext = (SELECT ciphertext FROM frames WHERE number = 0) WHERE number = 1",
        {"content"},
    ),
    "a series removed": ("DELETE FROM series", {"content"}),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_every_tampering_with_the_index_is_found(filled: World, name: str) -> None:
    statements, expected = TAMPERINGS[name]
    filled.tamper(filled.paths.index, *statements.split(";"))
    assert expected <= failing(verified(filled))


def change_tile(world: World) -> None:
    path = world.paths.evidence / "tile/0/000"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


def change_edge(world: World) -> None:
    path = world.paths.evidence / "tile/0/001.p/44"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


def change_bundle(world: World) -> None:
    path = world.paths.evidence / "tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b"intent", b"outcom", 1))


def remove_bundle(world: World) -> None:
    (world.paths.evidence / "tile/entries/000").unlink()


def change_checkpoint(world: World) -> None:
    world.paths.checkpoint.write_bytes(world.paths.checkpoint.read_bytes().replace(b"\n300\n", b"\n299\n"))


def remove_checkpoint(world: World) -> None:
    world.paths.checkpoint.unlink()


def remove_pin(world: World) -> None:
    world.paths.pinned.unlink()


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (change_tile, "tiles"),
        (change_edge, "tiles"),
        (change_bundle, "bundles"),
        (remove_bundle, "bundles"),
        (change_checkpoint, "signature"),
        (remove_checkpoint, "signature"),
        (remove_pin, "signature"),
    ],
)
async def test_every_tampering_with_the_files_is_found(
    filled: World, tamper: Callable[[World], None], expected: str
) -> None:
    tamper(filled)
    assert expected in failing(verified(filled))


async def test_a_tampered_tail_is_found(filled: World) -> None:
    body = "UPDATE groups SET body = CAST(replace(body, 'intent', 'outcom') AS BLOB)"
    filled.tamper(filled.paths.journal("gw-1"), body)
    assert failing(verified(filled)) & {"chain", "outcomes"}


async def test_an_ancient_head_kept_elsewhere_shows_a_rewriting(filled: World, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other")
    assert failing(verify_store(filled.paths, None, [filled.paths.checkpoint.read_bytes()])) == set()
    assert failing(verify_store(filled.paths, None, [other.paths.checkpoint.read_bytes()])) == {"signature"}


async def test_destroyed_keys_are_not_a_failure(filled: World) -> None:
    with filled.reader() as reader, filled.keys() as keys:
        keys.destroy_owners([entry.row.owner for entry in reader.entries(limit=40)])
    report = verified(filled)
    assert failing(report) == set()
    content = next(check for check in report.checks if check.name == "content")
    assert "are destroyed" in content.detail
