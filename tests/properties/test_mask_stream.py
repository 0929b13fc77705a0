"""A masked stream is the masked whole, however it is cut; and masking twice masks no more."""

from types import MappingProxyType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lawgate.domain.message import Edit, apply
from lawgate.domain.processing import MaskProfile
from lawgate.mask.custom import CustomDetector
from lawgate.mask.engine import Detection, compile_detection
from lawgate.mask.masker import Masker
from lawgate.mask.stream import TextStream
from tests.properties import hostile_text

KEY = bytes(range(32))
DETECTION = compile_detection()
WITH_CUSTOM = compile_detection(
    custom=[
        CustomDetector("EMPLOYEE_NO", r"EMP[ -]?\d{4,6}", "employment"),
        CustomDetector("CASE_NO", r"case, \w{2} ?\d{3}", "legal"),
    ]
)


def masker(operator: str, detection: Detection = DETECTION) -> Masker:
    return Masker(detection, MaskProfile("test", operator, MappingProxyType({})), KEY)


MASKER = masker("replace")
CUSTOM_MASKER = masker("replace", WITH_CUSTOM)


def streamed(one: Masker, chunks: list[str], key: str | None) -> tuple[str, list[tuple[str, str]]]:
    stream = TextStream(one, key=key)
    pieces = [piece for chunk in chunks for piece in stream.push(chunk)] + stream.flush()
    assert stream.held == 0
    text = "".join(piece.replacement if isinstance(piece, Edit) else piece for piece in pieces)
    return text, [(piece.detector, piece.original) for piece in pieces if isinstance(piece, Edit)]


def whole(one: Masker, text: str, key: str | None) -> tuple[str, list[tuple[str, str]]]:
    edits = one.edits(text, key=key)
    return apply(text, edits), [(edit.detector, edit.original) for edit in edits]


def cut(text: str, sizes: list[int]) -> list[str]:
    chunks: list[str] = []
    at = 0
    for size in sizes:
        chunks.append(text[at : at + size])
        at += size
    return [*chunks, text[at:]]


@given(hostile_text.texts, st.lists(st.integers(0, 9), max_size=60), hostile_text.keys)
@settings(max_examples=500, deadline=None)
@example("gb82 west 1234 5698 7654 32", [1] * 27, None)
@example("nl91 abna 0417 1643 00", [1] * 22, None)
@example("212-555-0123 ext 12", [1] * 19, None)
@example("phone 12345678,5", [1] * 16, None)
def test_a_stream_is_its_whole(text: str, sizes: list[int], key: str | None) -> None:
    assert streamed(MASKER, cut(text, sizes), key) == whole(MASKER, text, key)


@given(hostile_text.texts, hostile_text.keys)
@settings(max_examples=300, deadline=None)
def test_a_stream_of_single_characters_is_its_whole(text: str, key: str | None) -> None:
    assert streamed(MASKER, list(text), key) == whole(MASKER, text, key)


@given(hostile_text.long_texts, st.lists(st.integers(0, 400), max_size=20), hostile_text.keys)
@settings(max_examples=150, deadline=None)
def test_a_stream_without_sync_points_is_its_whole(text: str, sizes: list[int], key: str | None) -> None:
    assert streamed(MASKER, cut(text, sizes), key) == whole(MASKER, text, key)


@given(
    st.lists(st.one_of(hostile_text.pieces, st.sampled_from(["EMP 1234", "EMP", "case, ab 123", "case, "]))).map(
        "".join
    ),
    st.lists(st.integers(0, 9), max_size=40),
)
@settings(max_examples=200, deadline=None)
def test_a_stream_with_custom_detectors_is_its_whole(text: str, sizes: list[int]) -> None:
    assert streamed(CUSTOM_MASKER, cut(text, sizes), None) == whole(CUSTOM_MASKER, text, None)


@pytest.mark.parametrize(
    "unit", ["1", "a@", "a@b.co@", "4111 ", "1.2.3.4.", "+4930", "2001:db8::", "ab12 ", "中", "\u200b1"]
)
@pytest.mark.parametrize("size", [1, 7, 512, 5000])
def test_long_runs_hide_nothing_and_are_bounded(unit: str, size: int) -> None:
    text = (unit * 2000)[:2000] + " anna@example.org " + unit * 300 + "4111111111111111"
    stream = TextStream(MASKER)
    most = 0
    for at in range(0, len(text), size):
        stream.push(text[at : at + size])
        most = max(most, stream.held)
    assert most <= 6 * (512 + size)
    assert streamed(MASKER, [text[at : at + size] for at in range(0, len(text), size)], None) == whole(
        MASKER, text, None
    )


@given(hostile_text.apart, hostile_text.keys, st.sampled_from(["redact", "replace", "mask", "hmac"]))
@settings(max_examples=500, deadline=None)
@example("2001:db8::8a2e:370:7334anna@example.org", None, "redact")
@example("4111111111111111abc::1234:5:6", None, "replace")
def test_masking_a_masked_text_changes_nothing(text: str, key: str | None, operator: str) -> None:
    one = masker(operator)
    once = apply(text, one.edits(text, key=key))
    assert apply(once, one.edits(once, key=key)) == once
