import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.fields import HOP_BY_HOP, NEVER_FORWARDED, ORIGIN_FORM, FieldError, encode, forwardable


def test_fields_become_lines() -> None:
    assert encode([(b"a", b"1"), (b"b-c", b""), (b"a", b"2: 3")]) == b"a: 1\r\nb-c: \r\na: 2: 3\r\n"


def test_no_fields_are_no_lines() -> None:
    assert encode([]) == b""


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\n", b"\r", b"a\0", b"\r\n"])
def test_a_value_cannot_end_its_line(value: bytes) -> None:
    with pytest.raises(FieldError):
        encode([(b"ok", b"1"), (b"a", value)])


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\n", b"A", b"\xe9", b"a\0"])
def test_a_name_is_a_lower_case_token(name: bytes) -> None:
    with pytest.raises(FieldError):
        encode([(name, b"1")])


@pytest.mark.parametrize("name", sorted(NEVER_FORWARDED))
def test_framing_and_connection_fields_are_not_a_callers_to_write(name: bytes) -> None:
    with pytest.raises(FieldError, match="transport"):
        encode([(name, b"1")])
    assert forwardable([(name, b"1"), (b"a", b"2")]) == [(b"a", b"2")]


def test_an_error_does_not_repeat_the_value() -> None:
    with pytest.raises(FieldError) as caught:
        encode([(b"authorization", b"Bearer secret\n")])
    assert "secret" not in str(caught.value)


def test_fields_named_by_connection_stay_here() -> None:
    fields = [(b"connection", b"close, X-One"), (b"x-one", b"1"), (b"x-two", b"2"), (b"connection", b"x-three ,")]
    assert forwardable([*fields, (b"x-three", b"3")]) == [(b"x-two", b"2")]


def test_underscores_are_not_forwarded() -> None:
    assert forwardable([(b"content_length", b"3"), (b"x_y", b"1"), (b"x-y", b"1")]) == [(b"x-y", b"1")]


def test_hop_by_hop_is_what_rfc_9110_names() -> None:
    named = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade", b"trailer"}
    assert named <= HOP_BY_HOP


@given(st.lists(st.tuples(st.sampled_from([b"a", b"x-b"]), st.binary(max_size=20)), max_size=5))
def test_what_is_written_reads_back_as_the_same_lines(fields: list[tuple[bytes, bytes]]) -> None:
    try:
        block = encode(fields)
    except FieldError:
        assert any(set(value) & set(b"\r\n\0") for _, value in fields)
        return
    lines = block.split(b"\r\n")
    assert lines.pop() == b""
    assert [tuple(line.split(b": ", 1)) for line in lines] == fields


@pytest.mark.parametrize(("target", "good"), [(b"/a?b=%20", True), (b"a", False), (b"/a b", False), (b"/\xe9", False)])
def test_origin_form(target: bytes, *, good: bool) -> None:
    assert bool(ORIGIN_FORM.fullmatch(target)) is good
