"""YAML text -> plain values, each with its line and column.

Rule 1: scalars are read as YAML 1.2's core schema reads them: ``no``, ``on``, ``22:30`` and
    ``2026-12-31`` are text, so Norway is a country here. A number with a leading zero is text too.
Rule 2: nothing in the file can name a Python type, and no tag is followed.
Rule 3: everything is bounded: bytes, depth, and values after aliases are expanded ("billion laughs").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from lawgate.config.problem import InvalidConfigError, Path, Problem, path_text, shown

FILE_B_MAX: Final = 262_144
"""A policy with a thousand purposes is about 200 kB; the parser reads about 350 kB a second."""
DEPTH_MAX: Final = 32
VALUES_MAX: Final = 100_000
"""After aliases are expanded: ten times what the largest file can hold without them."""

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,2})?|[eE][-+]?[0-9]{1,2})")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Scalar: TypeAlias = "str | int | float | bool | None"
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"


class Mark(NamedTuple):
    """A position; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value and where it begins. ``raw`` is a scalar's own text, ``size`` counts values below, aliases expanded."""

    mark: Mark
    value: "Scalar | list[Node] | dict[str, Entry]"
    raw: str = ""
    quoted: bool = False
    size: int = 1


class Entry(NamedTuple):
    """One key of a mapping and its value."""

    key_mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file that can say where each of its values stands."""

    file: str
    root: Node

    def plain(self) -> dict[str, Value]:
        """The values alone."""
        return cast("dict[str, Value]", _plain(self.root))

    @staticmethod
    def values(node: Node) -> Value:
        """The values of one part alone."""
        return _plain(node)

    def node(self, path: Path) -> Node | None:
        """The value at ``path``, or ``None``."""
        node: Node | None = self.root
        for step in path:
            node = None if node is None else _step(node, step)
        return node

    def locate(self, path: Path, *, at_key: bool = False) -> Mark:
        """Where ``path`` stands, or the nearest thing above it that does."""
        parent = self.node(path[:-1]) if path else None
        if at_key and parent is not None and isinstance(parent.value, dict) and path[-1] in parent.value:
            return parent.value[str(path[-1])].key_mark
        for length in range(len(path), -1, -1):
            node = self.node(path[:length])
            if node is not None:
                return node.mark
        return self.root.mark


def parse_document(file: str, data: bytes) -> Document:
    """Parse one YAML file; raises ``InvalidConfigError`` with the place of the first fault in its grammar."""
    text = _decode(file, data)
    try:
        root = _Composer(file, yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        raise InvalidConfigError([_grammar(file, text, error)]) from None
    except yaml.reader.ReaderError as error:
        line, column = _position(text, error.position)
        what = (
            f"contains the control character U+{ord(text[error.position]):04X}; write it as an escape in double quotes"
        )
        raise InvalidConfigError([Problem(file, line, column, "", what)]) from None
    if not isinstance(root.value, dict):
        what = "the file must be a mapping of keys to values that starts with `version: 1`"
        raise InvalidConfigError([Problem(file, *root.mark, "", what)])
    return Document(file, root)


def _decode(file: str, data: bytes) -> str:
    if len(data) > FILE_B_MAX:
        what = (
            f"the file has more than {FILE_B_MAX // 1024} KiB; a configuration is far smaller: is this the right file?"
        )
        raise InvalidConfigError([Problem(file, 0, 0, "", what)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode("utf-8", "replace"), error.start)
        raise InvalidConfigError(
            [Problem(file, line, column, "", "is not UTF-8 here; save the file as UTF-8")]
        ) from None
    if not text.strip():
        what = "the file is empty; `lawgate init` writes one to start from"
        raise InvalidConfigError([Problem(file, 0, 0, "", what)])
    return text


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _grammar(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """The parser's complaint in words that do not presume a knowledge of parsers."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    said = error.problem or "cannot be read"
    if "\t" in source[:column]:
        return Problem(file, line, source.index("\t") + 1, "", "a tab stands where YAML allows only spaces; use spaces")
    if "mapping values are not allowed" in said:
        said = "a colon makes this a key where none can be; put text that holds ': ' in quotes, or mend the indentation"
    elif "undefined alias" in said or "expected <block end>" in said or "did not find" in said:
        said = f"{said}; mend the indentation or the brackets"
    elif "cannot start any token" in said:
        said = f"{said}; put the text in quotes"
    return Problem(file, line, column, "", said)


def _step(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict) and isinstance(step, str):
        entry = node.value.get(step)
        return entry.node if entry else None
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


def _plain(node: Node) -> Value:
    if isinstance(node.value, dict):
        return {key: _plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return node.value


class _Composer:
    """Builds the tree from the parser's events, refusing what rules 2 and 3 refuse."""

    def __init__(self, file: str, events: Iterator[Event]) -> None:
        self._file = file
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._path: list[str | int] = []

    def document(self) -> Node:
        """The one document of the file."""
        self._expect(StreamStartEvent)
        start = next(self._events)
        if isinstance(start, StreamEndEvent):
            raise self._fault(start, "the file holds only comments; `lawgate init` writes one to start from")
        root = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        following = next(self._events)
        if isinstance(following, DocumentStartEvent):
            raise self._fault(following, "a second document begins here; a configuration is one document")
        return root

    def _expect(self, kind: type[Event]) -> None:
        event = next(self._events)
        assert isinstance(event, kind), "the parser frames its events"

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        assert isinstance(event, NodeEvent)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._fault(event, f"carries the tag {shown(str(tag))}; tags are not followed: remove it")
        if depth > DEPTH_MAX:
            raise self._fault(event, f"is nested more than {DEPTH_MAX} levels deep")
        node = self._filled(event, depth)
        if node.size > VALUES_MAX:
            raise self._fault(event, f"stands for more than {VALUES_MAX} values once its aliases are expanded")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _filled(self, event: Event, depth: int) -> Node:
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, depth)
        assert isinstance(event, ScalarEvent)
        quoted = event.style is not None
        value = event.value if quoted else _resolve(event.value)
        return Node(_mark(event), value, event.value, quoted)

    def _alias(self, event: AliasEvent) -> Node:
        """A copy that stands where the alias stands, so that a fault of its use is shown there."""
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            raise self._fault(event, f"*{shown(name)} names no anchor that is complete before it")
        return Node(_mark(event), node.value, node.raw, node.quoted, node.size)

    def _mapping(self, event: MappingStartEvent, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        node = Node(_mark(event), entries)
        while not isinstance(key := next(self._events), MappingEndEvent):
            name = self._key(key, entries)
            self._path.append(name)
            child = self._node(next(self._events), depth + 1)
            self._path.pop()
            entries[name] = Entry(_mark(key), child)
            node.size += child.size
        return node

    def _key(self, event: Event, entries: dict[str, Entry]) -> str:
        if not isinstance(event, ScalarEvent):
            raise self._fault(event, "a key must be text")
        if event.tag is not None:
            raise self._fault(event, f"a key carries the tag {shown(event.tag)}; tags are not followed: remove it")
        if event.value == "<<" and event.style is None:
            raise self._fault(event, "merge keys (<<) are not part of YAML 1.2; repeat the keys")
        if event.value in entries:
            line = entries[event.value].key_mark.line
            raise self._fault(event, f"the key {shown(event.value)} is here twice, first in line {line}; keep one")
        return str(event.value)

    def _sequence(self, event: SequenceStartEvent, depth: int) -> Node:
        items: list[Node] = []
        node = Node(_mark(event), items)
        while not isinstance(item := next(self._events), SequenceEndEvent):
            self._path.append(len(items))
            child = self._node(item, depth + 1)
            self._path.pop()
            items.append(child)
            node.size += child.size
        return node

    def _fault(self, event: Event, what: str) -> InvalidConfigError:
        return InvalidConfigError([Problem(self._file, *_mark(event), path_text(self._path), what)])


def _mark(event: Event) -> Mark:
    start = event.start_mark
    assert start is not None, "the parser marks its events"
    return Mark(start.line + 1, start.column + 1)


def _resolve(text: str) -> Scalar:
    """A plain scalar by YAML 1.2's core schema, without its octal and hexadecimal forms."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
