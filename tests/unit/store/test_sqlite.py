import sqlite3
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.store.sqlite import (
    Durability,
    Schema,
    checkpoint_wal,
    get_meta,
    is_blank,
    open_database,
    open_reader,
    set_meta,
    split_statements,
    transaction,
)

ONE = Schema("things", ("CREATE TABLE things(a INTEGER); CREATE INDEX by_a ON things(a);",))
TWO = Schema("things", (*ONE.scripts, "ALTER TABLE things ADD COLUMN b TEXT; UPDATE things SET b = 'moved';"))
BROKEN = Schema("things", (*ONE.scripts, "ALTER TABLE things ADD COLUMN b TEXT; SELECT * FROM nowhere;"))


def written(path: Path, schema: Schema) -> None:
    db = open_database(path, schema)
    db.execute("INSERT INTO things(a) VALUES (1)")
    db.close()


def test_a_new_database_is_durable_and_says_what_it_is(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db", TWO)
    pragmas = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "user_version")]
    assert pragmas == ["wal", 2, 2]
    assert get_meta(db, "kind") == "things"
    db.close()


def test_only_its_owner_reads_a_database(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db", ONE)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    db.close()


def test_secure_delete_is_on_where_asked(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db", ONE, secure_delete=True, durability=Durability.NORMAL)
    assert [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("secure_delete", "synchronous")] == [1, 1]
    db.close()


def test_an_older_format_is_carried_forward(tmp_path: Path) -> None:
    written(tmp_path / "a.db", ONE)
    db = open_database(tmp_path / "a.db", TWO)
    assert db.execute("SELECT a, b FROM things").fetchall() == [(1, "moved")]
    db.close()


def test_a_migration_that_fails_leaves_the_older_format_whole(tmp_path: Path) -> None:
    written(tmp_path / "a.db", ONE)
    with pytest.raises(EvidenceError):
        open_database(tmp_path / "a.db", BROKEN)
    db = open_database(tmp_path / "a.db", ONE)
    assert db.execute("SELECT * FROM things").fetchall() == [(1,)]
    db.close()


@pytest.mark.parametrize("opener", [open_database, open_reader])
def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path, opener: type) -> None:
    written(tmp_path / "a.db", TWO)
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(EvidenceError, match="format 2, newer than this Lawgate's 1"):
        opener(tmp_path / "a.db", ONE)
    assert (tmp_path / "a.db").read_bytes() == before


def test_an_older_format_is_not_read_as_if_it_were_new(tmp_path: Path) -> None:
    written(tmp_path / "a.db", ONE)
    with pytest.raises(EvidenceError, match="start 'lawgate serve' once"):
        open_reader(tmp_path / "a.db", TWO)


@pytest.mark.parametrize("opener", [open_database, open_reader])
def test_another_kind_of_database_is_refused(tmp_path: Path, opener: type) -> None:
    written(tmp_path / "a.db", ONE)
    with pytest.raises(EvidenceError, match="files were mixed up"):
        opener(tmp_path / "a.db", Schema("keys", ONE.scripts))


def test_a_database_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "a.db")
    other.execute("CREATE TABLE theirs(a)")
    other.close()
    for opener in (open_database, open_reader):
        with pytest.raises(EvidenceError, match="not"):
            opener(tmp_path / "a.db", ONE)
    other = sqlite3.connect(tmp_path / "a.db")
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    other.close()


def test_garbage_is_refused_with_a_mend(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all, but long enough to have a header of some kind" * 9)
    with pytest.raises(StoreUnavailableError, match="not a Lawgate database"):
        open_database(tmp_path / "a.db", ONE)


def test_a_missing_database_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="SQLITE_CANTOPEN"):
        open_reader(tmp_path / "a.db", ONE)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    written(tmp_path / "a.db", ONE)
    db = open_reader(tmp_path / "a.db", ONE)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM things")
    db.close()


def test_a_name_with_url_characters_is_one_file(tmp_path: Path) -> None:
    written(tmp_path / "a?mode=memory#%41.db", ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["a?mode=memory#%41.db"]


def test_a_blank_database_is_told_from_one_with_tables(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    written(tmp_path / "b.db", ONE)
    assert [is_blank(tmp_path / name) for name in ("a.db", "b.db")] == [True, False]
    with pytest.raises(StoreUnavailableError):
        is_blank(tmp_path / "c.db")


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db", ONE)
    with pytest.raises(sqlite3.IntegrityError), transaction(db):  # noqa: PT012 - the block is what is tested
        db.execute("INSERT INTO things VALUES (1)")
        db.execute("INSERT INTO meta VALUES ('kind', 'twice')")
    assert db.execute("SELECT * FROM things").fetchall() == []
    set_meta(db, "origin", "x")
    assert (get_meta(db, "origin"), get_meta(db, "nothing")) == ("x", None)
    db.close()


def test_the_wal_is_emptied_unless_a_reader_is_in_the_way(tmp_path: Path) -> None:
    db = open_database(tmp_path / "a.db", ONE)
    db.execute("INSERT INTO things VALUES (1)")
    reader = open_reader(tmp_path / "a.db", ONE)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM things").fetchall()
    db.execute("INSERT INTO things VALUES (2)")
    db.execute("PRAGMA busy_timeout=1")
    assert not checkpoint_wal(db, truncate=True)
    reader.execute("COMMIT")
    assert checkpoint_wal(db, truncate=True)
    assert (tmp_path / "a.db-wal").stat().st_size == 0
    reader.close()
    db.close()


def test_scripts_are_split_into_statements() -> None:
    assert list(split_statements(" a ;\n b;; ")) == ["a", "b"]
