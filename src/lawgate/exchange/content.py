"""A whole body: what is in it, and what leaves in its place.

Rule 1: a body that cannot be read by its kind's rules is refused, never passed on (law 3).
Rule 2: where nothing changes, the bytes that came are the bytes that leave.
Rule 3: everything here is about one body; which bodies may pass unread is the policy's to say.
"""

from typing import Any, Final, NamedTuple

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.json_text import JsonDepthError
from lawgate.domain.message import CutText, Direction, Edit, apply, count_by_detector, cut
from lawgate.domain.processing import MaskProfile
from lawgate.mask.json_document import JsonUnreadableError, parse
from lawgate.mask.json_walk import JsonFindings, json_edits
from lawgate.mask.masker import Masker
from lawgate.wire.content_type import ContentKind
from lawgate.wire.protocol import Wire

_EMPTY: Final[frozenset[str]] = frozenset()
_UNREADABLE: Final = {Direction.REQUEST: Code.BODY_UNREADABLE, Direction.ANSWER: Code.ANSWER_UNREADABLE}


class Inspection(NamedTuple):
    """What was found in one body.

    ``cut.received()`` is the body that came, ``cut.forwarded()`` and ``forward`` (in UTF-8) what leaves.
    ``document`` is the decoded JSON, before masking; of a repeated member it has the last.
    """

    cut: CutText
    forward: bytes
    counts: dict[str, int]
    not_inspected: int
    document: Any = None


def withheld_members(wire: Wire, profile: MaskProfile | None) -> frozenset[str]:
    """The members of answers that become ``null`` under a profile: none if it keeps everything."""
    if profile is None:
        return _EMPTY
    operators = {profile.default, *profile.by_detector.values()}
    return wire.withhold if operators != {"keep"} else _EMPTY


def inspect(
    body: bytes,
    kind: ContentKind,
    masker: Masker,
    direction: Direction = Direction.REQUEST,
    *,
    skip: frozenset[str] = _EMPTY,
    withhold: frozenset[str] = _EMPTY,
) -> Inspection:
    """Read a body in full and mask it by the masker's profile.

    For answers ``skip`` is the wire's ``skip``, ``withhold`` what ``withheld_members`` says. Raises
    ``RefusedError``: ``body_unreadable`` or ``answer_unreadable`` when it is not UTF-8 or not what its
    content type says, ``content_type_unsupported`` for kinds that cannot be read whole,
    ``detection_failed`` when a detector raises.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise refuse(_UNREADABLE[direction], "The body is not UTF-8; send it in UTF-8.") from None
    try:
        found, document = _found(text, kind, masker, skip, withhold)
    except RefusedError:
        raise
    except (JsonUnreadableError, JsonDepthError) as error:
        raise refuse(_UNREADABLE[direction], f"The body cannot be read: {error}.", detail=str(error)) from None
    except Exception as error:  # noqa: BLE001 - law 3: whatever a detector raises must refuse
        raise refuse(
            Code.DETECTION_FAILED,
            "The body could not be searched for personal data; tell whoever runs this gateway.",
            detail=type(error).__name__,
        ) from None
    if not found.edits:
        return Inspection(CutText(text), body, {}, found.not_inspected, document)
    masked = apply(text, found.edits)
    forward = masked.encode() if masked != text else body
    return Inspection(cut(text, found.edits), forward, count_by_detector(found.edits), found.not_inspected, document)


def _found(
    text: str, kind: ContentKind, masker: Masker, skip: frozenset[str], withhold: frozenset[str]
) -> tuple[JsonFindings, Any]:
    if not text:
        return JsonFindings([], 0), None
    if kind is ContentKind.JSON:
        document = parse(text)
        return json_edits(text, masker, skip=skip, withhold=withhold), document
    if kind is ContentKind.TEXT:
        return JsonFindings(masker.edits(text), 0), None
    if kind is ContentKind.NDJSON:
        return _lines_found(text, masker, skip, withhold), None
    raise refuse(
        Code.CONTENT_TYPE_UNSUPPORTED,
        "A body of this content type cannot be searched for personal data; send JSON in UTF-8.",
    )


def _lines_found(text: str, masker: Masker, skip: frozenset[str], withhold: frozenset[str]) -> JsonFindings:
    edits: list[Edit] = []
    not_inspected = 0
    at = 0
    for line in text.split("\n"):
        if line.strip():
            parse(line)
            found = json_edits(line, masker, skip=skip, withhold=withhold)
            edits += [edit._replace(start=edit.start + at, end=edit.end + at) for edit in found.edits]
            not_inspected += found.not_inspected
        at += len(line) + 1
    return JsonFindings(edits, not_inspected)
