"""The sections of a file that are valid by themselves, so that meaning is checked even where others are not.

Rule: a section that the schema refuses is here without its faulty keys, or absent when it needs them; its
name still counts as declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from lawgate.config import schema, text
from lawgate.config.document import Document, Value
from lawgate.config.problem import Path

S = TypeVar("S", bound=schema.Section)


@dataclass(frozen=True, slots=True)
class Parts:
    """The sections of a file that are valid by themselves, and the names that the file declares."""

    listen: schema.ListenSection | None
    store: schema.StoreSection | None
    identity: Mapping[int, schema.IssuerSection]
    connections: Mapping[str, schema.ConnectionSection]
    purposes: Mapping[str, schema.PurposeSection]
    patterns: Mapping[int, schema.PatternSection]
    rules: Mapping[int, schema.RuleSection]
    connection_names: frozenset[str]
    purpose_names: frozenset[str]
    profile_names: frozenset[str]
    profile_detectors: tuple[tuple[str, str], ...]
    """(profile, key) of every line of every profile."""
    limits: Mapping[str, float]
    observe: date | None


def find_parts(document: Document) -> Parts:
    """Validate each section of a file alone, leaving out those that the schema refuses."""
    rules = _items(document, ("rules",), schema.RuleSection)
    profiles = _names(document, ("masking", "profiles"))
    limits = _valid(document, ("limits",), schema.LimitsSection)
    return Parts(
        _valid(document, ("listen",), schema.ListenSection) or _default_listen(document),
        _valid(document, ("store",), schema.StoreSection),
        _items(document, ("identity",), schema.IssuerSection),
        _named(document, ("connections",), schema.ConnectionSection),
        _named(document, ("purposes",), schema.PurposeSection),
        _items(document, ("masking", "detectors"), schema.PatternSection),
        rules,
        _names(document, ("connections",)),
        _names(document, ("purposes",)),
        profiles | frozenset(schema.OPERATORS),
        tuple(
            (name, key) for name in sorted(profiles) for key in sorted(_names(document, ("masking", "profiles", name)))
        ),
        limits.model_dump() if limits else {},
        _observe(document),
    )


def _default_listen(document: Document) -> schema.ListenSection | None:
    return None if document.node(("listen",)) else schema.ListenSection()


def _observe(document: Document) -> date | None:
    node = document.node(("observe",))
    if node is None:
        return None
    try:
        return TypeAdapter(text.Until).validate_python(node.value)
    except ValidationError:
        return None


def _valid(document: Document, path: Path, kind: type[S]) -> S | None:
    node = document.node(path)
    if node is None:
        return None
    data = document.values(node)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faulty = {detail["loc"][0] for detail in error.errors(include_input=False, include_url=False) if detail["loc"]}
    try:
        return kind.model_validate(_without(data, faulty))
    except ValidationError:
        return None


def _without(data: Value, faulty: set[int | str]) -> Value:
    """A section without its faulty keys, so that one slip does not hide what is wrong with the others."""
    return {key: value for key, value in data.items() if key not in faulty} if isinstance(data, dict) else data


def _names(document: Document, path: Path) -> frozenset[str]:
    node = document.node(path)
    return frozenset(node.value) if node is not None and isinstance(node.value, dict) else frozenset()


def _named(document: Document, path: Path, kind: type[S]) -> dict[str, S]:
    names = sorted(_names(document, path))
    return {name: found for name in names if (found := _valid(document, (*path, name), kind)) is not None}


def _items(document: Document, path: Path, kind: type[S]) -> dict[int, S]:
    node = document.node(path)
    count = len(node.value) if node is not None and isinstance(node.value, list) else 0
    return {place: found for place in range(count) if (found := _valid(document, (*path, place), kind)) is not None}
