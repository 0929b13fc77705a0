"""The page of the documentation is held to the schema, and its examples to the checker."""

import re
from pathlib import Path

import pytest

from lawgate.config.load import check
from lawgate.config.schema import FileSection
from lawgate.decide import risk
from lawgate.identify import cache
from lawgate.idp import oidc
from lawgate.mask import custom
from lawgate.mask.detectors import NAMES
from tests import configuration_reference as reference
from tests.configuration_reference import keys, refreshed
from tests.unit.config.files import VALID, written

PAGE = reference.PAGE.read_text(encoding="utf-8")
WHOLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PARTS = re.findall(r"```yaml part=([a-z]+)\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_is_current() -> None:
    assert refreshed(PAGE) == PAGE, "write it anew: python -m tests.configuration_reference"


def test_the_page_has_a_table_for_each_key_of_the_top_level() -> None:
    assert re.findall(r"<!-- keys: ([a-z]+) -->", PAGE) == list(FileSection.model_fields)


def test_rows_say_default_and_meaning() -> None:
    rows = {row.path: row for row in keys("purposes")}
    assert rows["purposes.*.retention.content"].default == "`30 days`"
    assert rows["purposes.*.title"].default == "required"
    assert "`6-1-b`" in rows["purposes.*.lawful_basis"].meaning
    assert [row.path for row in keys("masking")][:1] == ["masking.profiles"]
    assert all(row.meaning for name in FileSection.model_fields for row in keys(name))


def test_a_stale_table_is_seen() -> None:
    assert refreshed(PAGE.replace("`127.0.0.1:8443`", "`127.0.0.1:1`")) == PAGE


@pytest.mark.parametrize("example", WHOLE)
def test_whole_examples_are_taken(tmp_path: Path, example: str) -> None:
    report = check(written(tmp_path, example), env={}, detectors=NAMES, resolve=False)
    assert report.errors == ()


@pytest.mark.parametrize(("part", "example"), PARTS)
def test_partial_examples_are_taken(tmp_path: Path, part: str, example: str) -> None:
    text = WHOLE[0] if part in {"purposes", "rules"} else VALID
    head, found, tail = re.split(rf"(?m)(^{part}:.*\n(?:[ ].*\n)*)", text) if f"\n{part}:" in text else (text, "", "")
    assert found or part in {"masking", "observe", "limits"}
    replaced = head + example + tail
    if part == "purposes":
        replaced = re.sub(r"(?m)^rules:.*\n(?:[ ].*\n)*", "", replaced)
    if part == "connections":
        replaced = replaced.replace("[llm]", "[summaries]")
    report = check(written(tmp_path, replaced), env={}, detectors=NAMES, resolve=False)
    assert report.errors == ()


def test_the_weights_on_the_page_are_those_that_count() -> None:
    steps = ", ".join
    for name, weight in (
        ("special_categories`: the purpose declares them", str(risk.SPECIAL_CATEGORIES)),
        ("recipient_outside_eea`", str(risk.OUTSIDE_EEA)),
        ("transfer_by_derogation`", str(risk.DEROGATION)),
        ("recipient_is_controller`", str(risk.OWN_CONTROLLER)),
        ("identifiers` found: 1, 5, 20 or more", steps(str(weight) for _, weight in reversed(risk.IDENTIFIERS))),
        (
            "unmasked_originals` that leave: 1, 5, 20 or more",
            steps(str(weight) for _, weight in reversed(risk.UNMASKED)),
        ),
        ("not_inspected`: something passes unread", str(risk.NOT_INSPECTED)),
        ("bulk_input`: 64 KiB, 512 KiB or more", steps(str(weight) for _, weight in reversed(risk.BULK_INPUT))),
        ("tool_use`: the model may call tools", str(risk.TOOLS)),
    ):
        assert f"| `{name} | {weight} |" in PAGE


def test_the_times_on_the_page_are_those_that_count() -> None:
    page = " ".join(PAGE.split())
    assert f"fetched anew every {oidc.REFRESH_S} seconds" in page
    assert oidc.STALE_S_MAX == 3600
    assert "until they are an hour old" in page
    assert f"again after {oidc.RETRY_S} seconds" in page
    assert f"then not for {oidc.UNKNOWN_KEY_COOLDOWN_S} seconds" in page
    assert f"remembered for at most {cache.LIFETIME_S_MAX} seconds" in page
    assert f"({custom.WIDTH_MAX} characters)" in page
    assert f"({custom.WAYS_MAX} ways" in page
