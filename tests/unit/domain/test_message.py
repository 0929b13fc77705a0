"""Cutting, applying and putting together again are each other's inverses, for any text and any edits."""

from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.message import CutText, Edit, apply, count_by_detector, cut

texts = st.text(alphabet=st.characters(), max_size=60)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """A text and edits of it, ascending and without overlap; empty and touching ones too."""
    text = draw(texts)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edits = []
    for start, end in zip(places[::2], places[1::2], strict=False):
        detector = draw(st.sampled_from(["EMAIL", "IBAN"]))
        edits.append(Edit(start, end, detector, "replace", text[start:end], draw(texts)))
    return text, edits


@given(edited())
def test_what_came_and_what_left_can_both_be_rebuilt(given_: tuple[str, list[Edit]]) -> None:
    text, edits = given_
    made = cut(text, edits)
    assert made.received() == text
    assert made.forwarded() == apply(text, edits)


@given(edited())
def test_originals_are_kept_apart(given_: tuple[str, list[Edit]]) -> None:
    text, edits = given_
    made = cut(text, edits)
    assert len(made.text) == len(text) - sum(edit.end - edit.start for edit in edits)
    assert made.originals == tuple(edit.original for edit in edits)
    assert [mark.offset for mark in made.marks] == sorted(mark.offset for mark in made.marks)


@given(edited())
def test_counts_hold_numbers_only(given_: tuple[str, list[Edit]]) -> None:
    _, edits = given_
    counts = count_by_detector(edits)
    assert sum(counts.values()) == len(edits)
    assert set(counts) <= {"EMAIL", "IBAN"}


@given(texts)
def test_a_text_without_edits_stays_itself(text: str) -> None:
    assert apply(text, []) is text
    assert cut(text, []) == CutText(text)
