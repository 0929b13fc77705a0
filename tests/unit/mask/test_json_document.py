import pytest

from lawgate.mask.json_document import JsonUnreadableError, parse


@pytest.mark.parametrize("text", ['{"a":[1,-0.5e3,true,null,"x"]}', ' "x" ', "0", "12345678901234567890123"])
def test_json_is_read(text: str) -> None:
    parse(text)


def test_of_a_repeated_member_the_last_counts() -> None:
    assert parse('{"model":"a","model":"b"}') == {"model": "b"}


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"a":"\udc00 x"}', r'["\ud83d\ud83d\ude00"]'])
def test_lone_surrogates_in_escapes_pass(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e999",
        "1" * 5000,
        "{} x",
        "{}{}",
        "[1,]",
        "{'a':1}",
        "01",
        "+1",
        '"a\nb"',
        '"\x00"',
        r'"\x41"',
        r'"\u12"',
        "\ufeff{}",
        "[" * 100_000,
        r'["\ud800",NaN]',
        r'["\ud800"] x',
        '["\\ud800","\n"]',
        '"\ud800"',
        "tru",
        "// x\n{}",
    ],
)
def test_what_is_not_json_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(JsonUnreadableError) as caught:
        parse(text)
    assert "RFC 8259" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
