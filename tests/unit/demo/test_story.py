"""The story notices what is not as it should be, and its values are ones that the gateway finds.

The other side of every call is a transport of httpx here; the real processes are in ``tests/system``.
"""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from lawgate.demo import replies, story
from lawgate.demo.page import Page
from lawgate.demo.stage import Stage
from lawgate.domain.processing import MaskProfile
from lawgate.mask.engine import compile_detection
from lawgate.mask.masker import Masker

MASKED = "Tell <EMAIL> (phone <PHONE>) that we refund card [REDACTED], or else account <IBAN>."
ANSWER = f"You wrote: {MASKED} I will tell [REDACTED] and pay to [REDACTED]."
STREAMED = "You wrote: Who gets the money? I will tell [REDACTED] and pay to [REDACTED]."


def sse(*texts: str, end: str = "data: [DONE]\n\n") -> str:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end


class World:
    """An identity provider, a model and a gateway that behave as their attributes say."""

    def __init__(self) -> None:
        self.token_status = 200
        self.model_saw = MASKED
        self.answer = ANSWER
        self.stream = sse(STREAMED[:40], STREAMED[40:])
        self.streamed_pieces = list(replies.reply_to(story.chat(story.STREAMED_QUESTION)).pieces)
        self.refusal = (403, "purpose_none")
        self.seen = ["x1", "x2"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/token":
            return httpx.Response(self.token_status, json={"access_token": request.headers["authorization"]})
        if path == "/demo/seen":
            return httpx.Response(200, json=[self.remembered(exchange) for exchange in self.seen])
        return self.gateway(request)

    def remembered(self, exchange: str) -> dict[str, object]:
        body = json.dumps(story.chat(self.model_saw))
        return {"exchange": exchange, "body": body, "pieces": self.streamed_pieces if exchange == "x2" else ["Yes."]}

    def gateway(self, request: httpx.Request) -> httpx.Response:
        if "aW50ZXJu" in request.headers["authorization"]:
            status, code = self.refusal
            body = {"error": {"code": code, "message": "No."}}
            return httpx.Response(status, json=body, headers={"lawgate-exchange-id": "x3"})
        if json.loads(request.content).get("stream"):
            return httpx.Response(200, text=self.stream, headers={"lawgate-exchange-id": "x2"})
        whole = {"choices": [{"message": {"content": self.answer}}]}
        return httpx.Response(200, json=whole, headers={"lawgate-exchange-id": "x1"})


def told(world: World, folder: Path) -> str:
    """Tell the story in a world without a real gateway; how it ends."""
    client = httpx.Client(transport=httpx.MockTransport(world))
    stage = Stage(folder, "http://idp", "http://model", "http://gateway", client, ())
    with pytest.raises(story.StepFailedError) as caught:
        story.tell(stage, Page(lambda _line: None, story.PERSONAL), lambda: None)
    return str(caught.value)


def test_the_requests_of_a_right_world_pass_and_then_there_is_no_record(tmp_path: Path) -> None:
    assert told(World(), tmp_path).startswith("record: FileNotFoundError")


WRONG: list[tuple[Callable[[World], None], str]] = [
    (lambda world: setattr(world, "token_status", 503), "identity: no token for support-desk"),
    (lambda world: setattr(world, "model_saw", story.QUESTION), f"governed request: the model saw {story.EMAIL}"),
    (lambda world: setattr(world, "model_saw", MASKED.replace("<IBAN>", story.IBAN)), "governed request: the model"),
    (lambda world: setattr(world, "model_saw", "nothing"), "governed request: the model did not see <EMAIL>"),
    (lambda world: setattr(world, "answer", f"{ANSWER} {replies.IBAN}"), "governed request: the client got DE89"),
    (lambda world: setattr(world, "seen", []), "governed request: the model saw exchange x1 0 times"),
    (lambda world: setattr(world, "seen", ["x1", "x1"]), "governed request: the model saw exchange x1 2 times"),
    (lambda world: setattr(world, "stream", sse("a", replies.EMAIL)), "streamed request: the client got sam.berg"),
    (lambda world: setattr(world, "stream", sse("sam.berg@cl", "aims.example")), "streamed request: the client got"),
    (lambda world: setattr(world, "stream", sse(STREAMED)), "streamed request: the answer did not come in pieces"),
    (lambda world: setattr(world, "stream", sse("a", "b")), "streamed request: the client did not get two masks"),
    (lambda world: setattr(world, "stream", sse("a", end="")), "streamed request: the stream has no end mark"),
    (lambda world: setattr(world, "stream", "data: {"), "streamed request: JSONDecodeError"),
    (lambda world: setattr(world, "streamed_pieces", ["Yes."]), "streamed request: the model sent no personal data"),
    (lambda world: setattr(world, "refusal", (200, "")), "refused request: the gateway answered 200"),
    (lambda world: setattr(world, "refusal", (403, "other")), "refused request: the refusal's code is other"),
    (lambda world: setattr(world, "seen", ["x1", "x2", "x3"]), "refused request: the model saw the request"),
]


@pytest.mark.parametrize(("breaks", "named"), WRONG, ids=[named[:40] for _, named in WRONG])
def test_a_step_that_did_not_happen_is_named(breaks: Callable[[World], None], named: str, tmp_path: Path) -> None:
    world = World()
    breaks(world)
    assert told(world, tmp_path).startswith(named)


def test_the_gateways_own_detectors_find_every_value_of_the_story() -> None:
    masker = Masker(compile_detection(), MaskProfile("all", "replace"), bytes(32))
    found = {story.QUESTION[edit.start : edit.end] for edit in masker.edits(story.QUESTION)}
    assert found == set(story.CLIENTS_DATA)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (f"to {story.EMAIL}".encode(), [story.EMAIL]),
        (story.CARD.replace(" ", "").encode(), [story.CARD]),
        (replies.IBAN.encode() + b"\0" + story.IBAN.encode(), [story.IBAN, replies.IBAN]),
        (b"<EMAIL> 4111", []),
    ],
)
def test_values_in_clear_are_found_in_files(data: bytes, found: list[str]) -> None:
    assert story.in_clear(data) == found


def test_a_file_that_holds_a_value_is_named(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "evidence.db").write_bytes(b"\0" + story.EMAIL.encode() + b"\0")
    (tmp_path / "gateway.log").write_text("<EMAIL>")
    assert story.files_in_clear(tmp_path) == {"evidence.db": [story.EMAIL]}


def test_pieces_are_the_texts_of_a_streams_events() -> None:
    assert story.pieces_of(sse("a", "", "b")) == ["a", "b"]


def test_json_is_cut_down_to_where_something_was_found() -> None:
    shown = 'why\n\nREQUEST\n{\n  "a": 1,\n  "b": "to [EMAIL]",\n  "c": [\n    1\n  ]\n}\n\nend [x]\n'
    assert story.without_json(shown) == 'why\n\nREQUEST\n...\n  "b": "to [EMAIL]",\n...\n\nend [x]'
