"""One strict reading of JSON (RFC 8259), used for bodies, events and JSON inside strings.

Rule 1: refused are trailing text, a byte order mark, NaN and Infinity, numbers out of range, control
        characters in strings, and bytes that are not UTF-8.
Rule 2: lone surrogates in escapes pass (section 8.2 calls them unpredictable, broken clients send
        them): msgspec refuses them, so such a text takes the way of the standard library.
"""

import re
from json import JSONDecoder
from typing import Any, Final, NoReturn

import msgspec

from lawgate.domain.errors import LawgateError

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_decode = msgspec.json.Decoder().decode


class JsonUnreadableError(LawgateError):
    """A text is not JSON by RFC 8259; the text is not repeated."""


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_decode_with_surrogates = JSONDecoder(parse_constant=_no_constant).decode


def parse(text: str) -> Any:
    """The value that ``text`` holds; raises ``JsonUnreadableError``."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if isinstance(error, RecursionError) or not _SURROGATE.search(text):
            raise JsonUnreadableError("not JSON by RFC 8259: send one valid JSON text") from None
    try:
        return _decode_with_surrogates(text)
    except (ValueError, RecursionError):
        raise JsonUnreadableError("not JSON by RFC 8259: send one valid JSON text") from None
