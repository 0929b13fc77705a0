"""A model behind LitServe, a real model server, with its OpenAI specification: ``python litserve_app.py PORT FILE``.

Rule 1: what the model is asked is appended to FILE, one JSON list of messages a line.
Rule 2: it repeats what it was told and adds personal data of its own, in pieces that cut it anywhere.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litserve as ls

EMAIL = "sam.berg@claims.example"
IBAN = "DE89 3704 0044 0532 0130 00"


class Parrot(ls.LitAPI):  # type: ignore[misc]
    """Says again what it was told."""

    def __init__(self, record: Path) -> None:
        super().__init__(spec=ls.OpenAISpec())
        self.record = record

    def setup(self, device: str) -> None: ...

    def decode_request(self, request: Any) -> list[dict[str, Any]]:
        messages = [message.model_dump(exclude_none=True) for message in request.messages]
        with self.record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(messages) + "\n")
        return messages

    def predict(self, messages: list[dict[str, Any]]) -> Iterator[str]:
        text = f"You wrote: {messages[-1]['content']} Write to {EMAIL} or pay to {IBAN} soon."
        if "fail please" in text:
            yield text[:12]
            raise RuntimeError("the model fails, as it was asked to")
        yield from (text[start : start + 5] for start in range(0, len(text), 5))

    def encode_response(self, output: Iterator[str]) -> Iterator[dict[str, str]]:
        for piece in output:
            yield {"role": "assistant", "content": piece}


if __name__ == "__main__":
    server = ls.LitServer(Parrot(Path(sys.argv[2])), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
