"""A recorded body as people may see it by default: each span is named where it stood, never shown.

Rule 1: nothing of a mark but its detector and operator leaves this module: for ``mask`` the recorded
    replacement is a part of the original.
Rule 2: bytes that nobody inspected are counted, never shown.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

OPEN: Final = "\ue000"
CLOSE: Final = "\ue001"
"""Private-use characters that stand around a detector's name while a text is laid out."""
_MARK: Final = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
_PRIVATE: Final = {ord(OPEN): "\ufffd", ord(CLOSE): "\ufffd"}
_SPOKEN: Final = ("content", "text", "refusal", "reasoning_content", "arguments", "partial_json", "thinking")
"""Members of an event's ``delta`` that add to what was said."""


class Span(NamedTuple):
    """Where something personal stood: at ``offset`` code points of ``MaskedBody.text``."""

    offset: int
    detector: str
    operator: str


@dataclass(frozen=True, slots=True)
class MaskedBody:
    """``text`` without its spans, and the spans; ``opaque_b`` bytes that nobody inspected and that are not shown."""

    text: str
    spans: tuple[Span, ...] = ()
    opaque_b: int = 0
    windows: int = 0

    def view(self) -> dict[str, Any]:
        """The body as programs get it: each span stands in ``text`` as ``[DETECTOR]``."""
        if self.opaque_b:
            return {"not_inspected_b": self.opaque_b}
        spans = [{"detector": span.detector, "operator": span.operator} for span in self.spans]
        return {"text": "".join(piece if not name else f"[{name}]" for piece, name in pieces(self)), "spans": spans}

    def counts(self) -> dict[tuple[str, str], int]:
        """How many spans of each (detector, operator) there are."""
        counts: dict[tuple[str, str], int] = {}
        for span in self.spans:
            counts[span.detector, span.operator] = counts.get((span.detector, span.operator), 0) + 1
        return counts


class UnreadableBodyError(ValueError):
    """A part that opened is not what the record's format says."""


def read_body(plaintext: bytes) -> MaskedBody:
    """A body's part: one JSON object, or one for each window of a stream. Raises ``UnreadableBodyError``."""
    try:
        lines = [json.loads(line) for line in plaintext.splitlines() if line.strip()]
        return _joined(lines)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableBodyError("a recorded body is not in a format that this Lawgate knows") from None


def _joined(lines: Sequence[dict[str, Any]]) -> MaskedBody:
    texts: list[str] = []
    spans: list[Span] = []
    length = opaque_b = 0
    for line in lines:
        if "text" not in line:
            opaque_b += len(line["base64"]) * 3 // 4 if "base64" in line else int(line["b"])
            continue
        text = str(line["text"])
        spans += [Span(length + int(offset), str(name), str(operator)) for offset, name, operator, _ in line["marks"]]
        texts.append(text)
        length += len(text)
    return MaskedBody("".join(texts), tuple(spans), opaque_b, len(lines))


def pieces(body: MaskedBody) -> Iterator[tuple[str, str]]:
    """The text in order as ``(text, "")`` and ``("", detector)``."""
    at = 0
    for span in body.spans:
        if span.offset > at:
            yield body.text[at : span.offset], ""
            at = span.offset
        yield "", span.detector
    if at < len(body.text):
        yield body.text[at:], ""


def laid_out(body: MaskedBody) -> list[tuple[str, str]]:
    """The same, set out for reading: JSON indented, of a stream what was said."""
    text = "".join(
        f"{OPEN}{name.translate(_PRIVATE)}{CLOSE}" if name else piece.translate(_PRIVATE)
        for piece, name in pieces(body)
    )
    return list(_split(_readable(text)))


def _split(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for match in _MARK.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], ""
        yield "", match.group(1)
        at = match.end()
    if at < len(text):
        yield text[at:], ""


def _readable(text: str) -> str:
    said = spoken(text)
    if said:
        return "\n\n".join(said)
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def spoken(text: str) -> list[str]:
    """What the events of a stream add up to, one text for each member that grew; none if this is no such stream."""
    grown: dict[tuple[str, ...], list[str]] = {}
    for event in _events(text):
        for path, piece in _deltas(event, (), depth=0):
            grown.setdefault(path, []).append(piece)
    return [joined for joined in ("".join(found) for found in grown.values()) if joined]


def _events(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        name, colon, data = line.partition(":")
        if colon and name == "data" and data.lstrip().startswith("{"):
            try:
                yield json.loads(data)
            except (ValueError, RecursionError):
                continue


def _deltas(value: Any, path: tuple[str, ...], *, depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Strings below a ``delta`` that grow, with where they belong: the elements' own ``index`` tells them apart."""
    if depth > 16:  # noqa: PLR2004 - deeper than any protocol's events
        return
    if isinstance(value, dict):
        own = (*path, str(value["index"])) if isinstance(value.get("index"), int) else path
        for name, member in value.items():
            if isinstance(member, str) and (name == "delta" or ("delta" in own and name in _SPOKEN)):
                yield (*own, name), member
            else:
                yield from _deltas(member, (*own, name), depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _deltas(item, path, depth=depth + 1)
