from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from types import MappingProxyType

import pytest

from lawgate.decide.canonical import digest, plain
from lawgate.domain.decision import Outcome


@dataclass(frozen=True)
class Holder:
    name: str
    secret: str = field(repr=False)


def test_each_kind_of_value_has_one_spelling() -> None:
    value = {"b": (1, 2.5, None, True), "a": frozenset({"y", "x"}), "c": MappingProxyType({"k": Outcome.HOLD})}
    assert plain(value) == {"a": ["x", "y"], "b": [1, 2.5, None, True], "c": {"k": "hold"}}
    assert plain([date(2027, 1, 31), PurePosixPath("/a/b")]) == ["2027-01-31", "/a/b"]


def test_what_repr_hides_is_not_in_it() -> None:
    assert plain(Holder("n", "s3cret")) == {"name": "n"}
    assert digest(Holder("n", "one")) == digest(Holder("n", "two"))


def test_order_of_keys_does_not_matter_but_values_do() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest("é") == digest("é")
    assert len(digest([])) == 64


def test_a_value_without_a_spelling_is_our_bug() -> None:
    with pytest.raises(TypeError, match="object has no canonical form"):
        plain(object())
    with pytest.raises(ValueError, match="JSON compliant"):
        digest(float("nan"))
