from dataclasses import fields
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from lawgate.config.schema import OPERATIONS, OPERATORS, FileSection, LimitsSection, config_schema
from lawgate.config.template import template_text
from lawgate.domain.limits import Limits
from lawgate.mask import operators
from lawgate.wire import generic, openai
from tests.unit.config.files import VALID, document, spoiled


def test_the_published_schema_is_a_schema_without_hosts() -> None:
    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    assert "$id" not in schema


def test_the_schema_is_stable_and_a_copy() -> None:
    config_schema()["properties"].clear()
    assert config_schema() == config_schema()
    assert "rules" in config_schema()["properties"]


@pytest.mark.parametrize("text", [VALID, template_text()])
def test_what_lawgate_takes_editors_take(text: str) -> None:
    Draft202012Validator(config_schema()).validate(document(text).plain())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("protocol: openai", "protocol: opnai"),
        ("lawful_basis: 6-1-b", "lawful_basis: 6-1-z"),
        ("version: 1", "version: 2"),
        ("identity:", "identities:"),
        ("country: DE", "country: Germany"),
    ],
)
def test_editors_see_the_usual_slips(old: str, new: str) -> None:
    assert not Draft202012Validator(config_schema()).is_valid(document(spoiled(old, new)).plain())


def test_every_key_says_what_it_means() -> None:
    schema = config_schema()
    silent = [
        f"{name}.{key}"
        for name, section in [("file", schema), *schema["$defs"].items()]
        for key, node in section.get("properties", {}).items()
        if not node.get("description")
    ]
    assert silent == []


def test_limits_are_those_of_the_domain_with_its_defaults_and_words() -> None:
    assert LimitsSection().model_dump() == {item.name: item.default for item in fields(Limits)}
    properties = config_schema()["$defs"]["LimitsSection"]["properties"]
    assert properties["connect_s_max"]["description"].startswith("Name lookup, TCP")


def test_no_limit_can_be_none_or_endless() -> None:
    for value in (0, -1, float("inf"), float("nan"), None, 1e12):
        with pytest.raises(ValidationError):
            LimitsSection.model_validate({"connect_s_max": value})
    with pytest.raises(ValidationError):
        LimitsSection.model_validate({"exchanges_max": 10**9})


def test_nothing_is_converted_silently() -> None:
    def faults(**more: Any) -> list[str]:
        data = {**yaml.safe_load(VALID), **more}
        with pytest.raises(ValidationError) as caught:
            FileSection.model_validate(data)
        return [error["type"] for error in caught.value.errors()]

    assert faults(version="1") == ["int_type"]
    assert faults(version=True) == ["int_type"]
    assert faults(controller={"name": 1, "contact": "c"}) == ["string_type"]
    assert faults(limits={"exchanges_max": 1.5}) == ["int_type"]


def test_sections_cannot_be_changed() -> None:
    model = FileSection.model_validate(document(VALID).plain())
    with pytest.raises(ValidationError):
        model.version = 2


def test_choices_are_those_that_the_rest_of_lawgate_knows() -> None:
    assert set(OPERATORS) == operators.OPERATORS
    assert set(OPERATIONS) == {*openai._OPERATIONS.values(), "models.retrieve", generic.GENERIC}
    assert openai.OpenAiWire().operation("GET", "/v1/models/m-1") == "models.retrieve"
