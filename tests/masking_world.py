"""What tests of bodies and streams share: a real masker, people who do not exist, events of real shapes."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

from lawgate.domain.message import CutText, apply
from lawgate.domain.processing import MaskProfile, Protocol
from lawgate.exchange.stream import Released, StreamMasker
from lawgate.mask.engine import Candidate, Detection, compile_detection
from lawgate.mask.masker import Masker
from lawgate.wire.content_type import ContentKind
from lawgate.wire.protocol import wire_for

EMAIL: Final = "anna.schmidt@example.de"
CARD: Final = "4111111111111111"
PHONE: Final = "+49 30 901820"
IBAN: Final = "DE89 3704 0044 0532 0130 00"
PEOPLE: Final = (EMAIL, "bob@example.org", "4111 1111 1111 1111", PHONE, IBAN)

DETECTION: Final = compile_detection()
REPLACE: Final = Masker(DETECTION, MaskProfile("replace", "replace"), b"k" * 32)
KEEP: Final = Masker(DETECTION, None, b"k" * 32)

EXCHANGE: Final = "0" * 32


def masked(text: str, key: str | None = None, masker: Masker = REPLACE) -> str:
    """``text`` as a whole, masked: what every other way is compared with."""
    return apply(text, masker.edits(text, key=key))


def break_detection(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """Let every detection of a text that holds ``word`` raise, as a broken detector would."""
    candidates = Detection.candidates

    def raising(self: Detection, text: str, *, key: str | None = None, before: str = "") -> list[Candidate]:
        if word in text:
            raise RuntimeError(f"a detector fell over {text!r}")
        return candidates(self, text, key=key, before=before)

    monkeypatch.setattr(Detection, "candidates", raising)


# ---- events ---------------------------------------------------------------------------------------


def sse(document: object, name: str = "") -> bytes:
    """One event, as servers write it."""
    data = json.dumps(document, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def chunk(delta: dict[str, Any], finish: str | None = None, choice: int = 0, **members: Any) -> bytes:
    """A chunk of a streamed chat completion."""
    choices = [{"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_800_000_000, "model": "gpt-4o"}
    return sse({**head, "choices": choices, **members})


def arguments(piece: str, call: int = 0, **members: Any) -> dict[str, Any]:
    """The delta of a tool call."""
    return {"tool_calls": [{"index": call, **members, "function": {"arguments": piece}}]}


DONE: Final = b"data: [DONE]\n\n"

# ---- running a stream -----------------------------------------------------------------------------


def stream_masker(
    protocol: Protocol = Protocol.OPENAI, kind: ContentKind = ContentKind.SSE, masker: Masker = REPLACE
) -> StreamMasker:
    """A stream of answers with what an answer withholds."""
    wire = wire_for(protocol)
    return StreamMasker(wire, kind, masker, exchange_id=EXCHANGE, withhold=wire.withhold)


def run(stream: StreamMasker, reads: Iterable[bytes]) -> list[Released]:
    """Every release of a stream, its end included."""
    releases: list[Released] = []
    for read in reads:
        releases.append(stream.feed(read))
        if releases[-1].ended:
            return releases
    return [*releases, stream.finish()]


def client_text(releases: Sequence[Released]) -> str:
    """What the client has in the end."""
    return "".join(release.cut.forwarded() for release in releases) + releases[-1].tail.forwarded()


def documents(text: str) -> list[Any]:
    """The JSON of each event that a client reads, the terminal one left out."""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith(("data: ", "{"))]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def contents(text: str, choice: int = 0) -> str:
    """The text of one choice, joined as a client joins it."""
    return "".join(
        each["delta"].get("content") or ""
        for document in documents(text)
        for each in document.get("choices", ())
        if each["index"] == choice
    )


def tool_arguments(text: str, call: int = 0) -> str:
    """The arguments of one tool call of the first choice, joined."""
    return "".join(
        each["function"].get("arguments") or ""
        for document in documents(text)
        for choice in document.get("choices", ())
        for each in choice["delta"].get("tool_calls", ())
        if each["index"] == call
    )


def all_of(cut: CutText) -> str:
    """Everything in a cut text that may lie in clear: its text and what was forwarded."""
    return cut.text + "".join(mark.replacement for mark in cut.marks)
