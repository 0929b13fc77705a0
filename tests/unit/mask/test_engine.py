import pytest

from lawgate.domain.message import Span
from lawgate.mask.custom import CustomDetector
from lawgate.mask.engine import BEFORE_MAX, compile_detection

DETECTION = compile_detection()


def test_offsets_are_those_of_the_text_as_it_came() -> None:
    text = "é \u200b\u200b a\u00adb@c.de\u200b, ４１１１ １１１１ １１１１ １１１１."
    assert [(text[span.start : span.end], span.detector) for span in DETECTION.find(text)] == [
        ("a\u00adb@c.de", "EMAIL"),
        ("４１１１ １１１１ １１１１ １１１１", "PAYMENT_CARD"),
    ]


def test_before_gives_context_and_boundaries_and_is_not_searched() -> None:
    assert DETECTION.find("030 1234567", before="a@b.co, phone ") == [Span(0, 11, "PHONE")]
    assert DETECTION.find("030 1234567", before="a@b.co ") == []
    assert DETECTION.find("4111111111111111", before="1") == []
    assert DETECTION.find("030 1234567", before="phone \u200b") == [Span(0, 11, "PHONE")]
    assert DETECTION.find("030 1234567", before="phone" + "x" * BEFORE_MAX) == []


def test_context_reaches_sixty_characters_and_counts_whole_words() -> None:
    assert DETECTION.find("phone " + "." * 54 + "1234567")
    assert not DETECTION.find("phone " + "." * 55 + "1234567")
    assert not DETECTION.find("head" + "phone" + " " + "." * 54 + "1234567")


def test_context_does_not_reach_over_a_replacement() -> None:
    for replacement in ("<EMAIL>", "<PHONE>", "[REDACTED]", "****67", "j***@e***.com", "PHONE_bcdfghjklmnpqrstbcdf"):
        assert DETECTION.find(f"phone {replacement} 030 1234567") == []
        assert DETECTION.find(f"{replacement} phone 030 1234567")


def test_many_numbers_without_context_do_not_hide_one_with_it() -> None:
    text = "12345678, " * 300 + "phone 030 1234567"
    assert DETECTION.find(text) == [Span(len(text) - 11, len(text), "PHONE")]


def test_only_the_named_detectors_are_used() -> None:
    detection = compile_detection(["IPV4"])
    assert detection.names == ("IPV4",)
    assert [span.detector for span in detection.find("a@b.co 192.0.2.1 4111111111111111")] == ["IPV4"]
    assert compile_detection([]).find("a@b.co 192.0.2.1") == []


def test_custom_detectors_join_in() -> None:
    detection = compile_detection(custom=[CustomDetector("STAFF_NO", r"P-\d{4}", "employment")])
    assert [span.detector for span in detection.find("P-1234 a@b.co P-12345")] == ["STAFF_NO", "EMAIL"]
    assert detection.has_custom
    assert not DETECTION.has_custom


@pytest.mark.parametrize(
    ("names", "custom", "sentence"),
    [
        (["EMIAL"], [], "'EMIAL' is not built in; there are EMAIL, PAYMENT_CARD"),
        (None, [CustomDetector("EMAIL", "xyz", "x")], "'EMAIL' exists already"),
        (None, [CustomDetector("X", "xyz", "x"), CustomDetector("X", "abc", "x")], "'X' exists already"),
        (None, [CustomDetector("X", "x*", "x")], "detector X: pattern repeats without end"),
    ],
)
def test_wrong_definitions_are_refused_by_name(
    names: list[str] | None, custom: list[CustomDetector], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        compile_detection(names, custom)


def test_the_digest_is_that_of_the_definitions() -> None:
    staff = CustomDetector("STAFF_NO", r"P-\d{4}", "employment")
    digests = {
        DETECTION.digest,
        compile_detection(["EMAIL"]).digest,
        compile_detection(custom=[staff]).digest,
        compile_detection(custom=[CustomDetector("STAFF_NO", r"P-\d{5}", "employment")]).digest,
    }
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)
    assert compile_detection(custom=[staff]).digest == compile_detection(custom=[staff]).digest


def test_a_text_without_anchors_has_no_spans() -> None:
    for text in ("", "Nothing to see here.", "\u200b", "…", "\ud800"):
        assert DETECTION.find(text) == []
