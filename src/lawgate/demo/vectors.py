"""Embeddings of the model for trials: numbers that depend on the text and mean nothing."""

import sys
from array import array
from base64 import b64encode
from hashlib import shake_256
from typing import Any, Final

from lawgate.demo.replies import AskedWronglyError, number_of, tokens

DIMENSIONS: Final = 16
DIMENSIONS_MAX: Final = 4096
INPUTS_MAX: Final = 2048
"""As OpenAI's own."""

_HALF: Final = 1 << 15


def embeddings(request: Any) -> dict[str, Any]:
    """The answer to a decoded embeddings request. Raises ``AskedWronglyError``."""
    given = request.get("input") if isinstance(request, dict) else None
    inputs = given if isinstance(given, list) and not _is_tokens(given) else [given]
    if not 0 < len(inputs) <= INPUTS_MAX or not all(isinstance(each, str) or _is_tokens(each) for each in inputs):
        raise AskedWronglyError(f"'input' must be text or tokens, or a list of at most {INPUTS_MAX} of them")
    length = number_of(request, "dimensions", DIMENSIONS, DIMENSIONS_MAX)
    packed = request.get("encoding_format") == "base64"
    data = [_item(index, vector(str(each), length), packed=packed) for index, each in enumerate(inputs)]
    count = sum(tokens(str(each)) for each in inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": str(request.get("model", "demo")), "usage": usage}


def vector(text: str, length: int) -> "array[float]":
    """``length`` numbers from -1 to 1, the same for the same text."""
    digest = shake_256(text.encode("utf-8", "surrogatepass")).digest(2 * length)
    pairs = zip(digest[::2], digest[1::2], strict=True)
    return array("f", [(high << 8 | low) / _HALF - 1 for high, low in pairs])


def _item(index: int, numbers: "array[float]", *, packed: bool) -> dict[str, Any]:
    """One embedding: a list, or little-endian 32-bit floats in base64, as SDKs ask by default."""
    shown = b64encode(_little_endian(numbers)).decode() if packed else numbers.tolist()
    return {"object": "embedding", "index": index, "embedding": shown}


def _little_endian(numbers: "array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(token, int) for token in value)
