"""Many rows in few statements.

Each call into SQLite gives up the interpreter lock and asks for it back, which the event loop of the
same process feels; so rows are inserted sixty-four at a time.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

ROWS_PER_STATEMENT: Final = 64


class Insert:
    """An ``INSERT`` of fixed columns, for any number of rows."""

    __slots__ = ("_many", "_one", "_width")

    def __init__(self, into: str, width: int) -> None:
        row = "(" + ",".join("?" * width) + ")"
        self._one = f"{into} VALUES {row}"
        self._many = f"{into} VALUES {','.join([row] * ROWS_PER_STATEMENT)}"
        self._width = width

    def run(self, connection: sqlite3.Connection, values: Sequence[Any]) -> None:
        """Insert rows given as one flat sequence of values, in order."""
        width = self._width
        step = width * ROWS_PER_STATEMENT
        whole = len(values) - len(values) % step
        for start in range(0, whole, step):
            connection.execute(self._many, values[start : start + step])
        rest = range(whole, len(values), width)
        connection.executemany(self._one, [values[start : start + width] for start in rest])
