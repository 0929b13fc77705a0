"""Reading what others signed: strict base64url and strict JSON objects.

Rule 1: one text has one meaning. A second spelling of the same bytes (padding, stray bits, white
space) and a second value for the same member are refused, because two readers may differ on them
(RFC 7515 section 4 and RFC 7519 section 4 allow refusing duplicates; RFC 8725 section 2.4 says why).
Rule 2: no size, depth or digit count makes reading expensive: callers bound the size first.
"""

import json
import re
from base64 import b64decode, urlsafe_b64encode
from typing import Final, Never

TYPE_NAME: Final = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
"""JSON's own names, for messages to people."""

OPENINGS_MAX: Final = 2000
"""Objects and arrays of one document, and so its depth: a 16 kB token with a role in each of 600 clients has 1200."""

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")


class UnreadableError(ValueError):
    """A text that is not what it must be; the message names the fault and never the text."""


def decode_base64url(text: str) -> bytes:
    """Bytes of an unpadded base64url text (RFC 7515 section 2); raises ``UnreadableError``."""
    if _BASE64URL.fullmatch(text) is None:
        raise UnreadableError("not base64url")
    if len(text) % 4 == 1:
        raise UnreadableError("base64url of an impossible length")
    raw = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if urlsafe_b64encode(raw).rstrip(b"=") != text.encode("ascii"):
        raise UnreadableError("base64url with stray bits at its end")
    return raw


def decode_object(data: bytes) -> dict[str, object]:
    """One JSON object in UTF-8, each member once (RFC 8259 section 4); raises ``UnreadableError``."""
    try:
        value = json.loads(_text(data), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise UnreadableError("JSON nested too deeply") from None
    except UnreadableError:
        raise
    except ValueError:  # malformed, or an integer of more digits than Python converts
        raise UnreadableError("not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableError(f"JSON {TYPE_NAME.get(type(value), 'null')} where an object must be")
    return value


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("not UTF-8") from None
    if text.count("{") + text.count("[") > OPENINGS_MAX:
        raise UnreadableError("JSON with too many objects and arrays")
    return text


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableError("a JSON member twice")
    return members


def _no_constant(_: str) -> Never:
    raise UnreadableError("NaN or Infinity, which JSON has not (RFC 8259 section 6)")
