"""Embeddings of the model for trials."""

from array import array
from base64 import b64decode
from typing import Any

import pytest

from lawgate.demo.replies import AskedWronglyError
from lawgate.demo.vectors import DIMENSIONS, DIMENSIONS_MAX, INPUTS_MAX, embeddings, vector


def test_a_vector_depends_on_the_text_alone() -> None:
    assert vector("a", 8) == vector("a", 8) != vector("b", 8)
    assert all(-1 <= number <= 1 for number in vector("a", 500))


@pytest.mark.parametrize(("given", "count"), [("a", 1), (["a", "b"], 2), ([1, 2], 1), ([[1, 2], [3]], 2)])
def test_each_input_gets_a_vector(given: Any, count: int) -> None:
    data = embeddings({"input": given})["data"]
    assert [each["index"] for each in data] == list(range(count))
    assert all(len(each["embedding"]) == DIMENSIONS for each in data)


def test_base64_holds_the_same_numbers() -> None:
    plain, packed = (
        embeddings({"input": "a", "dimensions": 5, "encoding_format": kind})["data"][0]["embedding"]
        for kind in ("float", "base64")
    )
    assert array("f", b64decode(packed)).tolist() == plain


@pytest.mark.parametrize(
    "request_",
    [None, {}, {"input": []}, {"input": {}}, {"input": [None]}, {"input": ["a"] * (INPUTS_MAX + 1)}]
    + [{"input": "a", "dimensions": size} for size in (-1, "many", DIMENSIONS_MAX + 1)],
)
def test_what_the_api_would_refuse_is_refused(request_: Any) -> None:
    with pytest.raises(AskedWronglyError):
        embeddings(request_)
