"""Canonical JSON: one value, one spelling.

Rule 1: the subset of RFC 8785 (JCS) that needs no number formatting and no Unicode ordering:
objects, arrays, booleans, integers below 2**53 and strings of printable ASCII. No null, no floats.
Rule 2: ``json.dumps(value, sort_keys=True, separators=(",", ":"))`` writes exactly the same bytes,
so that a verifier needs nothing but a JSON library.
Rule 3: decoding accepts a spelling only if encoding gives it back, byte for byte.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from lawgate.evidence.errors import EvidenceInputError

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue]"

INTEGER_LIMIT = 2**53
"""Integers lie strictly between minus this and this (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2)."""

SIZE_MAX = 64 * 1024
"""Bytes of one encoded value; the precedent is the 64 KiB entry of C2SP tlog-tiles."""

DEPTH_MAX = 16
"""Nested containers; a leaf needs one."""

_ENCODE = msgspec.json.Encoder(order="sorted").encode
_DECODE = msgspec.json.Decoder().decode


class CanonicalError(EvidenceInputError):
    """Not canonical JSON, or not a value that canonical JSON can hold."""


def encode(value: Mapping[str, JsonValue]) -> bytes:
    """The only spelling of ``value``, at most 64 KiB; raises ``CanonicalError``."""
    members = dict(value)
    _check_object(members, 1)
    return spell(members)


def spell(members: dict[str, JsonValue]) -> bytes:
    """``encode`` for a caller that has checked every member itself."""
    try:
        data = _ENCODE(members)
    except (TypeError, ValueError) as error:
        message = "a value has a type that canonical JSON cannot hold; use str, int, bool, list or dict"
        raise CanonicalError(message) from error
    if len(data) > SIZE_MAX:
        message = f"the value takes {len(data)} bytes, more than the {SIZE_MAX} allowed"
        raise CanonicalError(message)
    return data


def decode(data: bytes) -> dict[str, JsonValue]:
    """The value of a canonical spelling; raises ``CanonicalError`` for every other input."""
    # 1. Bound the work before parsing.
    if len(data) > SIZE_MAX:
        message = f"{len(data)} bytes, more than the {SIZE_MAX} allowed"
        raise CanonicalError(message)
    # 2. Parse. The parser's own recursion guard ends deep nesting.
    try:
        value = _DECODE(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "not JSON"
        raise CanonicalError(message) from error
    if type(value) is not dict:
        message = "not a JSON object"
        raise CanonicalError(message)
    # 3. Writing it again must give the same bytes: this refuses white space, other orders, other
    #    escapes, other spellings of numbers and members given twice (RFC 8785 section 3.1, RFC 7493 section 2.3).
    if encode(value) != data:
        message = "not canonical: another spelling of this value exists (RFC 8785)"
        raise CanonicalError(message)
    return value


def is_plain_text(text: str) -> bool:
    """Whether ``text`` is printable ASCII only: U+0020 to U+007E."""
    return text.isascii() and text.isprintable()


def _check_object(members: Mapping[Any, object], depth: int) -> None:
    for name, member in members.items():
        if not isinstance(name, str) or not is_plain_text(name):
            message = "a member name is not printable ASCII"
            raise CanonicalError(message)
        _check(member, depth)


def _check(value: object, depth: int) -> None:
    kind = type(value)
    if kind is bool:
        return
    if isinstance(value, str):
        if not is_plain_text(value):
            message = "a string is not printable ASCII"
            raise CanonicalError(message)
    elif isinstance(value, int):
        if not -INTEGER_LIMIT < value < INTEGER_LIMIT:
            message = "an integer reaches 2**53"
            raise CanonicalError(message)
    elif depth >= DEPTH_MAX:
        message = f"nested deeper than {DEPTH_MAX}"
        raise CanonicalError(message)
    elif isinstance(value, dict):
        _check_object(value, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    else:
        message = f"canonical JSON cannot hold {kind.__name__}; use str, int, bool, list or dict"
        raise CanonicalError(message)
