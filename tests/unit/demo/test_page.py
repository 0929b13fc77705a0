"""How the story looks."""

import click
import pytest

from lawgate.demo.page import WIDTH, Page

ACCOUNT = "GB33 BUKB 2020 1555 5555 55"


class Sheet:
    """What was printed, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.page = Page(self.lines.append, [ACCOUNT, "anna@mail.example"])

    @property
    def plain(self) -> list[str]:
        return [click.unstyle(line) for line in self.lines]


@pytest.fixture
def sheet() -> Sheet:
    return Sheet()


@pytest.mark.parametrize("words", [0, 1, 17, 60])
@pytest.mark.parametrize("word", ["word", ACCOUNT, "x" * 250])
def test_no_line_is_wider_than_the_page(sheet: Sheet, word: str, words: int) -> None:
    sheet.page.say("client sent", " ".join([word] * words))
    assert max(map(len, sheet.plain)) <= WIDTH
    assert "".join("".join(line[17:] for line in sheet.plain).split()) == "".join((word * words).split())


def test_the_label_stands_once(sheet: Sheet) -> None:
    sheet.page.say("client sent", "word " * 40)
    assert [line[:17].strip() for line in sheet.plain] == ["client sent", "", ""]


def test_a_personal_value_is_not_broken_over_lines(sheet: Sheet) -> None:
    for before in range(60, 85):
        sheet.page.say("client sent", "x" * before + f" {ACCOUNT}.")
    assert sum(ACCOUNT in line for line in sheet.plain) == 85 - 60


def test_values_are_red_and_masks_green(sheet: Sheet) -> None:
    sheet.page.say("client got", "anna@mail.example <EMAIL> [REDACTED] <b>")
    red, green = click.style("anna@mail.example", fg="red"), click.style("<EMAIL>", fg="green")
    assert sheet.lines[-1].endswith(f"{red} {green} {click.style('[REDACTED]', fg='green')} <b>")


def test_a_commands_output_is_shown_as_it_is(sheet: Sheet) -> None:
    sheet.page.command("lawgate verify", "one\n\n  two   three\n")
    assert sheet.plain == ["   $ lawgate verify", "   one", "", "     two   three"]


@pytest.mark.parametrize(
    ("start", "column"),
    [("", 3), ("FAILED  tree       ", 22), ("  masking   ", 15), ('    "content": ', 7), ("x" * 120 + "  ", 52)],
)
def test_a_commands_long_lines_go_on_below_their_last_column(sheet: Sheet, start: str, column: int) -> None:
    sheet.page.command("lawgate verify", start + "one EMAIL, " * 20)
    assert max(map(len, sheet.plain)) <= WIDTH
    assert " ".join(" ".join(sheet.plain).split()).count("one EMAIL,") == 20
    assert len(sheet.plain[-1]) - len(sheet.plain[-1].lstrip()) == column


def test_a_page_without_values_marks_masks_only() -> None:
    lines: list[str] = []
    Page(lines.append).say("saw", "anna@mail.example <EMAIL>")
    assert click.style("<EMAIL>", fg="green") in lines[0]
    assert click.style("anna@mail.example", fg="red") not in lines[0]
