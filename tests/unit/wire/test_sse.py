import pytest

from lawgate.wire import sse
from lawgate.wire.sse import BlockSplitter, StreamUnreadableError, data_lines, event, line


def blocks(stream: bytes, size: int, *, events: bool = True) -> list[bytes]:
    splitter = BlockSplitter(events=events)
    found = [block for at in range(0, len(stream), size) for block in splitter.push(stream[at : at + size])]
    return [*found, splitter.finish()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_events_end_in_a_blank_line_however_they_are_cut(end: bytes, size: int) -> None:
    first, second = b"event: x" + end + b"data: 1" + end + end, b": note" + end + end
    assert b"".join(blocks(first + second + b"data: rest", size)) == first + second + b"data: rest"
    assert blocks(first + second + b"data: rest", size) == [first, second, b"data: rest"]


@pytest.mark.parametrize(
    "stream",
    [b"data: a\n\n\ndata: b\n\n", b"\n\n\n", b"\r\n\r\n\n", b"a\r\rb\r\n\n", b"a\n\r\n\r", b"a\r\n\r\n\r\n\r\n"],
)
def test_where_blocks_end_does_not_depend_on_the_reads(stream: bytes) -> None:
    assert len({tuple(blocks(stream, size)) for size in (1, 2, 3, 4, 5, 1000)}) == 1
    assert b"".join(blocks(stream, 2)) == stream


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_end_in_a_line_feed(size: int) -> None:
    assert blocks(b'{"a":1}\r\n\n{"b":2}', size, events=False) == [b'{"a":1}\r\n', b"\n", b'{"b":2}']


@pytest.mark.parametrize("size", [1000, 10_000])
def test_an_event_is_bounded(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "BLOCK_B_MAX", 5000)
    with pytest.raises(StreamUnreadableError):
        blocks(b"data: " + b"x" * 10_000 + b"\n\n", size)


def test_a_large_event_in_small_reads_takes_time_in_proportion() -> None:
    stream = b"data: " + b"x" * 1_000_000 + b"\n\n"
    assert [len(block) for block in blocks(stream, 16)] == [len(stream), 0]


@pytest.mark.parametrize(
    ("block", "data", "name", "in_place"),
    [
        (b"data: x\n\n", "x", "", True),
        (b"data:x\n\n", "x", "", True),
        (b"data:  x \n\n", " x ", "", True),
        (b"data: x\r\n\r\n", "x", "", True),
        (b"data: x\r\r", "x", "", True),
        (b"event: e\ndata: x\nid: 7\n\n", "x", "e", True),
        (b"\ndata: x\n\n", "x", "", True),
        (b"data: a\ndata: b\n\n", "a\nb", "", False),
        (b"data: a\nevent: e\ndata:b\n\n", "a\nb", "e", False),
        (b": note\n\n", "", "", False),
        (b"event: ping\n\n", "", "ping", False),
        (b"data\n\n", "", "", False),
        (b"data: \n\n", "", "", True),
        (b"data: x", "x", "", True),
        (b"Data: x\n\n", "", "", False),
    ],
)
def test_fields_are_read(block: bytes, data: str, name: str, *, in_place: bool) -> None:
    read = event(block)
    assert (read.data, read.name, read.in_place) == (data, name, in_place)
    assert read.text == block.decode()
    if in_place:
        assert read.before + read.data + read.after == read.text


def test_other_lines_are_kept_where_data_is_joined() -> None:
    assert event(b": c\ndata: a\nid: 7\ndata: b\nretry: 9\n\n").before == ": c\nid: 7\nretry: 9\n"


def test_a_byte_order_mark_passes_at_the_beginning_only() -> None:
    assert event(b"\xef\xbb\xbfdata: x\n\n", first=True).data == "x"
    assert event(b"\xef\xbb\xbfdata: x\n\n").data == ""


@pytest.mark.parametrize("block", [b"data: \xff\n\n", b"data: \xed\xa0\x80\n\n", "data: x\n\n".encode("utf-16")])
def test_what_is_not_utf8_is_refused(block: bytes) -> None:
    with pytest.raises(StreamUnreadableError):
        event(block)
    with pytest.raises(StreamUnreadableError):
        line(block)


def test_a_line_is_its_data() -> None:
    assert line(b'{"a":1}\r\n')[1:4] == ("", '{"a":1}', "\r\n")


def test_line_feeds_in_data_become_lines() -> None:
    assert data_lines("a\nb") == "a\ndata: b"
