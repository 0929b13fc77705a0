# ruff: noqa: E501  each row is one slip and what is said of it
from pathlib import Path

import pytest

from lawgate.config.explain import keys_at
from tests.unit.config.files import errors, spoiled


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "connections:\n",
            "conections:\n",
            "lawgate.yaml:6:1 conections: is not a key here, did you mean connections?",
        ),
        (
            "country: DE",
            "contry: DE",
            "lawgate.yaml:10:50 connections.llm.recipient.contry: is not a key here, did you mean country?",
        ),
        (
            "version: 1",
            "version: 1\nretention: {content: 1 day}",
            "lawgate.yaml:2:1 retention: is not a key here; it belongs to purposes.*",
        ),
        ("version: 1", "version: 1\nzzz: 1", "lawgate.yaml:2:1 zzz: is not a key here"),
        (
            "protocol: openai",
            "protocol: opnai",
            "lawgate.yaml:8:15 connections.llm.protocol: opnai is not one of openai, generic, did you mean openai?",
        ),
        (
            "title: Answer customers\n",
            "title: 2026\n",
            "lawgate.yaml:13:12 purposes.answer.title: must be text, but this is read as a number; put it in quotes",
        ),
        (
            "title: Answer customers\n",
            "title: true\n",
            "lawgate.yaml:13:12 purposes.answer.title: must be text, but this is read as true or false; put it in quotes",
        ),
        (
            "title: Answer customers\n",
            "title:\n",
            "lawgate.yaml:13:11 purposes.answer.title: has no value; it must be text",
        ),
        ("title: Answer customers\n", "title: ''\n", "lawgate.yaml:13:12 purposes.answer.title: must not be empty"),
        ("title: Answer customers\n", "title: [a]\n", "lawgate.yaml:13:12 purposes.answer.title: must be text"),
        ("version: 1", "version: '1'", "lawgate.yaml:1:10 version: must be a whole number; write it without quotes"),
        (
            "version: 1",
            "version: 01",
            "lawgate.yaml:1:10 version: must be a whole number; write it without leading zeros",
        ),
        ("version: 1", "version: 1.5", "lawgate.yaml:1:10 version: must be a whole number"),
        (
            "audience: lawgate",
            "audience: lawgate, accept_any_typ: yes",
            "lawgate.yaml:5:72 identity[0].accept_any_typ: must be true or false; yes is text in YAML 1.2, did you mean true?",
        ),
        (
            "audience: lawgate",
            "audience: lawgate, accept_any_typ: 1",
            "lawgate.yaml:5:72 identity[0].accept_any_typ: must be true or false",
        ),
        (
            "audience: lawgate",
            "audience: []",
            "lawgate.yaml:5:5 identity[0]: issuer https://login.example needs at least one non-empty audience",
        ),
        ("audience: lawgate", "leeway_s: 1 s", "lawgate.yaml:5:5 identity[0].audience: is missing"),
        (
            "connections: [llm]",
            "connections: []",
            "lawgate.yaml:14:45 purposes.answer.allow.connections: must not be empty",
        ),
        (
            "lawful_basis: 6-1-b",
            "lawful_basis: [6-1-b]",
            "lawgate.yaml:15:19 purposes.answer.lawful_basis: must be one of 6-1-a, 6-1-b, 6-1-c, 6-1-d, 6-1-e, 6-1-f",
        ),
        ("lawful_basis: 6-1-b", "lawful_basis:", "lawgate.yaml:15:18 purposes.answer.lawful_basis: has no value"),
        (
            "6-1-b",
            "6-1-b\n    retention: {content: 30}",
            "lawgate.yaml:16:26 purposes.answer.retention.content: needs a unit, such as 30 days",
        ),
        (
            "6-1-b",
            "6-1-b\n    retention: {content: 30 dys}",
            "lawgate.yaml:16:26 purposes.answer.retention.content: has the unknown unit dys, did you mean 30 days?",
        ),
        (
            "version: 1",
            "version: 1\nlimits: {exchanges_max: 0}",
            "lawgate.yaml:2:25 limits.exchanges_max: must be above 0",
        ),
        ("version: 1", "version: 1\nrules: {}", "lawgate.yaml:2:8 rules: must be a list"),
        ("version: 1", "version: 1\nmasking: []", "lawgate.yaml:2:10 masking: must be a mapping of keys to values"),
    ],
)
def test_each_complaint_says_where_what_and_the_mend(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in errors(tmp_path, spoiled(old, new))


def test_a_misspelt_key_is_one_problem(tmp_path: Path) -> None:
    assert len(errors(tmp_path, spoiled("country: DE", "contry: DE"))) == 1


def test_a_literal_secret_is_never_repeated(tmp_path: Path) -> None:
    text = spoiled("protocol: openai", "protocol: openai\n    credential: sk-live-51Hxyz")
    (found,) = errors(tmp_path, text)
    assert found.startswith("lawgate.yaml:9:17 connections.llm.credential: must be a reference to a secret")
    assert "sk-live" not in found


@pytest.mark.parametrize(
    "place", ["upstream: https://sk-live-51Hxyz@llm.example", "upstream: https://llm.example?key=sk-live-51Hxyz"]
)
def test_nor_is_one_in_an_address(tmp_path: Path, place: str) -> None:
    found = errors(tmp_path, spoiled("upstream: https://llm.example/v1", place))
    assert len(found) == 1
    assert "sk-live" not in found[0]


def test_nor_in_an_issuer(tmp_path: Path) -> None:
    found = errors(tmp_path, spoiled("https://login.example", "https://user:s3cret@login.example"))
    assert len(found) == 1
    assert "s3cret" not in found[0]


def test_the_keys_of_a_place_come_from_the_schema() -> None:
    assert keys_at(("connections", "any", "recipient")) == ["name", "role", "country", "contract", "safeguard"]
    assert keys_at(("listen", "tls")) == ["certificate", "key", "client_ca"]
    assert "condition" not in keys_at(("rules", 0))
    assert keys_at(("masking", "profiles", "p")) == []
