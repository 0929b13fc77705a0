"""A store that a landed version wrote opens with this one, and says what it said then.

Each format has its archive, written by ``tests/fixtures/make_store.py`` at the time; none is ever
rewritten.
"""

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lawgate.gateway.recovery import recover
from lawgate.kms.key_file import load_key_file
from lawgate.log.integrator import Integrator
from lawgate.ports import KeyWrapper
from lawgate.store import StorePaths, StoreReader, open_keys, open_store, verify_store

ARCHIVES = sorted((Path(__file__).parent / "fixtures").glob("store-format-*.zip"))
LATER = 1_800_000_000


def _unpacked(archive: Path, folder: Path) -> StorePaths:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return StorePaths(folder / "evidence", folder / "keys")


async def _serve_once(paths: StorePaths, wrapper: KeyWrapper) -> int:
    """What a start of the node does: integrate, recover, integrate, stop."""
    store = open_store(paths, wrapper=wrapper, node="gw-2", loop=asyncio.get_running_loop())
    integrator = Integrator(store.log)
    try:
        await store.start()
        integrator.run_once()
        recovered = await recover(store.recovery, store.recorder, LATER)
        integrator.run_once()
    finally:
        integrator.stop()
        await store.aclose()
    return recovered


def _said(reader: StoreReader, expected: dict[str, Any]) -> dict[str, str]:
    (entry,) = [
        each
        for each in reader.exchange(expected["exchange"])
        if each.row.kind == expected["kind"] and each.node == expected["node"]
    ]
    parts = reader.open_parts(entry)
    return {label: (part.plaintext or b"").decode() for label, part in parts.items()}


def test_there_is_an_archive_of_the_first_format() -> None:
    assert [path.name for path in ARCHIVES][:1] == ["store-format-1.zip"]


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
async def test_an_older_store_opens_recovers_and_verifies(archive: Path, tmp_path: Path) -> None:
    paths = _unpacked(archive, tmp_path)
    expected = json.loads((tmp_path / "expected.json").read_text(encoding="utf-8"))
    wrapper = load_key_file(tmp_path / "kek.key")
    assert await _serve_once(paths, wrapper) == len(expected["open"])
    keys = open_keys(paths, wrapper)
    reader = StoreReader(paths, keys)
    try:
        assert reader.origin == expected["origin"]
        for entry in expected["entries"]:
            if entry["exchange"] is not None:
                assert _said(reader, entry) == entry["parts"]
        report = verify_store(paths, keys)
        assert report.ok, [check for check in report.checks if not check.ok]
    finally:
        reader.close()
        keys.close()
