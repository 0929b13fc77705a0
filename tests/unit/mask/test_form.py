import re

import pytest

from lawgate.mask.detectors import DETECTORS
from lawgate.mask.form import Anchor, Context, shape_pattern, window_start


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [
        (r"[3-6][0-9]{12,18}", "00{12,18}"),
        (r"\(?\+[1-9](?:[ .]{0,3}\d){6}", r"\(?\+0(?:[ .]{0,3}0){6}"),
        ("00[1-9]", "000"),
    ],
)
def test_the_shape_of_a_pattern_has_no_digit_but_zero(pattern: str, shape: str) -> None:
    assert shape_pattern(pattern) == shape


def test_every_digit_form_has_a_shape() -> None:
    for form in (form for detector in DETECTORS for form in detector.forms if form.anchor is Anchor.DIGITS):
        assert re.compile(shape_pattern(form.pattern)).groups == 0


@pytest.mark.parametrize(
    "window", ["my Phone is", "PHONE:", "mobile-", "call me at ", "Tel0", "電話は", "my telephone, "]
)
def test_context_words_confirm(window: str) -> None:
    assert Context(["phone", "mobile", "call me", "tel", "電話", "telephone"]).confirms(window)


@pytest.mark.parametrize("window", ["headphone ", "phones", "tell me", "call", "電", ""])
def test_other_words_do_not(window: str) -> None:
    assert not Context(["phone", "call me", "tel", "電話"]).confirms(window)


def test_a_window_begins_behind_the_word_it_cuts() -> None:
    assert window_start("headphone 1", 4, 10) == 9
    assert window_start("head phone 1", 4, 11) == 4
    assert window_start("head phone 1", 5, 11) == 5
    assert window_start("phone", 0, 5) == 0


def test_detectors_say_how_long_their_spans_are() -> None:
    widths = {
        detector.name: (detector.width_max, detector.width_weak_max, detector.needs_context) for detector in DETECTORS
    }
    assert widths["IPV4"] == (15, 0, False)
    assert widths["US_SSN"] == (11, 11, False)
    assert widths["EMAIL"] == (160, 0, False)
