"""What is sent and answered: always the same bytes, so that runs can be compared.

Rule 1: people and addresses are made up; sizes are those of the design: 1.5 kB asked, 1 kB answered.
Rule 2: the request's ``model`` tells our own upstream what to answer: ``whole``, ``seen``, ``hold`` or
        ``events-COUNT-RATE-TOGETHER``. Other upstreams ignore it.
"""

import json
from functools import cache
from typing import Final

EMAIL: Final = "anna.schmidt@example.de"
ANSWER_EMAIL: Final = "claims@northwind.example"
ANSWER_PHONE: Final = "+49 30 901820"
STREAM_EMAIL: Final = "bob.miller@example.org"
TEMPLATE: Final = "<EMAIL>"
"""What ``replace`` puts in an address's place."""

CHAT: Final = "/v1/chat/completions"
DONE: Final = b"data: [DONE]\n\n"

_QUESTION: Final = (
    "Dear team, I would like to know what became of the claim that I sent you three weeks ago. The reference "
    f"is in the attachment. Please write to me at {EMAIL} or call me. "
)
_FILLER: Final = "I have been a customer of yours for many years and have never had a reason to complain until now. "
_PROMISE: Final = (
    "Thank you for your message. We have looked at the matter, and our colleagues in the claims department will "
    "come back to you within three working days. "
)
_WORDS: Final = "thank you for your message we have looked at the matter and will come back to you soon".split()
_EVERY: Final = 20
"""One piece in so many begins an address that the next piece ends."""


def request_body(model: str = "whole", *, stream: bool = False) -> bytes:
    """A chat of 1.5 kB with one e-mail address."""
    messages = [
        {"role": "system", "content": "You answer customers politely and briefly."},
        {"role": "user", "content": _QUESTION + _FILLER * 12},
    ]
    asked: dict[str, object] = {"model": model, "messages": messages}
    return _compact(asked | {"stream": True} if stream else asked)


def whole_answer() -> bytes:
    """A completion of 1 kB with an e-mail address and a phone number. Neither a quote nor a dollar: nginx says it."""
    contact = f"If you need anything else in the meantime, call us on {ANSWER_PHONE} or write to {ANSWER_EMAIL}. "
    return _completion(_PROMISE + contact + _PROMISE * 3 + "Kind regards, the team.")


def seen_answer(body: bytes) -> bytes:
    """Says whether the address of ``request_body`` arrived in clear."""
    return _completion("clear" if EMAIL.encode() in body else "masked")


def content_of(answer: bytes) -> str:
    """What a completion says."""
    return str(json.loads(answer)["choices"][0]["message"]["content"])


def piece(number: int) -> str:
    """The text of one event; an address is cut in two now and then."""
    if number % _EVERY == _EVERY // 2:
        return STREAM_EMAIL[:9]
    if number % _EVERY == _EVERY // 2 + 1:
        return STREAM_EMAIL[9:] + " "
    return _WORDS[number % len(_WORDS)] + " "


@cache
def event(number: int) -> bytes:
    """One event of a streamed completion."""
    return _event({"content": piece(number)}, None)


def last_events() -> bytes:
    """Two more: the finish reason and the end."""
    return _event({}, "stop") + DONE


def stream_text(count: int, *, masked: bool) -> str:
    """What a stream of ``count`` pieces says in all."""
    text = "".join(map(piece, range(count)))
    return text.replace(STREAM_EMAIL, TEMPLATE) if masked else text


def said_in(stream: bytes) -> tuple[int, str]:
    """How many events a whole stream has, and what they say together."""
    said = []
    events = [each for each in stream.split(b"\n\n") if each]
    for each in events:
        data = each.removeprefix(b"data: ")
        if data != b"[DONE]":
            said += [choice["delta"].get("content") or "" for choice in json.loads(data)["choices"]]
    return len(events), "".join(said)


def head(method: str, path: str, body: bytes, credential: str | None = None) -> bytes:
    """A whole request as it goes over the wire; the connection is kept."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    if credential:
        lines.append(f"authorization: Bearer {credential}")
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def _completion(content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 320, "completion_tokens": 160, "total_tokens": 480}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return _compact({"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
                    | {"usage": usage})  # fmt: skip


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + _compact(chunk) + b"\n\n"


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
