"""Which strings of a stream's events are pieces of a longer text.

Rule 1: pieces of one **track** are joined, so that a span split over events is found; every other
        string is read whole, event by event.
Rule 2: a track is told from another by the positions around it: ``index``, ``output_index``,
        ``item_id`` and the like, and the event's type; never by the stream alone.
Rule 3: a name is a track's only if APIs stream text under it. Treating a whole value as a piece would
        move its end into the next event.
"""

import re
from enum import Enum
from typing import Final


class TrackKind(Enum):
    """What the pieces of a track make together."""

    TEXT = "text"
    JSON = "json"
    """JSON text, as a tool's arguments."""


TEXT_NAMES: Final = frozenset(
    {
        "answer",
        "chunk",
        "completion",
        "content",
        "delta",
        "input",
        "output",
        "output_text",
        "reasoning",
        "reasoning_content",
        "refusal",
        "response",
        "summary",
        "text",
        "text_output",
        "thinking",
        "transcript",
    }
)
"""OpenAI, Anthropic, Gemini, Ollama, TGI, vLLM, Triton and Cohere stream text under these."""

JSON_NAMES: Final = frozenset({"arguments", "partial_json"})
"""OpenAI and Anthropic stream a tool's arguments under these."""

_POSITION: Final = re.compile(r"(?:\w+_)?(?:index|item_id)")
_LAST_OF_ITS_KIND: Final = re.compile(
    r"(?:.*[._\-/ ])?(?:done|stop|completed?|end|finished|failed|incomplete)|.*[a-z](?:Done|Stop|Completed?|End)"
)


def track_kind(path: tuple[str | int, ...], event_type: str) -> TrackKind | None:
    """The kind of track that a string at ``path`` belongs to, ``None`` if it stands alone."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    if name in JSON_NAMES or (name == "delta" and "arguments" in event_type):
        return TrackKind.JSON
    return TrackKind.TEXT if name in TEXT_NAMES or not path else None


def is_position(name: str) -> bool:
    """Whether a member of this name tells tracks apart."""
    return _POSITION.fullmatch(name) is not None


def ends_tracks(event_type: str) -> bool:
    """Whether an event of this type is complete by itself and comes after the pieces it speaks of.

    ``response.output_text.done`` repeats the text whole; ``content_block_stop`` has none.
    """
    return _LAST_OF_ITS_KIND.fullmatch(event_type) is not None
