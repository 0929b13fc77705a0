import pytest

from lawgate.wire import content_type
from lawgate.wire.content_type import ContentKind, content_kind, media_type


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("application/json", ContentKind.JSON),
        ("Application/JSON; Charset=UTF-8", ContentKind.JSON),
        ('application/json;charset="utf-8"', ContentKind.JSON),
        ("application/json; charset=us-ascii", ContentKind.JSON),
        ("application/problem+json", ContentKind.JSON),
        ("application/json; version=1", ContentKind.JSON),
        ("text/event-stream", ContentKind.SSE),
        ("text/event-stream; charset=utf-8", ContentKind.SSE),
        ("application/x-ndjson", ContentKind.NDJSON),
        ("application/stream+json", ContentKind.NDJSON),
        ("text/plain", ContentKind.TEXT),
        ("", ContentKind.EMPTY),
        (None, ContentKind.EMPTY),
        ("application/json; charset=utf-16", ContentKind.UNKNOWN),
        ("application/json; charset=utf-7", ContentKind.UNKNOWN),
        ("application/json; charset=utf-8; charset=utf-16", ContentKind.UNKNOWN),
        ("text/plain; charset=iso-8859-1", ContentKind.UNKNOWN),
        ("multipart/form-data; boundary=x", ContentKind.UNKNOWN),
        ("application/octet-stream", ContentKind.UNKNOWN),
        ("application/x-www-form-urlencoded", ContentKind.UNKNOWN),
        ("image/png", ContentKind.UNKNOWN),
        ("audio/mpeg", ContentKind.UNKNOWN),
        ("text/html", ContentKind.UNKNOWN),
        ("text/x+json", ContentKind.UNKNOWN),
        ("application/json, text/plain", ContentKind.UNKNOWN),
        ("application/json-seq", ContentKind.UNKNOWN),
    ],
)
def test_the_kind_follows_from_type_and_charset(value: str | None, kind: ContentKind) -> None:
    assert content_kind(value) is kind
    assert content_kind(value) is kind


@pytest.mark.parametrize(
    ("coding", "known"), [(None, True), ("", True), ("identity", True), ("gzip", False), ("br, identity", False)]
)
def test_a_content_coding_makes_it_unknown(coding: str | None, *, known: bool) -> None:
    assert (content_kind("application/json", coding) is ContentKind.JSON) is known


def test_what_is_learnt_is_bounded() -> None:
    for number in range(200):
        content_kind(f"application/json; x={number}")
    assert len(content_type._known) <= content_type._KNOWN_MAX


def test_events_and_lines_stream() -> None:
    assert [kind for kind in ContentKind if kind.streams] == [ContentKind.SSE, ContentKind.NDJSON]


def test_a_media_type_has_no_parameters() -> None:
    assert media_type(" Image/PNG ; q=1") == "image/png"
