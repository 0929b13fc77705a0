import pytest

from lawgate.mask.custom import WIDTH_MAX, CustomDetector, custom_detector, extent, held_characters
from lawgate.mask.engine import compile_detection


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [
        (r"EMP-\d{6}", 10, 10),
        (r"\b[A-Z]{2,3}[-_ ]?\d{4,8}\b", 6, 12),
        (r"(?:ab|cde)?x", 1, 4),
        (r"(?P<year>19|20)\d\d.", 5, 5),
        (r"[]^x]{2}", 2, 2),
        (r"[\[\]-]x", 2, 2),
        (r"\.\+\\", 3, 3),
        (r"a{3}?", 3, 3),
    ],
)
def test_bounded_patterns_are_accepted(pattern: str, shortest: int, longest: int) -> None:
    found = extent(pattern)
    assert (found.shortest, found.longest) == (shortest, longest)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("a*b", "without end"),
        ("a+", "without end"),
        ("a{2,}", "without end"),
        ("(a{1,9}){1,9}", "too many ways"),
        ("[ab]{1,30}[bc]{1,30}[cd]{1,30}", "too many ways"),
        (f"a{{1,{WIDTH_MAX + 1}}}", "may match more than"),
        ("(?=a)b", "looks around"),
        ("(?<!a)b", "looks around"),
        (r"(a)\1", "not known here"),
        ("(?i)a", "sets flags"),
        ("(?P=x)", "looks around"),
        ("^a", "cannot be used"),
        ("a$", "cannot be used"),
        ("a?", "empty text"),
        ("", "empty text"),
        ("(a", "without its '\\)'"),
        ("a)", "too many"),
        ("[a", "without its '\\]'"),
        (r"\Aa", "not known here"),
        ("a?{2}", "repeats a repeat"),
        ("a\\", "not known here"),
        ("[[:alpha:]]x", "set operation"),
        ("[a--b]", "set operation"),
        ("[b-a]", "not a regular expression"),
        ("(" * 30 + "a" + ")" * 30, "nested too deep"),
        ("a" * 1001, "longer than"),
        ("a++", "without end"),
    ],
)
def test_other_patterns_are_refused_with_a_sentence(pattern: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        extent(pattern)


def test_names_are_in_capitals() -> None:
    with pytest.raises(ValueError, match="in capitals"):
        custom_detector(CustomDetector("staff", "x{3}", "employment"))


def test_held_characters_are_patterns_of_one_character() -> None:
    assert held_characters(r"a[b-]\d.") == ("a", "[b-]", r"\d", r"[\s\S]")


def test_custom_spans_stand_apart_and_are_as_long_as_possible() -> None:
    detection = compile_detection([], [CustomDetector("STAFF_NO", r"P\d{3,6}", "employment")])
    spans = detection.find("P123, P1234567, xP123, P12 P123456")
    assert [(span.start, span.end) for span in spans] == [(0, 4), (27, 34)]


def test_a_pattern_that_finds_replacements_is_refused() -> None:
    for pattern in ("[A-Z]{4,12}", r"<\w{4}", "[a-z]{8,20}", r"\*\*"):
        with pytest.raises(ValueError, match="masking leaves"):
            compile_detection(custom=[CustomDetector("STAFF_NO", pattern, "employment")])
