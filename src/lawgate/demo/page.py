"""How the story looks: labelled paragraphs, at most ``WIDTH`` columns, colour only on a terminal.

Rule 1: personal data is red and what stands in its place is green, so that the difference is seen first.
Rule 2: colour is added after lines are broken, so that it never counts as width.
"""

import re
from collections.abc import Callable, Iterable
from textwrap import wrap
from typing import Final

import click

WIDTH: Final = 98
_LABEL: Final = 14
_INDENT: Final = " " * 3
_MASK: Final = re.compile(r"<[A-Z][A-Z_]*>|\[REDACTED\]")
_COLUMNS_BEFORE: Final = re.compile(r" *(?:\S+ {2,})*")
"""What stands before the last column of a line: further lines begin below that column."""
_JOINT: Final = "\x00"
"""Stands for a space at which no line may be broken."""


class Page:
    """Prints through ``echo``, which drops colours where they are not wanted, as ``click.echo`` does."""

    def __init__(self, echo: Callable[[str], object], personal: Iterable[str] = ()) -> None:
        self._echo = echo
        self._personal = tuple(personal)
        values = "|".join(re.escape(value) for value in sorted(self._personal, key=len, reverse=True))
        self._value = re.compile(values) if values else None

    def line(self, text: str = "") -> None:
        """One line as it is."""
        self._echo(text)

    def title(self, text: str) -> None:
        """The heading of a part, after an empty line."""
        self._echo("")
        self._echo(click.style(text, bold=True))

    def say(self, label: str, text: str) -> None:
        """A label, and a paragraph beside it."""
        width = WIDTH - len(_INDENT) - _LABEL
        lines = wrap(self._joined(text), width, break_long_words=True, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            shown = click.style(f"{label if number == 0 else '':{_LABEL}}", dim=True)
            self._echo(f"{_INDENT}{shown}{self._coloured(line.replace(_JOINT, ' '))}")

    def command(self, text: str, output: str) -> None:
        """A command, and what it printed; longer lines are broken."""
        self._echo(f"{_INDENT}{click.style(f'$ {text}', bold=True)}")
        for line in output.strip("\n").splitlines():
            for shown in self._broken(line):
                self._echo(f"{_INDENT}{self._coloured(shown)}".rstrip())

    def _broken(self, line: str) -> list[str]:
        width = WIDTH - len(_INDENT)
        if len(line) <= width:
            return [line]
        before = _COLUMNS_BEFORE.match(line)
        indent = " " * min(before.end() if before else 0, WIDTH // 2)
        return wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)

    def _joined(self, text: str) -> str:
        for value in self._personal:
            text = text.replace(value, value.replace(" ", _JOINT))
        return text

    def _coloured(self, line: str) -> str:
        line = _MASK.sub(lambda found: click.style(found[0], fg="green"), line)
        return line if self._value is None else self._value.sub(lambda found: click.style(found[0], fg="red"), line)
