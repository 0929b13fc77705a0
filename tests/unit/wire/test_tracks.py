import pytest

from lawgate.wire.tracks import TrackKind, ends_tracks, is_position, track_kind


@pytest.mark.parametrize(
    ("path", "event_type", "kind"),
    [
        (("choices", 0, "delta", "content"), "", TrackKind.TEXT),
        (("choices", 0, "delta", "reasoning_content"), "", TrackKind.TEXT),
        (("choices", 0, "text"), "", TrackKind.TEXT),
        (("choices", 0, "delta", "tool_calls", 0, "function", "arguments"), "", TrackKind.JSON),
        (("choices", 0, "delta", "role"), "", None),
        (("choices", 0, "delta", "tool_calls", 0, "id"), "", None),
        (("delta", "partial_json"), "content_block_delta", TrackKind.JSON),
        (("delta", "type"), "content_block_delta", None),
        (("delta",), "response.output_text.delta", TrackKind.TEXT),
        (("delta",), "response.function_call_arguments.delta", TrackKind.JSON),
        (("candidates", 0, "content", "parts", 0, "text"), "", TrackKind.TEXT),
        (("message", "content"), "", TrackKind.TEXT),
        ((), "", TrackKind.TEXT),
        (("model",), "", None),
    ],
)
def test_names_say_what_comes_in_pieces(path: tuple[str | int, ...], event_type: str, kind: TrackKind | None) -> None:
    assert track_kind(path, event_type) is kind


def test_positions_tell_tracks_apart() -> None:
    assert all(is_position(name) for name in ("index", "output_index", "content_index", "item_id"))
    assert not any(is_position(name) for name in ("id", "indexes", "model", "type"))


@pytest.mark.parametrize(
    "kind",
    ["response.output_text.done", "content_block_stop", "response.completed", "stream-end", "contentBlockStop", "done"],
)
def test_some_events_are_the_last_of_their_kind(kind: str) -> None:
    assert ends_tracks(kind)


@pytest.mark.parametrize(
    "kind", ["", "response.output_text.delta", "content_block_start", "ping", "text-generation", "append", "nonstop"]
)
def test_other_events_are_not(kind: str) -> None:
    assert not ends_tracks(kind)
