import sqlite3

import pytest

from lawgate.store.insert import ROWS_PER_STATEMENT, Insert


@pytest.mark.parametrize("rows", [0, 1, ROWS_PER_STATEMENT - 1, ROWS_PER_STATEMENT, 3 * ROWS_PER_STATEMENT + 5])
def test_any_number_of_rows_arrives_in_order(rows: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t(a, b)")
    Insert("INSERT INTO t(a, b)", 2).run(db, [value for n in range(rows) for value in (n, f"text {n}")])
    assert db.execute("SELECT a, b FROM t ORDER BY rowid").fetchall() == [(n, f"text {n}") for n in range(rows)]
    db.close()
