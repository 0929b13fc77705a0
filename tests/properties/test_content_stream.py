"""Streams: however the text is cut into events and the bytes into reads, the client has the masked whole."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.errors import Code, Refusal
from lawgate.domain.message import apply
from lawgate.domain.processing import Protocol
from lawgate.exchange.stream import Released
from lawgate.mask.json_walk import json_edits
from lawgate.wire.content_type import ContentKind
from tests.masking_world import (
    DONE,
    PEOPLE,
    REPLACE,
    arguments,
    chunk,
    client_text,
    contents,
    documents,
    masked,
    run,
    sse,
    stream_masker,
    tool_arguments,
)

WORDS = st.sampled_from(
    [*PEOPLE, " ", ", ", "\n", "mail ", "me", '"', "\\", "@", "é", "\U0001f600", "4111", "1111", "+49", ". "]
)
TEXTS = st.lists(WORDS, max_size=12).map("".join)
CUT_OFF = Refusal(Code.UPSTREAM_INTERRUPTED, "The model broke off.")
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def cut_up(whole: bytes, sizes: Sequence[int]) -> list[bytes]:
    reads: list[bytes] = []
    at = turn = 0
    while at < len(whole):
        size = sizes[turn % len(sizes)]
        reads.append(whole[at : at + size])
        at, turn = at + size, turn + 1
    return reads


def pieces_of(text: str, sizes: Sequence[int]) -> list[str]:
    pieces: list[str] = []
    at = turn = 0
    while at < len(text):
        size = 1 + sizes[turn % len(sizes)] % 9
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=3), sizes=SIZES, reads=SIZES, finish=st.booleans(), done=st.booleans()
)
def test_each_choice_has_its_text_masked_as_a_whole(
    texts: list[str], sizes: list[int], reads: list[int], *, finish: bool, done: bool
) -> None:
    events: list[bytes] = []
    queues = [pieces_of(text, sizes) for text in texts]
    while any(queues):
        events += [chunk({"content": queue.pop(0)}, choice=choice) for choice, queue in enumerate(queues) if queue]
    events += [chunk({}, "stop", choice=choice) for choice in range(len(texts)) if finish]
    events += [DONE] if done else []
    text = client_text(run(stream_masker(), cut_up(b"".join(events), reads)))
    for choice, whole in enumerate(texts):
        assert contents(text, choice) == masked(whole, "content")
    assert text.endswith("data: [DONE]\n\n") is done


@given(TEXTS, SIZES, SIZES, SIZES)
def test_reads_do_not_matter(text: str, sizes: list[int], first: list[int], second: list[int]) -> None:
    events = b"".join(chunk({"content": piece}) for piece in pieces_of(text, sizes)) + chunk({}, "stop") + DONE
    assert client_text(run(stream_masker(), cut_up(events, first))) == client_text(
        run(stream_masker(), cut_up(events, second))
    )


ARGUMENTS = st.dictionaries(
    st.sampled_from(["to", "phone", "text", "body", PEOPLE[0]]),
    st.one_of(
        TEXTS,
        TEXTS.map(lambda text: json.dumps({"phone": text})),
        st.integers(),
        st.just(4111111111111111),
        st.lists(TEXTS),
    ),
)


@given(value=ARGUMENTS, sizes=SIZES, reads=SIZES, ascii_only=st.booleans())
def test_tool_arguments_are_masked_as_whole_json(
    value: object, sizes: list[int], reads: list[int], *, ascii_only: bool
) -> None:
    whole = json.dumps(value, ensure_ascii=ascii_only)
    events = [chunk(arguments(piece)) for piece in pieces_of(whole, sizes)] + [chunk({}, "tool_calls"), DONE]
    text = client_text(run(stream_masker(), cut_up(b"".join(events), reads)))
    assert json.loads(tool_arguments(text)) == json.loads(apply(whole, json_edits(whole, REPLACE).edits))


@given(TEXTS, SIZES, SIZES, st.integers(0, 400))
def test_after_a_break_the_client_has_the_beginning_masked_and_nothing_more(
    text: str, sizes: list[int], reads: list[int], broken: int
) -> None:
    pieces = pieces_of(text, sizes)
    events = [chunk({"content": piece}) for piece in pieces]
    whole = b"".join(events)[:broken]
    stream = stream_masker()
    releases = [stream.feed(read) for read in cut_up(whole, reads)]
    releases.append(stream.abort(CUT_OFF))
    arrived = 0
    while len(b"".join(events[: arrived + 1])) <= len(whole) and arrived < len(events):
        arrived += 1
    assert contents(client_text(releases)) == masked("".join(pieces[:arrived]), "content")
    assert stream.feed(b"".join(events)) == stream.finish() == Released(releases[-1].cut.__class__(""))


@given(TEXTS, SIZES, SIZES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_protocol_and_any_line_end(text: str, sizes: list[int], reads: list[int], end: str) -> None:
    events = [sse({"type": "x.delta", "index": 0, "text": piece}, "x.delta") for piece in pieces_of(text, sizes)]
    events.append(sse({"type": "x.stop", "index": 0}))
    whole = b"".join(events).replace(b"\n", end.encode())
    found = documents(client_text(run(stream_masker(Protocol.GENERIC), cut_up(whole, reads))).replace(end, "\n"))
    assert "".join(document.get("text", "") for document in found) == masked(text, "text")
    assert found[-1]["type"] == "x.stop"


@given(TEXTS, SIZES, SIZES)
def test_lines_of_json(text: str, sizes: list[int], reads: list[int]) -> None:
    lines = [json.dumps({"response": piece, "done": False}) for piece in pieces_of(text, sizes)]
    whole = "\n".join([*lines, json.dumps({"response": "", "done": True})]).encode()
    found = documents(client_text(run(stream_masker(Protocol.GENERIC, ContentKind.NDJSON), cut_up(whole, reads))))
    assert "".join(document["response"] for document in found) == masked(text, "response")
    assert found[-1]["done"] is True


@given(TEXTS, SIZES, SIZES)
def test_plain_text(text: str, sizes: list[int], reads: list[int]) -> None:
    pieces = [piece for piece in pieces_of(text.replace("\n", " "), sizes) if not piece.startswith((" ", '"'))]
    whole = "".join(f"data: {piece}\n\n" for piece in pieces).encode()
    out = client_text(run(stream_masker(Protocol.GENERIC), cut_up(whole, reads)))
    assert "".join(line.removeprefix("data: ") for line in out.split("\n")) == masked("".join(pieces))


@given(
    st.lists(st.binary(max_size=40), max_size=8),
    st.sampled_from(list(Protocol)),
    st.sampled_from([ContentKind.SSE, ContentKind.NDJSON]),
)
def test_any_bytes_end_in_an_answer(reads: list[bytes], protocol: Protocol, kind: ContentKind) -> None:
    stream = stream_masker(protocol, kind)
    releases = run(stream, [b"data: ", *reads])
    assert releases[-1].ended
    assert stream.finish().ended is False
