"""The schema's complaints in words that say what to do.

Rule 1: no sentence repeats a value, except names and choices (which the validators of `text` repeat
themselves). Rule 2: whatever the schema library says that is not known here is still reported.
"""

from typing import Any, Final

from pydantic import ValidationError

from lawgate.config.document import Document, Node
from lawgate.config.problem import Finding, Path, WrongValueError, nearest
from lawgate.config.schema import schema_tree

PROBLEMS_MAX: Final = 200
"""Nobody reads more in one go; what is meant by each unknown key takes time to find."""
MISSING: Final = "is missing"
UNKNOWN: Final = "is not a key here"
YES: Final = frozenset("yes Yes YES on On ON y Y".split())
NO: Final = frozenset("no No NO off Off OFF n N".split())

_KINDS: Final = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}
_BOUNDS: Final = {
    "greater_than_equal": ("must be at least", "ge"),
    "greater_than": ("must be above", "gt"),
    "less_than_equal": ("must be at most", "le"),
    "less_than": ("must be below", "lt"),
    "string_too_long": ("must be shorter; its longest length in characters is", "max_length"),
}


def explain(error: ValidationError, document: Document) -> list[Finding]:
    """One finding for each complaint; a key that is only misspelt is not missed as well."""
    details = error.errors(include_url=False, include_input=False)
    found = [_finding(detail, document) for detail in details[:PROBLEMS_MAX]]
    if len(details) > PROBLEMS_MAX:
        found.append(Finding((), f"and {len(details) - PROBLEMS_MAX} more problems; mend these first"))
    meant = {(*finding.path[:-1], finding.suggestion) for finding in found if finding.what == UNKNOWN}
    return [finding for finding in found if not (finding.what == MISSING and finding.path in meant)]


def _finding(detail: Any, document: Document) -> Finding:
    path: Path = tuple(detail["loc"])
    kind = str(detail["type"])
    context = detail.get("ctx") or {}
    if kind == "missing":
        return Finding(path, MISSING)
    if kind == "extra_forbidden":
        return _unknown_key(path)
    cause = context.get("error")
    if isinstance(cause, WrongValueError):
        return Finding(path, _empty(document.node(path)) or cause.what, cause.suggestion)
    if kind in _KINDS:
        return _wrong_kind(path, kind, document.node(path))
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return Finding(path, f"{words} {context[name]}")
    if kind in {"too_short", "string_too_short"}:
        return Finding(path, "must not be empty")
    return Finding(path, str(detail["msg"]))


def _empty(node: Node | None) -> str | None:
    return "has no value" if node is not None and node.value is None else None


def _unknown_key(path: Path) -> Finding:
    key = str(path[-1])
    meant = nearest(key, keys_at(path[:-1]))
    what = UNKNOWN
    if meant is None and (homes := _homes(key)):
        what = f"{UNKNOWN}; it belongs to {' or '.join(homes)}"
    return Finding(path, what, meant, at_key=True)


def _wrong_kind(path: Path, kind: str, node: Node | None) -> Finding:
    what = _KINDS[kind]
    if node is None or node.value is None:
        return Finding(path, f"has no value; it {what}")
    if kind == "string_type" and isinstance(node.value, (int, float, bool)):
        read_as = "true or false" if isinstance(node.value, bool) else "a number"
        return Finding(path, f"{what}, but this is read as {read_as}; put it in quotes")
    if kind == "bool_type" and node.raw in YES | NO:
        return Finding(path, f"{what}; {node.raw} is text in YAML 1.2", "true" if node.raw in YES else "false")
    if kind.startswith(("int", "float")) and node.raw.lstrip("-+0").isdigit():
        mend = "without quotes" if node.quoted else "without leading zeros"
        return Finding(path, f"{what}; write it {mend}")
    return Finding(path, what)


def keys_at(path: Path) -> list[str]:
    """The keys that the schema has at ``path``."""
    schema = schema_tree()
    node: dict[str, Any] = schema
    for step in path:
        node = _descend(_resolved(schema, node), step)
    return list(_resolved(schema, node).get("properties", {}))


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and of an optional section the section."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            node = node["anyOf"][0]
        else:
            return node


def _descend(node: dict[str, Any], step: str | int) -> dict[str, Any]:
    if isinstance(step, int):
        found = node.get("items")
    else:
        found = node.get("properties", {}).get(step, node.get("additionalProperties"))
    return found if isinstance(found, dict) else {}


def _homes(key: str) -> list[str]:
    """Where a key that is in the wrong place would be right: ``purposes.*``."""
    schema = schema_tree()
    homes: list[str] = []

    def walk(node: dict[str, Any], path: str) -> None:
        at = _resolved(schema, node)
        for name, child in at.get("properties", {}).items():
            if name == key:
                homes.append(path or "the top")
            walk(child, f"{path}.{name}" if path else name)
        for below in ("additionalProperties", "items"):
            if isinstance(at.get(below), dict):
                walk(at[below], f"{path}.*")

    walk(schema, "")
    return sorted(set(homes))[:3]
