"""Copying a store and changing a byte in the copy, on a real store."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lawgate.demo.tampering import CHECKPOINT, INDEX, change_one_byte, copy_store, is_settled, open_for_reading
from lawgate.store.schema import EVIDENCE

LEAF = b'{"id":"x","t":"intent","ts":%d,"v":1}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the demo's, with one intent in an index of the real format."""
    folder = tmp_path / "demo"
    for name in ("keys", "evidence/journal"):
        (folder / name).mkdir(parents=True)
    (folder / "lawgate.yaml").write_text("version: 1\n")
    (folder / "keys" / "kek.json").write_text("{}")
    (folder / "keys" / "kek.json").chmod(0o600)
    (folder / "evidence" / "integrator.lock").touch()
    with closing(sqlite3.connect(folder / INDEX)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(EVIDENCE.scripts[0])
    insert(folder, "first", 1_800_000_009)
    return folder


def insert(folder: Path, exchange: str, ts: int) -> None:
    values = (exchange, ts, exchange, LEAF % ts)
    with closing(sqlite3.connect(folder / INDEX)) as database, database:
        database.execute(
            "INSERT INTO entries(id, node, nseq, kind, ts, owner, exchange, leaf, parts) "
            "VALUES (?, 'n', 0, 'intent', ?, 0, ?, ?, '')",
            values,
        )


def leaves(folder: Path) -> list[bytes]:
    with closing(open_for_reading(folder / INDEX)) as database:
        return [leaf for (leaf,) in database.execute("SELECT leaf FROM entries ORDER BY idx")]


def test_a_copy_holds_what_the_writer_has_not_checkpointed(folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(folder / INDEX)) as writer:
        writer.execute("SELECT 1 FROM entries").fetchall()
        insert(folder, "second", 1_800_000_010)
        copy_store(folder, tmp_path / "copy")
    assert leaves(tmp_path / "copy") == leaves(folder)
    assert len(leaves(folder)) == 2


def test_a_copy_keeps_modes_and_leaves_locks_behind(folder: Path, tmp_path: Path) -> None:
    copy_store(folder, tmp_path / "copy")
    names = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert names == {"lawgate.yaml", "keys/kek.json", "evidence/evidence.db"}
    assert (tmp_path / "copy/keys/kek.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("ts", "before", "after"), [(1_800_000_009, "9", "0"), (1_800_000_000, "0", "1")])
def test_exactly_one_byte_of_one_entry_changes(folder: Path, ts: int, before: str, after: str) -> None:
    insert(folder, "second", ts)
    first, second = leaves(folder)
    change = change_one_byte(folder, "second")
    unchanged, changed = leaves(folder)
    assert unchanged == first
    assert [(was, now) for was, now in zip(second, changed, strict=True) if was != now] == [(ord(before), ord(after))]
    assert (change.before, change.after) == (f'"ts":{ts}', f'"ts":{ts // 10}{after}')


@pytest.mark.parametrize(
    ("exchange", "entries", "signed", "settled"),
    [("first", 1, 2, True), ("first", 1, 1, False), ("first", 2, 2, False), ("third", 1, 2, False)],
)
def test_a_log_is_settled_when_all_of_it_is_signed(
    folder: Path, exchange: str, entries: int, signed: int, *, settled: bool
) -> None:
    insert(folder, "second", 1_800_000_010)
    (folder / CHECKPOINT).write_text(f"log.example\n{signed}\nroot\n\n— log.example signature\n", encoding="utf-8")
    assert is_settled(folder, exchange, entries) is settled


def test_the_original_cannot_be_changed_through_a_reader(folder: Path) -> None:
    with closing(open_for_reading(folder / INDEX)) as database, pytest.raises(sqlite3.OperationalError):
        database.execute("DELETE FROM entries")
