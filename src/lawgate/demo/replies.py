"""What the model for trials says.

Rule 1: it repeats what it was told, so that a reader sees what reached it, and adds an e-mail address and
        an account number of its own, so that its answers need masking too.
Rule 2: its pieces end in the middle of words and numbers, as those of real models do.
Rule 3: the same request gets the same text, whole or streamed.

A request may say more in its ``metadata``, which OpenAI's API has for notes of the caller, in strings:

========== ===================================================================================
member     meaning
========== ===================================================================================
events     number of pieces; the text is repeated or cut to that many (default: once, in full)
delay_ms   wait before each piece of a stream, in milliseconds (default: none)
========== ===================================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

import msgspec

EMAIL: Final = "sam.berg@claims.example"
IBAN: Final = "DE89 3704 0044 0532 0130 00"
"""The example of the IBAN registry for Germany."""
PIECE_LENGTH: Final = 9
EVENTS_MAX: Final = 100_000
DELAY_MS_MAX: Final = 60_000
CHOICES_MAX: Final = 8
CHARACTERS_A_TOKEN: Final = 4

_encode: Final = msgspec.json.Encoder().encode


class AskedWronglyError(Exception):
    """A request that the API would refuse too; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is written as JSON or as events.

    ``pieces`` are text, or the arguments of a call of the function ``tool``.
    """

    model: str
    pieces: tuple[str, ...]
    tool: str | None
    choices: int
    delay_s: float
    usage: dict[str, int]
    stream: bool
    tell_usage: bool

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.tool else "stop"


def reply_to(request: Any) -> Reply:
    """The reply to a decoded chat completion request. Raises ``AskedWronglyError``."""
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise AskedWronglyError("'messages' must be a list of at least one object")
    prompt = _prompt(messages)
    tool = None if messages[-1].get("role") == "tool" else _tool(request)
    text = _arguments(prompt) if tool else _answer(prompt)
    notes = request.get("metadata") or {}
    pieces = list(split(text))
    events = number_of(notes, "events", len(pieces), EVENTS_MAX)
    pieces = list(islice(cycle(pieces), events)) if tool is None else pieces
    asked, answered = tokens(prompt), tokens("".join(pieces))
    return Reply(
        model=str(request.get("model", "demo")),
        pieces=tuple(pieces),
        tool=tool,
        choices=max(1, number_of(request, "n", 1, CHOICES_MAX)),
        delay_s=number_of(notes, "delay_ms", 0, DELAY_MS_MAX) / 1000,
        usage={"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        stream=request.get("stream") is True,
        tell_usage=(request.get("stream_options") or {}).get("include_usage") is True,
    )


def tokens(text: str) -> int:
    """About as many as a tokenizer would count."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def split(text: str) -> Iterator[str]:
    """Pieces of one length, wherever that cuts."""
    return (text[start : start + PIECE_LENGTH] for start in range(0, len(text), PIECE_LENGTH))


def _answer(prompt: str) -> str:
    return f"You wrote: {prompt} I will tell {EMAIL} and pay to {IBAN}."


def _arguments(prompt: str) -> str:
    return _encode({"to": EMAIL, "account": IBAN, "note": prompt}).decode()


def _prompt(messages: list[dict[str, Any]]) -> str:
    """The text of the last message of the user."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return _text(message.get("content"))
    return ""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _tool(request: dict[str, Any]) -> str | None:
    """The first function on offer, unless the caller wants none called."""
    offered = request.get("tools")
    if not isinstance(offered, list) or not offered or request.get("tool_choice") == "none":
        return None
    function = offered[0].get("function") if isinstance(offered[0], dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise AskedWronglyError("each of 'tools' must have a 'function' with a 'name'")
    return str(function["name"])


def number_of(members: Any, name: str, default: int, most: int) -> int:
    """A whole number that a request may state, as such or in a string. Raises ``AskedWronglyError``."""
    value = members.get(name, default) if isinstance(members, dict) else default
    if value is None:
        return default
    digits = str(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(most)) or int(digits) > most:
        raise AskedWronglyError(f"{name!r} must be a whole number of at most {most}")
    return int(digits)


# ---- as the API writes it ---------------------------------------------------------------------


def whole(reply: Reply, number: int, now: int) -> bytes:
    """The answer in one piece: a ``chat.completion``."""
    choices = [
        {"index": index, "message": _message(reply, number), "logprobs": None, "finish_reason": reply.finish_reason}
        for index in range(reply.choices)
    ]
    return _encode({**_head(reply, number, now, "chat.completion"), "choices": choices, "usage": reply.usage})


def _message(reply: Reply, number: int) -> dict[str, Any]:
    if reply.tool is None:
        return {"role": "assistant", "content": reply.text, "refusal": None}
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [_call(reply, number, reply.text)]}


def _call(reply: Reply, number: int, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{number:08x}", "type": "function", "function": {"name": reply.tool, "arguments": arguments}}


def _head(reply: Reply, number: int, now: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number:08x}", "object": kind, "created": now, "model": reply.model}


def events(reply: Reply, number: int, now: int) -> Iterator[bytes]:
    """The answer piece by piece: ``chat.completion.chunk`` events, and the end mark."""
    head = _head(reply, number, now, "chat.completion.chunk")
    indexes = range(reply.choices)
    for index in indexes:
        yield _event(head, index, _first_delta(reply, number))
    for piece in reply.pieces:
        for index in indexes:
            yield _event(head, index, _delta(reply, piece))
    for index in indexes:
        yield _event(head, index, {}, reply.finish_reason)
    if reply.tell_usage:
        yield b"data: " + _encode({**head, "choices": [], "usage": reply.usage}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _first_delta(reply: Reply, number: int) -> dict[str, Any]:
    if reply.tool is None:
        return {"role": "assistant", "content": ""}
    return {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(reply, number, "")}]}


def _delta(reply: Reply, piece: str) -> dict[str, Any]:
    if reply.tool is None:
        return {"content": piece}
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _event(head: dict[str, Any], index: int, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return b"data: " + _encode({**head, "choices": [choice]}) + b"\n\n"
