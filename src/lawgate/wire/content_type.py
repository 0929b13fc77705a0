"""What a body is, from its header fields (RFC 9110 section 8.3 and 8.4).

Rule: what cannot be read as UTF-8 text of a known form is ``UNKNOWN``, which refuses unless the
connection lets the content type pass unread (law 3).
"""

from enum import Enum
from typing import Final


class ContentKind(Enum):
    """How a body is read."""

    JSON = "json"
    SSE = "sse"
    NDJSON = "ndjson"
    TEXT = "text"
    EMPTY = "empty"
    """No content type: only a body without content may have this kind."""
    UNKNOWN = "unknown"

    @property
    def streams(self) -> bool:
        """Whether an answer of this kind comes event by event."""
        return self in {ContentKind.SSE, ContentKind.NDJSON}


_KINDS: Final = {
    "application/json": ContentKind.JSON,
    "text/json": ContentKind.JSON,
    "text/event-stream": ContentKind.SSE,
    "application/x-ndjson": ContentKind.NDJSON,
    "application/ndjson": ContentKind.NDJSON,
    "application/jsonl": ContentKind.NDJSON,
    "application/x-jsonlines": ContentKind.NDJSON,
    "application/jsonlines": ContentKind.NDJSON,
    "application/stream+json": ContentKind.NDJSON,
    "text/plain": ContentKind.TEXT,
    "text/markdown": ContentKind.TEXT,
}
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_KNOWN_MAX: Final = 64
_known: dict[str, ContentKind] = {"application/json": ContentKind.JSON}


def content_kind(content_type: str | None, content_encoding: str | None = None) -> ContentKind:
    """The kind of a body with these header fields.

    Any charset but UTF-8 (of which ASCII is a part), a repeated charset, and any content coding but
    ``identity`` make it unknown: what is decoded in two ways is read in one and used in the other.
    """
    if content_encoding is not None and content_encoding.strip().lower() not in {"", "identity"}:
        return ContentKind.UNKNOWN
    if content_type is None:
        return ContentKind.EMPTY
    kind = _known.get(content_type)
    if kind is None:
        kind = _parsed(content_type)
        if kind is not ContentKind.UNKNOWN and len(_known) < _KNOWN_MAX:
            _known[content_type] = kind
    return kind


def media_type(content_type: str) -> str:
    """``type/subtype`` in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def _parsed(content_type: str) -> ContentKind:
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (part.partition("=") for part in content_type.split(";")[1:])
        if name.strip().lower() == "charset"
    ]
    if len(charsets) > 1 or not _CHARSETS.issuperset(charsets):
        return ContentKind.UNKNOWN
    media = media_type(content_type)
    if not media:
        return ContentKind.EMPTY
    if media.startswith("application/") and media.endswith("+json"):
        return _KINDS.get(media, ContentKind.JSON)
    return _KINDS.get(media, ContentKind.UNKNOWN)
