"""Edits for a whole JSON text: every string, number and member name is read.

Rule 1: edits are made on the raw text, so that nothing but a span changes: not the order of members,
        not the format of a number, not a repeated member, not white space.
Rule 2: a string that holds JSON (``function.arguments``) is walked too, to ``NESTING_MAX`` levels;
        masking it raw would break it, and escapes would hide what it holds.
Rule 3: what is not read is counted: opaque strings (``OPAQUE``), and JSON nested too deep in strings.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from lawgate.domain import json_text
from lawgate.domain.json_text import NUMBER, STRING, JsonDepthError, decoded, escaped, raw_offsets
from lawgate.domain.json_words import COUNTS, VALUES
from lawgate.domain.message import Edit
from lawgate.mask.json_document import JsonUnreadableError, parse
from lawgate.mask.json_places import COUNT_LENGTH_MAX, Place, places
from lawgate.mask.masker import Masker

NESTING_MAX: Final = 4
"""JSON inside a string inside JSON and so on; real traffic has two (arguments that carry a document)."""

OPAQUE_LENGTH_MIN: Final = 256
OPAQUE: Final = re.compile(rf"data:[a-zA-Z0-9.+/;=_-]*,\S*|[A-Za-z0-9+/_-]{{{OPAQUE_LENGTH_MIN},}}={{0,2}}")
"""An opaque string, matched whole: a data URL (RFC 2397), or 256 or more characters of base64, base64url
or hexadecimal without any white space. Text has a space or a full stop long before."""

WITHHELD: Final = "WITHHELD"
"""The name that a withheld member has among the detectors of edits."""

_IDENTIFIER_MAX: Final = 1e40
_ESCAPED_LETTER: Final = re.compile(r"\\u00[4-7]")
_JSON_SPACE: Final = " \t\r\n"


class JsonFindings(NamedTuple):
    """``edits`` ascending, in code points of the raw text; ``not_inspected`` strings were not read."""

    edits: list[Edit]
    not_inspected: int


_NOTHING: Final = JsonFindings([], 0)


def json_edits(
    raw: str, masker: Masker, *, skip: frozenset[str] = frozenset(), withhold: frozenset[str] = frozenset()
) -> JsonFindings:
    """What is to change in ``raw``, a text that ``parse`` accepts.

    Plain values of the top-level members in ``skip`` pass unread (identifiers that a protocol makes
    up). Objects and arrays under members called ``withhold`` become ``null``. Raises
    ``JsonDepthError`` and whatever a detector raises.
    """
    found = _walk(raw, masker, skip, 0)
    if not withhold or not _may_hold(raw, withhold):
        return found
    return JsonFindings(withheld(raw, found.edits, withhold), found.not_inspected)


def _walk(raw: str, masker: Masker, skip: frozenset[str], nesting: int, around: str = "") -> JsonFindings:
    edits: list[Edit] = []
    not_inspected = 0
    found = _all_places(raw, around, skip) if masker.detection.has_custom else places(raw, around, skip)
    for start, text, name, kind in found:
        if kind == NUMBER:
            edits += [_shifted(edit, start) for edit in number_edits(text, name, masker)]
            continue
        in_string = string_edits(text, name if kind == STRING else None, masker, shift=start, nesting=nesting)
        edits += in_string.edits
        not_inspected += in_string.not_inspected
    return JsonFindings(edits, not_inspected) if edits or not_inspected else _NOTHING


def _all_places(raw: str, around: str, skip: frozenset[str]) -> list[Place]:
    """What ``places`` would say if nothing but what protocols write could be left out."""
    found: list[Place] = []
    for start, end, name, kind, depth in json_text.leaves(raw, around):
        text = raw[start:end]
        if not text or text in VALUES or (depth == 1 and name in skip):
            continue
        if kind != NUMBER or len(text) > COUNT_LENGTH_MAX or name not in COUNTS:
            found.append((start, text, name, kind))
    return found


def number_edits(text: str, name: str, masker: Masker) -> list[Edit]:
    """Edits of one JSON number; a whole number is found in any of its spellings (``4.111e15``, ``-1.0``)."""
    if text.isdigit():
        return masker.number_edits(text, key=name)
    digits = _digits(text)
    return [
        Edit(0, len(text), detector, operator, text, text if replacement == original else replacement)
        for _, _, detector, operator, original, replacement in (masker.number_edits(digits, key=name) if digits else [])
    ]


def _digits(text: str) -> str | None:
    """The digits of a whole number in another spelling, ``None`` if it is none or too large to identify."""
    value = abs(float(text))
    if not (value.is_integer() and value < _IDENTIFIER_MAX):
        return None
    return str(abs(int(Decimal(text))))


def _shifted(edit: Edit, shift: int) -> Edit:
    return edit._replace(start=edit.start + shift, end=edit.end + shift)


def string_edits(raw: str, name: str | None, masker: Masker, *, shift: int = 0, nesting: int = 0) -> JsonFindings:
    """Edits in the inside of one JSON string that begins at ``shift``."""
    escapes = "\\" in raw
    text = decoded(raw) if escapes else raw
    not_inspected = 0
    if holds_json(text) and _is_json(text):
        inner = _nested(text, name or "", masker, nesting)
        if inner is not None:
            return JsonFindings(_lifted(inner.edits, raw, shift), inner.not_inspected)
        not_inspected = 1
    elif is_opaque(text):
        return JsonFindings([], 1)
    # Without escapes nothing that an operator leaves has to be escaped, unless the original had.
    edits = _lifted(masker.edits(text, key=name), raw, shift) if escapes else masker.edits(text, key=name, shift=shift)
    return JsonFindings(edits, not_inspected) if edits or not_inspected else _NOTHING


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except JsonUnreadableError:
        return False
    return True


def _nested(text: str, name: str, masker: Masker, nesting: int) -> JsonFindings | None:
    """What is to change in JSON inside a string, ``None`` if it is nested too deep to be walked."""
    if nesting == NESTING_MAX:
        return None
    try:
        return _walk(text, masker, frozenset(), nesting + 1, name)
    except JsonDepthError:
        return None


def _lifted(edits: list[Edit], raw: str, shift: int) -> list[Edit]:
    """Edits of a decoded string as edits of the raw one, shifted."""
    if "\\" not in raw:
        return [
            Edit(start + shift, end + shift, detector, operator, original, escaped(replacement))
            for start, end, detector, operator, original, replacement in edits
        ]
    ends = raw_offsets(raw, [offset for edit in edits for offset in (edit.start, edit.end)])
    lifted: list[Edit] = []
    for edit, start, end in zip(edits, ends[::2], ends[1::2], strict=True):
        original = raw[start:end]
        kept = edit.replacement == edit.original
        replacement = original if kept else escaped(edit.replacement)
        lifted.append(Edit(start + shift, end + shift, edit.detector, edit.operator, original, replacement))
    return lifted


def holds_json(text: str) -> bool:
    """Whether a string may hold JSON of its own: an object, an array, or a string with escapes."""
    first = text[:1]
    if first in _JSON_SPACE:
        first = text.lstrip(_JSON_SPACE)[:1]
    return first in {"{", "["} or (first == '"' and "\\" in text)


def is_opaque(text: str) -> bool:
    """Whether a string is data that no detector of text can read (see ``OPAQUE``)."""
    if len(text) < OPAQUE_LENGTH_MIN and not text.startswith("data:"):
        return False
    return OPAQUE.fullmatch(text) is not None


def withheld(raw: str, edits: list[Edit], names: frozenset[str]) -> list[Edit]:
    """``edits`` with the objects and arrays under ``names`` replaced by ``null``.

    ``logprobs`` repeat the answer token by token, so they would leak what was masked in it.
    """
    ranges = json_text.containers(raw, names)
    kept = [edit for edit in edits if not any(start <= edit.start < end for start, end in ranges)]
    kept += [Edit(start, end, WITHHELD, "redact", raw[start:end], "null") for start, end in ranges]
    return sorted(kept)


def _may_hold(raw: str, names: frozenset[str]) -> bool:
    """Whether a container under one of ``names`` may be there: the usual ``"logprobs":null`` is none."""
    needles, pattern = _container_pattern(names)
    for needle in needles:
        if needle in raw and pattern.search(raw):
            return True
    return "\\u00" in raw and _ESCAPED_LETTER.search(raw) is not None


@lru_cache(maxsize=16)
def _container_pattern(names: frozenset[str]) -> tuple[list[str], re.Pattern[str]]:
    """Names of which one is in every text that has any of ``names``, and how a container under one begins."""
    any_name = "|".join(re.escape(name) for name in sorted(names))
    needles = [name for name in names if not any(other != name and other in name for other in names)]
    return needles, re.compile(rf'(?:{any_name})"\s*+:\s*+[\[{{]')
