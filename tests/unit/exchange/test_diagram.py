"""The documentation shows the table that the code runs."""

from pathlib import Path

from lawgate.exchange.diagram import effects_table, mermaid

PAGE = Path(__file__).parents[3] / "docs" / "exchange.md"


def test_the_page_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid()}```" in page
    assert effects_table() in page


def test_the_diagram_starts_and_ends() -> None:
    assert "[*] --> RECEIVED" in mermaid()
    assert "RELEASED --> [*]" in mermaid()
