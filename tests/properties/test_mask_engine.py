"""The shape engine finds what the plain patterns of the same table find, on hostile text."""

import re
from collections.abc import Iterator
from itertools import dropwhile, pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lawgate.domain.message import Span
from lawgate.mask.detectors import DETECTORS
from lawgate.mask.engine import compile_detection
from lawgate.mask.form import CONTEXT_REACH, Detector, Form
from lawgate.mask.normalise import alphanumeric, plain
from tests.properties import hostile_text

DETECTION = compile_detection()
NAMES = "|".join(detector.name for detector in DETECTORS)
REPLACEMENT = re.compile(rf"<(?:{NAMES})>|\[REDACTED\]|\*\*\*|(?:{NAMES})_[bcdfghjklmnpqrst]{{20}}")
COMPILED = {
    form: (re.compile(form.left), re.compile(form.pattern), re.compile(form.right))
    for detector in DETECTORS
    for form in detector.forms
}
Found = tuple[int, int, int]


def longest(form: Form, text: str, start: int, limit: int) -> int | None:
    left, pattern, right = COMPILED[form]
    if not left.match(text, start) or not pattern.match(text, start):
        return None
    for end in range(min(limit, start + form.width), start, -1):
        if (
            pattern.fullmatch(text, start, end)
            and right.match(text, end)
            and (form.valid is None or form.valid(text[start:end]))
        ):
            return end
    return None


def in_context(detector: Detector, text: str, start: int, key: str | None) -> bool:
    if key is not None and alphanumeric(key).rstrip("0123456789") in detector.keys:
        return True
    begin = max(0, start - CONTEXT_REACH)
    for match in REPLACEMENT.finditer(text[:start]):
        begin = max(begin, match.end())
    window = text[begin:start]
    if text[:begin][-1:].isalpha():  # words of the text, not of the window
        window = "".join(dropwhile(str.isalpha, window))
    window = window.casefold()
    for word in (word.casefold() for words in detector.words.values() for word in words):
        whole = re.fullmatch(r"[a-z\u00df-\u024f\u0370-\u058f]+", word)
        edge = r"(?<![a-z\u00df-\u024f\u0370-\u058f])", r"(?![a-z\u00df-\u024f\u0370-\u058f])"
        if re.search(edge[0] + re.escape(word) + edge[1] if whole else re.escape(word), window):
            return True
    return False


def strong(text: str, first: int) -> Iterator[Found]:
    for order, detector in enumerate(DETECTORS):
        for form in detector.forms:
            for start in range(first, len(text)):
                if not form.context and (end := longest(form, text, start, len(text))):
                    yield start, end, order


def weak(text: str, first: int, key: str | None, taken: list[Found]) -> Iterator[Found]:
    for order, detector in enumerate(DETECTORS):
        for form in detector.forms:
            for start in range(first, len(text)):
                if not form.context or any(begin <= start < end for begin, end, _ in taken):
                    continue
                limit = min((begin for begin, _, _ in taken if begin > start), default=len(text))
                if (end := longest(form, text, start, limit)) and in_context(detector, text, start, key):
                    yield start, end, order


def oracle(raw: str, key: str | None, before: str) -> list[Span]:
    """Every form at every start and end, and the stated resolution: slow and obvious."""
    text, places = plain(before + raw)
    first = len(before) if places is None else next(at for at, place in enumerate(places) if place >= len(before))
    found = list(strong(text, first))
    found += weak(text, first, key, list(found))
    if places is not None:
        found = [(places[start], places[end - 1] + 1, order) for start, end, order in found]
    spans: list[Span] = []
    floor = len(before)
    for start, end, order in sorted(found, key=lambda one: (one[0], -one[1], one[2])):
        if end <= floor:
            continue
        at = start
        if start < floor:
            at = floor
            while (before + raw)[at] in " .-/()\r\n":
                at += 1
        spans.append(Span(at - len(before), end - len(before), DETECTORS[order].name))
        floor = end
    return spans


@given(hostile_text.texts, hostile_text.keys, st.one_of(st.just(""), hostile_text.texts))
@settings(max_examples=400, deadline=None)
@example("phone +49 30 1234567 4111 1111 1111 1111", None, "")
@example("4111111111111111 4111111111111111 ", None, "tel")
@example("1.2.3.4.5 1.2.3.4", None, "")
@example("a@b.co@c.de", None, "")
@example("030 1234567", None, "Tel. ")
@example("telephone" + "," * 55 + " 1234567", None, "")
@example("de89 3704 0044 0532 0130 00", None, "")
def test_the_engine_finds_what_the_plain_patterns_find(text: str, key: str | None, before: str) -> None:
    assert DETECTION.find(text, key=key, before=before) == oracle(text, key, before)


@given(hostile_text.texts, hostile_text.keys)
@settings(max_examples=200, deadline=None)
def test_spans_ascend_do_not_overlap_and_no_found_character_is_left(text: str, key: str | None) -> None:
    spans = DETECTION.find(text, key=key)
    assert all(one.start < one.end <= two.start for one, two in pairwise(spans))
    covered = {place for span in spans for place in range(span.start, span.end)}
    for start, minus_end, _, _ in DETECTION.candidates(text, key=key):
        left = [text[place] for place in range(start, -minus_end) if place not in covered]
        assert not [character for character in left if character.isalnum()]


@given(hostile_text.texts)
@settings(max_examples=100, deadline=None)
def test_a_further_detector_uncovers_nothing(text: str) -> None:
    few = compile_detection(["EMAIL", "IPV4"])
    covered = {place for span in DETECTION.find(text) for place in range(span.start, span.end)}
    for span in few.find(text):
        assert not [place for place in range(span.start, span.end) if text[place].isalnum() and place not in covered]
