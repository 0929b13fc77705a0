"""What somebody with access to the files could do: copy the store and change a byte in the copy.

Rule 1: databases are copied by SQLite itself, since the gateway goes on writing; everything else as files.
Rule 2: heads are copied before the entries that they sign, and journals before the index that their
        entries go to, so that a copy made while the gateway runs lacks nothing.
Rule 3: the change goes past Lawgate, by SQL.
"""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INDEX: Final = Path("evidence", "evidence.db")
CHECKPOINT: Final = Path("evidence", "checkpoint")
_TIME: Final = re.compile(rb'"ts":\d+')
_INTENT: Final = "SELECT idx, leaf FROM entries WHERE exchange = ? AND kind = 'intent'"


@dataclass(frozen=True, slots=True)
class Change:
    """One byte of one entry, and the words around it before and after."""

    index: int
    before: str
    after: str


def copy_store(folder: Path, copy: Path) -> None:
    """Copy configuration, evidence and keys, while the gateway runs."""
    copy.mkdir(mode=0o700)
    shutil.copy2(folder / "lawgate.yaml", copy)
    for name in ("keys", "evidence"):
        source = folder / name
        files = sorted((path for path in source.rglob("*") if path.is_file()), key=_order)
        for path in files:
            target = copy / path.relative_to(folder)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy(path, target)


def _order(path: Path) -> tuple[bool, bool, Path]:
    """Files, then journals, then the index (Rule 2)."""
    return path.suffix == ".db", path.name == INDEX.name, path


def _copy(path: Path, target: Path) -> None:
    if path.suffix == ".db":
        with closing(open_for_reading(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        shutil.copymode(path, target)
    elif not path.name.endswith((".db-wal", ".db-shm", ".lock")):
        shutil.copy2(path, target)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A database that cannot be changed through this connection."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def is_settled(folder: Path, exchange: str, entries: int) -> bool:
    """Whether so many entries about an exchange have their place in the log, and the log is signed whole."""
    checkpoint = (folder / CHECKPOINT).read_text("utf-8").splitlines()  # origin, size, root hash (C2SP)
    with closing(open_for_reading(folder / INDEX)) as database:
        (known,) = database.execute("SELECT count(*) FROM entries WHERE exchange = ?", (exchange,)).fetchone()
        (size,) = database.execute("SELECT count(*) FROM entries").fetchone()
    return bool(known >= entries and checkpoint[1] == str(size))


def change_one_byte(folder: Path, exchange: str) -> Change:
    """Move the time of an exchange's intent by changing its last digit."""
    with closing(sqlite3.connect(folder / INDEX)) as database, database:
        index, leaf = database.execute(_INTENT, (exchange,)).fetchone()
        found = _TIME.search(leaf)
        if found is None:
            raise AssertionError("a leaf states its time")
        after = found[0][:-1] + (b"0" if found[0].endswith(b"9") else b"%d" % (int(found[0][-1:]) + 1))
        changed = leaf[: found.start()] + after + leaf[found.end() :]
        database.execute("UPDATE entries SET leaf = ? WHERE idx = ?", (changed, index))
    return Change(index, found[0].decode(), after.decode())
