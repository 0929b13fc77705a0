"""What commands print: tables for people, JSON for programs.

Rule 1: text that came from elsewhere (a model, a token, a path) cannot speak to the terminal: characters
    that are not for reading are shown as their numbers. JSON is printed in ASCII for the same reason.
Rule 2: an id is never broken or cut; what does not fit is left out, column by column.
Rule 3: no colour where standard output is no terminal, or where NO_COLOR is set.
Rule 4: rich is imported when something is laid out, not before.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import json
import os
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

PIPED_WIDTH: Final = 200
"""Columns where nobody looks: nothing is left out for want of room."""
_GAP: Final = 2


def safe(text: str) -> str:
    """``text`` with everything but printable characters, tabs and line ends as numbers (CWE-150)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join([char if _is_readable(char) else _number(char) for char in text])


def _is_readable(char: str) -> bool:
    return char in "\n\t" or char.isprintable() or unicodedata.category(char) == "Zs"


def _number(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - widths of the forms


def print_json(value: Any) -> None:
    """One line."""
    sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")


def console(width: int | None = None) -> "Console":
    """Where people read."""
    from rich.console import Console

    if width is None and not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = PIPED_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def print_laid_out(renderable: "RenderableType", out: "Console | None" = None) -> None:
    """Print without the blanks that lay-out leaves at the ends of lines."""
    out = console() if out is None else out
    with out.capture() as captured:
        out.print(renderable)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


@dataclass(frozen=True, slots=True)
class Column:
    """``keep`` ones stand at any width; of the others the last one goes first when there is no room."""

    title: str
    keep: bool = False
    style: str = ""


def print_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    styles: Sequence[str] | None = None,
    width: int | None = None,
) -> None:
    """A table without frames; ``styles`` are of the rows. Cells must be safe."""
    from rich.table import Table

    out = console(width)
    widths = [max([len(column.title), *[len(safe(row[n])) for row in rows]]) for n, column in enumerate(columns)]
    chosen = _fitting(columns, widths, out.width)
    out = console(max(out.width, _whole_width(widths, chosen)))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold", show_edge=False)
    for number in chosen:
        column = columns[number]
        table.add_column(
            column.title, style=column.style, no_wrap=True, overflow="ignore" if column.keep else "ellipsis"
        )
    for place, row in enumerate(rows):
        table.add_row(*[safe(row[number]) for number in chosen], style=styles[place] if styles else None)
    print_laid_out(table, out)


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The columns that fit whole, in their order."""
    chosen = list(range(len(columns)))
    for number in sorted(chosen, reverse=True):
        if _whole_width(widths, chosen) <= width:
            break
        if not columns[number].keep:
            chosen.remove(number)
    return chosen


def _whole_width(widths: Sequence[int], chosen: Sequence[int]) -> int:
    return sum(widths[number] + _GAP for number in chosen)


def styled(pieces: Sequence[tuple[str, str]]) -> "Text":
    """A body as ``masked_body.laid_out`` gives it, with its spans marked."""
    from rich.text import Text

    text = Text()
    for piece, name in pieces:
        if name:
            text.append(f"[{safe(name)}]", style="bold black on yellow")
        else:
            text.append(safe(piece))
    return text


def note(text: str) -> None:
    """A sentence beside the result, for people: on standard error, so that a pipe gets the result alone."""
    print(safe(text), file=sys.stderr)
