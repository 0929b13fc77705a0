import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawgate.cli.output import Column, console, note, print_json, print_table, safe, styled

COLUMNS = (Column("ID", keep=True), Column("STATE"), Column("WHERE"))
ROWS = [("0123456789abcdef0123456789abcdef", "answered", "support-llm"), ("f" * 32, "refused", "another")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\rb", "a\\x0db"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x", "\\u2066x"),
        ("\U000e0041", "\\U000e0041"),
        ("Jürgen\tMüller\n", "Jürgen\tMüller\n"),
        ("日本語", "日本語"),
    ],
)
def test_text_from_elsewhere_cannot_speak_to_the_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_what_is_shown_has_no_control_character(text: str) -> None:
    assert all(char in "\n\t" or char.isprintable() or char.isspace() for char in safe(text))
    assert "\x1b" not in safe(text)


@given(st.text())
def test_json_is_one_line_of_ascii(text: str) -> None:
    line = json.dumps({"text": text}, separators=(",", ":"))
    assert line.isascii()
    assert "\n" not in line


def test_json_lines_parse(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "\x1b[31m\u202e"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"a": "\x1b[31m\u202e"}


def test_a_table_leaves_columns_out_and_never_cuts_an_id(capsys: pytest.CaptureFixture[str]) -> None:
    for width, titles in ((80, ["ID", "STATE", "WHERE"]), (50, ["ID", "STATE"]), (34, ["ID"]), (10, ["ID"])):
        print_table(COLUMNS, ROWS, width=width)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == titles
        assert [line.split()[0] for line in lines[1:]] == [row[0] for row in ROWS]
        assert max(map(len, lines)) <= max(width, 32)


def test_piped_tables_have_every_column_and_no_blanks_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(COLUMNS, ROWS, styles=["red", ""])
    out = capsys.readouterr().out
    assert "WHERE" in out
    assert "\x1b" not in out, "no colour where nobody looks"
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_columns_decide_the_width_where_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "91")
    assert console().width == 91


def test_cells_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table((Column("ID", keep=True),), [("[bold]x[/bold]",)])
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_spans_stand_in_brackets() -> None:
    assert styled([("Write to ", ""), ("", "EMAIL"), ("\x1b!", "")]).plain == "Write to [EMAIL]\\x1b!"


def test_notes_go_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    note("sentence \x1b")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "sentence \\x1b\n")
