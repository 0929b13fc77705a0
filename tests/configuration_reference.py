"""Tables of every key with its default and meaning, from the schema, for the documentation.

Rule: the page holds what `refreshed` writes between its markers, and a test holds it to that.
`python -m tests.configuration_reference` (with `src` on the path) writes the page anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from lawgate.config.schema import config_schema

PAGE: Final = Path(__file__).parents[1] / "docs" / "configuration.md"
MARKED: Final = re.compile(r"(<!-- keys: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Key(NamedTuple):
    """One key as people read about it; ``path`` has ``*`` for names and positions."""

    path: str
    default: str
    meaning: str


def keys(section: str) -> list[Key]:
    """The keys below one key of the top level, in the order of the schema; for a plain value, itself."""
    schema = config_schema()
    return list(_rows(schema, schema["properties"][section], section, section in schema["required"]))


def refreshed(page: str) -> str:
    """``page`` with each marked table written anew."""
    return MARKED.sub(lambda found: f"{found[1]}{_table(keys(found[2]))}{found[3]}", page)


def _table(rows: list[Key]) -> str:
    lines = ["| key | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{row.path}` | {row.default} | {row.meaning} |" for row in rows]
    return "\n".join(lines) + "\n"


def _rows(schema: dict[str, Any], node: dict[str, Any], path: str, required: bool) -> Iterator[Key]:  # noqa: FBT001
    section = _section(schema, node)
    below = section.get("properties")
    if below is not None:
        for name, child in below.items():
            yield from _rows(schema, child, f"{path}.{name}", name in section.get("required", ()))
        return
    inner = section.get("additionalProperties") or section.get("items")
    if isinstance(inner, dict) and "properties" in _section(schema, inner):
        yield from _rows(schema, inner, f"{path}.*", required=True)
        return
    yield Key(path, _default(node, required=required), _meaning(schema, node, section))


def _section(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; of an optional section, the section."""
    reference = node.get("$ref")
    for choice in node.get("anyOf", ()):
        reference = reference or choice.get("$ref")
    if reference is None:
        return node
    found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _default(node: dict[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    default = node.get("default")
    if default is None or default == []:
        return "none"
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    return f"`{shown.lower() if isinstance(default, bool) else shown}`"


def _meaning(schema: dict[str, Any], node: dict[str, Any], section: dict[str, Any]) -> str:
    choices = section.get("enum") or _section(schema, section.get("items", {})).get("enum")
    for choice in node.get("anyOf", ()):
        choices = choices or choice.get("enum")
    meaning = str(node.get("description", "")).replace("|", "\\|")
    if not choices:
        return meaning
    return f"{meaning} One of {', '.join(f'`{choice}`' for choice in choices)}.".strip()


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
