import pytest

from lawgate.config.document import DEPTH_MAX, FILE_B_MAX, Mark, Value, parse_document
from lawgate.config.problem import InvalidConfigError
from tests.unit.config.files import document


def fault(text: str | bytes) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        parse_document("f.yaml", text.encode() if isinstance(text, str) else text)
    assert len(caught.value.problems) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("22:30", "22:30"),
        ("2026-12-31", "2026-12-31"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("9" * 40, "9" * 40),
        ("'1'", "1"),
        ('"true"', "true"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_scalars_are_read_as_yaml_1_2_reads_them(scalar: str, value: Value) -> None:
    found = document(f"k: {scalar}").plain()["k"]
    assert found == value
    assert type(found) is type(value)


def test_each_value_and_each_key_has_its_place() -> None:
    found = document("a:\n  - x\n  - b: {c: 1}\n")
    assert found.locate(("a", 0)) == Mark(2, 5)
    assert found.locate(("a", 1, "b", "c")) == Mark(3, 12)
    assert found.locate(("a", 1, "b", "c"), at_key=True) == Mark(3, 9)
    assert found.locate(("a", 1, "b", "missing")) == Mark(3, 8)
    assert found.locate(("a", 7, "x")) == Mark(2, 3)
    assert found.locate(()) == Mark(1, 1)


def test_a_value_used_by_alias_is_at_the_alias() -> None:
    found = document("a: &x [1, 2]\nb: *x\n")
    assert found.plain() == {"a": [1, 2], "b": [1, 2]}
    assert found.locate(("b",)) == Mark(2, 4)


def test_a_byte_order_mark_is_let_by() -> None:
    assert parse_document("f", b"\xef\xbb\xbfa: 1").plain() == {"a": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key a is here twice, first in line 1; keep one"),
        ("x:\n  y: {k: 1, k: 2}\n", "f.yaml:2:13 x.y: the key k is here twice, first in line 2; keep one"),
        ("", "f.yaml: the file is empty; `lawgate init` writes one to start from"),
        ("  \n\n", "f.yaml: the file is empty; `lawgate init` writes one to start from"),
        ("# nothing\n", "f.yaml:2:1: the file holds only comments; `lawgate init` writes one to start from"),
        ("- 1\n", "f.yaml:1:1: the file must be a mapping of keys to values that starts with `version: 1`"),
        ("just text", "f.yaml:1:1: the file must be a mapping of keys to values that starts with `version: 1`"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here; a configuration is one document"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab stands where YAML allows only spaces; use spaces"),
        ("a: {<<: {b: 1}}\n", "f.yaml:1:5 a: merge keys (<<) are not part of YAML 1.2; repeat the keys"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key must be text"),
        ("a: *x\n", "f.yaml:1:4 a: *x names no anchor that is complete before it"),
        ("a: &x [*x]\n", "f.yaml:1:8 a[0]: *x names no anchor that is complete before it"),
    ],
)
def test_traps_are_named_with_their_place(text: str, said: str) -> None:
    assert fault(text) == said


@pytest.mark.parametrize(
    "tagged",
    [
        "a: !!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "a: !!str 1",
        "a: !secret x",
        "!!map {a: 1}",
        "!!str a: 1",
        "a: !!binary aGk=",
    ],
)
def test_no_tag_is_followed(tagged: str) -> None:
    assert "tags are not followed: remove it" in fault(tagged)


def test_a_colon_in_text_is_explained() -> None:
    assert fault("title: Answer: customers\n").startswith("f.yaml:1:14: a colon makes this a key")


@pytest.mark.parametrize("text", ["a: [1, 2\n", "a: {b: 1\n", "a: 'open\n", "a: %x\n", "a: @x\n", "a: b\n c: d\n", "&"])
def test_broken_grammar_is_placed(text: str) -> None:
    said = fault(text)
    assert said.startswith("f.yaml:")
    assert ":0:" not in said


def test_not_utf_8_is_placed() -> None:
    assert fault(b"a: 1\nb: caf\xe9\n") == "f.yaml:2:7: is not UTF-8 here; save the file as UTF-8"
    assert fault("a: 1".encode("utf-16")).endswith("save the file as UTF-8")


def test_control_characters_are_placed() -> None:
    assert fault("a: 1\nb: x\x00y\n").startswith("f.yaml:2:5: contains the control character U+0000")


def test_a_huge_file_is_not_parsed() -> None:
    assert "more than 256 KiB" in fault(b"a: " + b"x" * FILE_B_MAX)


def test_depth_is_bounded() -> None:
    document("a: " + "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1))
    assert f"more than {DEPTH_MAX} levels" in fault("a: " + "[" * 5000 + "]" * 5000)


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "once its aliases are expanded" in fault("\n".join(lines))
