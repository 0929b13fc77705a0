import json
from types import MappingProxyType

import pytest

from lawgate.domain.json_text import escaped
from lawgate.domain.message import Edit, apply
from lawgate.domain.processing import MaskProfile
from lawgate.mask.engine import compile_detection
from lawgate.mask.masker import Masker
from lawgate.mask.operators import OPERATORS, apply_operator

KEY = bytes(range(32))
DETECTION = compile_detection()
MASKER = Masker(DETECTION, MaskProfile("x", "replace", MappingProxyType({"EMAIL": "mask", "IPV4": "keep"})), KEY)


def test_each_detector_has_its_operator() -> None:
    text = "a@b.co, 192.0.2.1, 536-22-1234"
    edits = MASKER.edits(text)
    assert edits == [
        Edit(0, 6, "EMAIL", "mask", "a@b.co", "a***@b***.co"),
        Edit(8, 17, "IPV4", "keep", "192.0.2.1", "192.0.2.1"),
        Edit(19, 30, "US_SSN", "replace", "536-22-1234", "<US_SSN>"),
    ]
    assert apply(text, edits) == "a***@b***.co, 192.0.2.1, <US_SSN>"


def test_without_a_profile_everything_is_found_and_kept() -> None:
    edits = Masker(DETECTION, None, KEY).edits("a@b.co")
    assert edits == [Edit(0, 6, "EMAIL", "keep", "a@b.co", "a@b.co")]


def test_key_and_before_are_context() -> None:
    assert MASKER.edits("030 1234567") == []
    assert MASKER.edits("030 1234567", key="phone")
    assert MASKER.edits("030 1234567", before="Tel. ")


def test_unknown_operators_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="'scramble' is not known"):
        Masker(DETECTION, MaskProfile("x", "scramble"), KEY)


@pytest.mark.parametrize(
    ("text", "key", "detector"),
    [("4111111111111111", None, "PAYMENT_CARD"), ("536221234", "ssn", "US_SSN"), ("2125550123", "phone", "PHONE")],
)
@pytest.mark.parametrize("operator", ["redact", "replace", "mask", "hmac"])
def test_numbers_are_masked_into_numbers(text: str, key: str | None, detector: str, operator: str) -> None:
    masker = Masker(DETECTION, MaskProfile("x", operator), KEY)
    (edit,) = masker.number_edits(text, key=key)
    assert (edit.start, edit.end, edit.detector, edit.operator, edit.original) == (
        0,
        len(text),
        detector,
        operator,
        text,
    )
    assert isinstance(json.loads(edit.replacement), int)
    assert masker.number_edits(edit.replacement, key=key) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [("536221234", None), ("4111111111111111.0", None), ("-4111111111111111", None), ("4.1e15", "card"), ("0", "phone"),
     ("1700000000", "created"), ("1.5", "phone"), ("4111111111111112", None)],
)  # fmt: skip
def test_other_numbers_are_left_alone(text: str, key: str | None) -> None:
    assert MASKER.number_edits(text, key=key) == []


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("detector", compile_detection().names)
def test_no_operator_leaves_what_json_must_escape(operator: str, detector: str) -> None:
    for original in ("o'brien@exämple.de", "+49 (30) 901820", "_@1.2", "@", "::1%eth0"):
        left = apply_operator(operator, detector, original, b"k" * 32)
        assert escaped(left) == left


def test_offsets_can_be_shifted() -> None:
    masker = Masker(compile_detection(), MaskProfile("replace", "replace"), b"k" * 32)
    plain = masker.edits("to anna@example.de")
    assert masker.edits("to anna@example.de", shift=5) == [
        edit._replace(start=edit.start + 5, end=edit.end + 5) for edit in plain
    ]
