"""The laws of the architecture, read off a trace of what happened to one exchange.

Rule: nothing here runs the code under test, but for putting a cut text together again; HTTP is read by hand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lawgate.domain.message import CutText, Mark


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. ``what`` is short and stable; ``data`` is the bytes or the draft that it was about."""

    exchange: str
    what: str
    data: Any = None


def no_forward_without_intent(words: Sequence[str]) -> None:
    if "upstream asked" in words:
        assert "intent durable" in words[: words.index("upstream asked")], words


def no_release_without_record(steps: Sequence[Step]) -> None:
    """Law 2, at each write to the client: what it may hold by then is what is durable by then."""
    received, durable = b"", Durable()
    for step in steps:
        durable.take(step)
        if step.what.startswith("client ") and step.data is not None:
            durable.check(received, step.data)
            received += step.data


class Durable:
    """What the record of one exchange holds so far, and so what its client may have."""

    def __init__(self) -> None:
        self.text = ""
        self.length_b = 0
        self.intended = self.concluded = self.failed = False

    def take(self, step: Step) -> None:
        if step.what == "window durable":
            for label, lines in step.data:
                self._window(label, lines)
        self.intended = self.intended or step.what == "intent durable"
        self.concluded = self.concluded or step.what in {"outcome durable", "refusal durable"}
        self.failed = self.failed or step.what.endswith(" failed")

    def _window(self, label: str, lines: bytes) -> None:
        if label != "answer":
            return
        if b'"sha256"' in lines:  # the purpose keeps no bodies
            self.length_b += int(json.loads(lines)["b"])
        else:
            self.text += forwarded_text(lines)
            self.length_b = len(self.text.encode())

    def check(self, received: bytes, data: bytes) -> None:
        if self.failed:
            assert not received, "bytes left after a record had failed"
            assert data.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), "an answer left without its record"
        elif self.intended and not self.concluded:
            body, complete = dechunked((received + data).partition(b"\r\n\r\n")[2])
            assert not complete, "the last frame left before the outcome"
            assert len(body) <= self.length_b, "bytes left that no durable window holds"
            assert not self.text or self.text.encode().startswith(body), "what left is not what is recorded"


def forwarded_text(lines: bytes) -> str:
    """The text that a series of cut texts let go, rebuilt from what the record holds."""
    text = ""
    for line in lines.splitlines():
        cut = json.loads(line)
        marks = tuple(Mark(*mark) for mark in cut["marks"])
        text += CutText(cut["text"], marks).forwarded()
    return text


def dechunked(raw: bytes) -> tuple[bytes, bool]:
    """RFC 9112 section 7.1, by hand: the bytes so far, and whether the last chunk was there."""
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body, True
        body += raw[:length]
        assert raw[length : length + 2] == b"\r\n"
        raw = raw[length + 2 :]
    return body, False
