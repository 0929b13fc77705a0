"""What the model for trials says."""

import json
from typing import Any

import pytest

from lawgate.demo.replies import DELAY_MS_MAX, EMAIL, EVENTS_MAX, IBAN, AskedWronglyError, events, reply_to, whole

QUESTION = {"role": "user", "content": "Where is my refund?"}
TOOL = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}


def ask(**members: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": [QUESTION], **members}


def chunks(request: dict[str, Any]) -> list[dict[str, Any]]:
    *data, end = events(reply_to(request), 1, 0)
    assert end == b"data: [DONE]\n\n"
    return [json.loads(event.removeprefix(b"data: ")) for event in data]


def streamed_text(request: dict[str, Any], index: int = 0) -> str:
    choices = [choice for chunk in chunks(request) for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def test_it_repeats_what_it_was_told_and_adds_data_of_its_own() -> None:
    text = reply_to(ask()).text
    assert "Where is my refund?" in text
    assert EMAIL in text
    assert IBAN in text


def test_no_piece_holds_its_own_data_whole() -> None:
    pieces = reply_to(ask()).pieces
    assert [piece for piece in pieces if EMAIL in piece or IBAN in piece] == []


def test_whole_and_streamed_say_the_same() -> None:
    message = json.loads(whole(reply_to(ask()), 1, 0))["choices"][0]["message"]
    assert streamed_text(ask(stream=True)) == message["content"] == reply_to(ask()).text


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            [{"role": "user", "content": [{"type": "text", "text": "in"}, {"type": "text", "text": "parts"}]}],
            "in parts",
        ),
        ([QUESTION, {"role": "assistant", "content": "Soon."}, {"role": "user", "content": "When?"}], "When?"),
        ([{"role": "system", "content": "Be kind."}], ""),
        ([{"role": "user", "content": [{"type": "image_url"}, 7]}], ""),
        ([{"role": "user"}], ""),
    ],
)
def test_the_prompt_is_the_last_message_of_the_user(messages: list[dict[str, Any]], expected: str) -> None:
    assert reply_to({"messages": messages}).text.startswith(f"You wrote: {expected} I will")


def test_each_choice_says_it_once() -> None:
    request = ask(n=3, stream=True)
    assert {streamed_text(request, index) for index in range(3)} == {reply_to(ask()).text}
    assert [choice["index"] for choice in json.loads(whole(reply_to(request), 1, 0))["choices"]] == [0, 1, 2]


def test_a_tool_on_offer_is_called_with_the_same_arguments_whole_and_streamed() -> None:
    request = ask(tools=[TOOL])
    choice = json.loads(whole(reply_to(request), 1, 0))["choices"][0]
    call = choice["message"]["tool_calls"][0]["function"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(request)]
    parts = [part["function"] for delta in deltas for part in delta.get("tool_calls", [])]
    assert choice["finish_reason"] == "tool_calls"
    assert call["name"] == parts[0]["name"] == "pay"
    assert call["arguments"] == "".join(part["arguments"] for part in parts)
    assert json.loads(call["arguments"]) == {"to": EMAIL, "account": IBAN, "note": "Where is my refund?"}


@pytest.mark.parametrize(
    "members",
    [{"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "messages": [QUESTION, {"role": "tool"}]}],
    ids=["none wanted", "already called"],
)
def test_a_tool_is_not_called(members: dict[str, Any]) -> None:
    assert reply_to(ask(**members)).finish_reason == "stop"


@pytest.mark.parametrize("count", [0, 1, 500])
def test_metadata_sets_the_number_of_pieces(count: int) -> None:
    assert len(reply_to(ask(metadata={"events": str(count)})).pieces) == count


def test_metadata_sets_the_wait_before_each_piece() -> None:
    assert reply_to(ask(metadata={"delay_ms": "20"})).delay_s == 0.02
    assert reply_to(ask()).delay_s == 0


def test_usage_comes_last_when_asked_for() -> None:
    *_, last = chunks(ask(stream=True, stream_options={"include_usage": True}))
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert all("usage" not in chunk for chunk in chunks(ask(stream=True)))


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        {},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [7]},
        ask(n="-1"),
        ask(n=9),
        ask(n=True),
        ask(tools=[7]),
        ask(tools=[{"function": {}}]),
        ask(metadata={"events": str(EVENTS_MAX + 1)}),
        ask(metadata={"events": "9" * 5000}),
        ask(metadata={"events": "½"}),
        ask(metadata={"delay_ms": str(DELAY_MS_MAX + 1)}),
    ],
)
def test_what_the_api_would_refuse_is_refused(request_: Any) -> None:
    with pytest.raises(AskedWronglyError):
        reply_to(request_)
