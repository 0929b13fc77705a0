import json

import pytest

from lawgate.domain.errors import Code, Refusal
from lawgate.domain.processing import Protocol
from lawgate.exchange.stream import Released, cut_of, refusal_of
from lawgate.wire.content_type import ContentKind
from tests.masking_world import (
    CARD,
    DONE,
    EMAIL,
    KEEP,
    all_of,
    arguments,
    break_detection,
    chunk,
    client_text,
    contents,
    documents,
    run,
    sse,
    stream_masker,
    tool_arguments,
)

CUT_OFF = Refusal(Code.UPSTREAM_INTERRUPTED, "The model broke off.")


def test_text_without_personal_data_passes_with_its_bytes() -> None:
    reads = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hello, "}), chunk({}, "stop"), DONE]
    releases = run(stream_masker(), reads)
    assert client_text(releases).encode() == b"".join(reads)
    assert [release.cut.forwarded().encode() for release in releases[:2]] == reads[:2]


def test_a_span_split_over_events_is_masked() -> None:
    pieces = ["mail anna", ".schmidt@exa", "mple.de today"]
    releases = run(stream_masker(), [*(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"), DONE])
    assert contents(client_text(releases)) == "mail <EMAIL> today"
    assert sum(release.events for release in releases) == 5
    assert [mark.detector for release in releases for mark in release.cut.marks] == ["EMAIL"]


def test_the_terminal_event_is_the_tail_and_nothing_follows_it() -> None:
    stream = stream_masker()
    stream.feed(chunk({"content": "Hi, "}))
    last = stream.feed(chunk({}, "stop") + DONE + chunk({"content": EMAIL}))
    assert (last.ended, last.complete, last.tail.forwarded()) == (True, True, "data: [DONE]\n\n")
    assert stream.feed(chunk({"content": "more"})) == stream.finish() == Released(cut_of([]))
    assert stream.abort(CUT_OFF).tail.forwarded() == ""


@pytest.mark.parametrize(
    "done", [b"data:[DONE]\n\n", b"data: [DONE] \n\n", b"data: [DONE]\r\n\r\n", b"event: x\ndata: [DONE]\n\n"]
)
def test_the_terminal_event_in_other_spellings(done: bytes) -> None:
    releases = run(stream_masker(), [chunk({"content": "Hi, "}), done])
    assert releases[-1].tail.forwarded().encode() == done


def test_the_terminal_event_counts_without_its_blank_line() -> None:
    last = run(stream_masker(), [chunk({"content": EMAIL}), b"data: [DONE]"])[-1]
    assert (last.complete, last.tail.forwarded()) == (True, "data: [DONE]")
    assert contents(last.cut.forwarded()) == "<EMAIL>"


def test_held_text_leaves_before_its_choice_is_finished() -> None:
    releases = run(stream_masker(), [chunk({"content": EMAIL}), chunk({}, "stop"), DONE])
    found = documents(client_text(releases))
    assert [document["choices"][0]["finish_reason"] for document in found] == [None, None, "stop"]
    assert found[1]["choices"][0]["delta"] == {"content": "<EMAIL>"}
    assert {key: found[1][key] for key in ("id", "object", "created", "model")} == {
        key: found[0][key] for key in ("id", "object", "created", "model")
    }


def test_held_text_leaves_in_the_event_that_finishes_when_it_carries_text() -> None:
    releases = run(stream_masker(), [chunk({"content": "anna@"}), chunk({"content": "example.de"}, "stop"), DONE])
    found = documents(client_text(releases))
    assert len(found) == 2
    assert found[1]["choices"][0]["delta"]["content"] == "<EMAIL>"


def test_held_text_leaves_at_the_end_without_any_finish() -> None:
    for reads in ([chunk({"content": EMAIL}), DONE], [chunk({"content": EMAIL})]):
        releases = run(stream_masker(), reads)
        assert contents(client_text(releases)) == "<EMAIL>"
        assert releases[-1].tail.forwarded() != ""
        assert releases[-1].complete is (len(reads) > 1)


def test_an_end_before_the_terminal_event_is_told_as_an_error() -> None:
    """A body without a length ends like that when its sender dies: clients would take it for the answer's end."""
    stream = stream_masker()
    first = stream.feed(chunk({"content": EMAIL}))
    last = stream.finish(CUT_OFF)
    assert (last.ended, last.complete, last.refusal) == (True, False, CUT_OFF)
    assert contents(first.cut.forwarded() + last.cut.forwarded()) == "<EMAIL>"
    assert json.loads(last.tail.forwarded().removeprefix("data: "))["error"]["code"] == CUT_OFF.code.value
    for done in (DONE, DONE.strip()):
        whole = stream_masker()
        whole.feed(chunk({"content": EMAIL}) + done)
        assert whole.finish(CUT_OFF).refusal is None


def test_nothing_runs_into_a_last_event_without_its_blank_line() -> None:
    """LitServe ends a failed stream like that."""
    for incomplete in (None, CUT_OFF):
        stream = stream_masker()
        text = stream.feed(chunk({"content": "the word"}) + b'data: {"error": {"message": "no"}}').cut.forwarded()
        last = stream.finish(incomplete)
        text += last.cut.forwarded() + last.tail.forwarded()
        events = [json.loads(event.removeprefix("data: ")) for event in text.split("\n\n") if event]
        assert {"error": {"message": "no"}} in events
        assert contents(text) == "the word"


def test_a_protocol_without_a_terminal_event_ends_as_it_ends() -> None:
    stream = stream_masker(Protocol.GENERIC)
    stream.feed(b"data: " + EMAIL.encode())
    last = stream.finish(CUT_OFF)
    assert (last.complete, last.refusal, last.tail.forwarded()) == (True, None, "data: <EMAIL>")


def test_usage_passes_once_and_is_not_repeated_with_held_text() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    reads = [chunk({"content": EMAIL}, usage=usage), chunk({}, "stop"), sse({"choices": [], "usage": usage}), DONE]
    found = documents(client_text(run(stream_masker(), reads)))
    assert [document.get("usage") for document in found] == [usage, None, None, usage]


def test_choices_in_turn_do_not_mix() -> None:
    reads = [
        chunk({"content": "call +49 "}, choice=0),
        chunk({"content": "mail bob@"}, choice=1),
        chunk({"content": "30 901820"}, choice=0),
        chunk({"content": "example.org"}, choice=1),
        chunk({}, "stop", choice=1),
        chunk({}, "stop", choice=0),
        DONE,
    ]
    text = client_text(run(stream_masker(), reads))
    assert contents(text, 0) == "call <PHONE>"
    assert contents(text, 1) == "mail <EMAIL>"


def test_two_choices_in_one_event_do_not_mix() -> None:
    def both(first: str, second: str) -> bytes:
        choices = [{"index": 1, "delta": {"content": first}}, {"index": 0, "delta": {"content": second}}]
        return sse({"id": "x", "choices": choices})

    text = client_text(run(stream_masker(), [both("anna@exam", "bob@"), both("ple.de ", "example.org, "), DONE]))
    assert contents(text, 1) == "<EMAIL> "
    assert contents(text, 0) == "<EMAIL>, "


def test_tool_arguments_stay_json_and_their_names_are_not_repeated() -> None:
    pieces = ['{"to":"an', "na\\u00", '40example.de","text":"line\\', 'n2","card":41111111', '11111111,"x":[true]}']
    reads = [chunk(arguments("", id="call_1", type="function")), *(chunk(arguments(piece)) for piece in pieces)]
    text = client_text(run(stream_masker(), [*reads, chunk({}, "tool_calls"), DONE]))
    found = json.loads(tool_arguments(text))
    assert found["to"] == "<EMAIL>"
    assert found["text"] == "line\n2"
    assert str(found["card"]) != CARD
    assert text.count("call_1") == 1


def test_parallel_tool_calls_do_not_mix() -> None:
    reads = [
        chunk(arguments('{"a":"anna@', 0)),
        chunk(arguments('{"b":"bob@', 1)),
        chunk(arguments('example.de"}', 0)),
        chunk(arguments('example.org"}', 1)),
        DONE,
    ]
    text = client_text(run(stream_masker(), reads))
    assert [tool_arguments(text, call) for call in (0, 1)] == ['{"a":"<EMAIL>"}', '{"b":"<EMAIL>"}']


@pytest.mark.parametrize("member", ["content", "refusal", "reasoning_content", "reasoning"])
def test_every_text_of_a_delta_is_a_track(member: str) -> None:
    text = client_text(run(stream_masker(), [chunk({member: "anna@exa"}), chunk({member: "mple.de"}), DONE]))
    assert "".join(document["choices"][0]["delta"][member] for document in documents(text)) == "<EMAIL>"


def test_legacy_completions_are_tracks_too() -> None:
    def legacy(text: str, finish: str | None = None) -> bytes:
        return sse({"id": "c", "choices": [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish}]})

    text = client_text(run(stream_masker(), [legacy("anna@exa"), legacy("mple.de"), legacy("", "stop"), DONE]))
    assert "".join(document["choices"][0]["text"] for document in documents(text)) == "<EMAIL>"


def test_log_probabilities_are_withheld() -> None:
    event = {"choices": [{"index": 0, "delta": {"content": "x "}, "logprobs": {"content": [{"token": EMAIL}]}}]}
    releases = run(stream_masker(), [sse(event), sse(event), DONE])
    assert EMAIL not in client_text(releases)
    assert documents(client_text(releases))[1]["choices"][0]["logprobs"] is None
    assert "token" not in "".join(all_of(release.cut) for release in releases)


@pytest.mark.parametrize("where", ["id", "x_new_member"])
def test_other_strings_of_events_are_read_whole(where: str) -> None:
    nested = {"choices": [{"index": 0, "delta": {where: EMAIL}}], where: {"deep": [EMAIL, {EMAIL: 1}]}}
    assert EMAIL not in client_text(run(stream_masker(), [sse(nested), sse(nested), DONE]))


def test_comments_and_fields_pass_at_once_and_are_read() -> None:
    stream = stream_masker()
    assert stream.feed(b": keep-alive\n\n").cut.forwarded() == ": keep-alive\n\n"
    assert stream.feed(f": {EMAIL}\n\n".encode()).cut.forwarded() == ": <EMAIL>\n\n"
    text = stream.feed(b"id: anna@example.de\n" + chunk({"content": "Hi, "})).cut.forwarded()
    assert text == "id: <EMAIL>\n" + chunk({"content": "Hi, "}).decode()


def test_data_in_two_lines_is_one_document() -> None:
    event = b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"anna@example.de, "}}]}\n\n'
    text = client_text(run(stream_masker(), [event, DONE]))
    assert text.startswith('data: {"choices":[{"index":0,\ndata: "delta":{"content":"<EMAIL>, "}}]}\n\n')


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {\n\n",
        b"data: hello\n\n",
        b'data: {"x":NaN}\n\n',
        b"data: [DONE] anna@example.de\n\n",
        b"data: \xff\n\n",
        b'data: {"x":"\xed\xa0\x80"}\n\n',
        b"data: " + b"[" * 70 + b"]" * 70 + b"\n\n",
    ],
)
def test_an_unreadable_event_ends_the_stream(bad: bytes) -> None:
    stream = stream_masker()
    held = stream.feed(chunk({"content": "safe, anna@exam"}))
    last = stream.feed(bad + chunk({"content": "more, "}))
    assert last.refusal is not None
    assert last.refusal.code is Code.ANSWER_UNREADABLE
    assert (last.ended, last.complete) == (True, False)
    assert json.loads(last.tail.forwarded().removeprefix("data: "))["error"]["code"] == "answer_unreadable"
    assert "anna" not in held.cut.forwarded() + last.cut.forwarded()
    assert stream.feed(chunk({"content": "more, "})).cut.forwarded() == ""


def test_a_detector_that_raises_ends_the_stream_and_nothing_unmasked_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    break_detection(monkeypatch, "boom")
    releases = run(
        stream_masker(), [chunk({"content": "Hello, "}), chunk({"content": "boom2 "}), chunk({"content": "x, "}), DONE]
    )
    assert contents(releases[0].cut.forwarded()) == "Hello, "
    assert releases[-1].refusal is not None
    assert releases[-1].refusal.code is Code.DETECTION_FAILED
    assert "boom" not in client_text(releases)
    assert "boom" not in f"{releases[-1].refusal}"


def test_an_upstream_that_breaks_off_leaves_what_was_held_and_an_error() -> None:
    stream = stream_masker()
    before = stream.feed(
        chunk({"content": "mail anna@example.de"}) + b'data: {"choices":[{"index":0,"delta":{"content":"bob@'
    )
    last = stream.abort(CUT_OFF)
    assert contents(before.cut.forwarded() + last.cut.forwarded()) == "mail <EMAIL>"
    assert json.loads(last.tail.forwarded().removeprefix("data: "))["error"]["message"] == CUT_OFF.message
    assert (last.refusal, last.ended, last.complete) == (CUT_OFF, True, False)
    assert "bob" not in last.cut.forwarded() + last.tail.forwarded()


def test_keeping_finds_spans_and_leaves_the_text() -> None:
    releases = run(stream_masker(masker=KEEP), [chunk({"content": "anna@exam"}), chunk({"content": "ple.de"}), DONE])
    assert contents(client_text(releases)) == "anna@example.de"
    assert [mark.operator for release in releases for mark in release.cut.marks] == ["keep"]


def test_an_original_is_cut_out_of_what_is_stored() -> None:
    releases = run(stream_masker(), [chunk({"content": EMAIL + ", "}), DONE])
    assert EMAIL not in "".join(all_of(release.cut) for release in releases)
    assert [original for release in releases for original in release.cut.originals] == [EMAIL]


def test_a_failure_names_its_class_only() -> None:
    assert refusal_of(ValueError(EMAIL)).detail == "ValueError"


# ---- any protocol ---------------------------------------------------------------------------------


def delta(text: str) -> bytes:
    body = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return sse(body, "content_block_delta")


def test_the_last_event_is_the_tail_where_no_event_is_terminal() -> None:
    releases = run(stream_masker(Protocol.GENERIC), [delta("Hi, "), sse({"type": "message_stop"})])
    assert releases[-1].tail.forwarded().encode() == sse({"type": "message_stop"})
    assert releases[-1].complete


def test_held_text_leaves_before_the_event_that_stops_its_block() -> None:
    stop = sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    text = client_text(run(stream_masker(Protocol.GENERIC), [delta("anna@exam"), b": ping\n\n", delta("ple.de"), stop]))
    found = documents(text)
    assert "".join(document["delta"]["text"] for document in found[:-1]) == "<EMAIL>"
    assert found[-1] == {"type": "content_block_stop", "index": 0}


def test_an_event_that_repeats_the_text_is_masked_alike() -> None:
    def piece(text: str) -> bytes:
        return sse({"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "delta": text})

    done = sse({"type": "response.output_text.done", "item_id": "i", "output_index": 0, "text": f"mail {EMAIL}"})
    for protocol in (Protocol.OPENAI, Protocol.GENERIC):
        found = documents(
            client_text(run(stream_masker(protocol), [piece("mail anna.schmidt@"), piece("example.de"), done]))
        )
        assert "".join(document.get("delta", "") for document in found) == "mail <EMAIL>"
        assert found[-1]["text"] == "mail <EMAIL>"


def test_held_text_returns_to_the_last_event_when_the_stream_just_ends() -> None:
    releases = run(stream_masker(Protocol.GENERIC), [sse({"result": "x"}), sse({"text": EMAIL})])
    assert documents(client_text(releases)) == [{"result": "x"}, {"text": "<EMAIL>"}]


def test_a_json_rpc_message_is_whole() -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": f"mail {EMAIL}"}]}}
    found = documents(client_text(run(stream_masker(Protocol.GENERIC), [sse(message), sse(message)])))
    assert [document["result"]["content"][0]["text"] for document in found] == ["mail <EMAIL>"] * 2


def test_data_that_is_plain_text_is_one_track() -> None:
    text = client_text(
        run(stream_masker(Protocol.GENERIC), [b"data: mail anna@\n\n", b"data: example.de\ndata: bye\n\n"])
    )
    assert text.replace("data: ", "").replace("\n", "") == "mail <EMAIL>bye"


def test_a_span_split_where_no_text_is_expected_ends_the_stream() -> None:
    releases = run(
        stream_masker(Protocol.GENERIC), [sse({"foo": "anna@exam"}), sse({"foo": "ple.de"}), sse({"foo": "x"})]
    )
    assert releases[-1].refusal is not None
    assert releases[-1].refusal.code is Code.DETECTION_FAILED
    assert "ple.de" not in client_text(releases)


def test_lines_of_json_are_events() -> None:
    def answer(text: str, *, done: bool = False) -> bytes:
        return (
            json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": done}).encode() + b"\n"
        )

    reads = [answer("anna@exam"), answer("ple.de"), answer("", done=True)]
    releases = run(stream_masker(Protocol.GENERIC, ContentKind.NDJSON), reads)
    found = documents(client_text(releases))
    assert "".join(document["message"]["content"] for document in found) == "<EMAIL>"
    assert [document["done"] for document in found] == [False, False, True]
    assert json.loads(releases[-1].tail.forwarded())["done"] is True


def test_an_error_in_lines_of_json_is_a_line() -> None:
    stream = stream_masker(Protocol.GENERIC, ContentKind.NDJSON)
    assert "error" in json.loads(stream.abort(CUT_OFF).tail.forwarded())


def test_a_stream_without_events_ends_empty() -> None:
    last = stream_masker(Protocol.GENERIC).finish()
    assert (last.ended, last.tail.forwarded(), last.events) == (True, "", 0)


def test_strings_that_were_not_read_are_counted() -> None:
    releases = run(
        stream_masker(), [chunk({"audio": {"data": "A" * 300}}), chunk(arguments(json.dumps({"x": "A" * 300}))), DONE]
    )
    assert sum(release.not_inspected for release in releases) == 2
