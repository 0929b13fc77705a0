import pytest

from lawgate.identify.encoding import OPENINGS_MAX, UnreadableError, decode_base64url, decode_object


def test_base64url_has_one_spelling() -> None:
    assert decode_base64url("AQ") == b"\x01"
    assert decode_base64url("-_8") == b"\xfb\xff"
    for text in ("", "AQ==", "AR", "A", "A+/A", "AQ\n", " AQ", "ÄQ", "A.Q"):
        with pytest.raises(UnreadableError):
            decode_base64url(text)


def test_an_object_is_read_with_its_types() -> None:
    assert decode_object(b' {"a": [1, 1.5, true, null, "x"], "b": {}} ') == {"a": [1, 1.5, True, None, "x"], "b": {}}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'{"a": 1, "a": 1}', "twice"),
        (b'{"x": {"a": 1, "a": 2}}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1', "not JSON"),
        (b"", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"\xff", "UTF-8"),
        (b"7", "number where an object"),
        (b"true", "boolean where an object"),
        (b"null", "null where an object"),
        (b"[" * 1900, "deeply|not JSON"),
        (b"[" * OPENINGS_MAX + b"[", "too many"),
    ],
)
def test_a_fault_is_named_and_the_text_is_not(data: bytes, fault: str) -> None:
    with pytest.raises(UnreadableError, match=fault):
        decode_object(data)
