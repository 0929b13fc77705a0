import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from lawgate.cli import exits
from lawgate.config.template import template_text
from tests.unit.cli.commands import Shell
from tests.unit.config.files import VALID, spoiled, written


def test_a_valid_file_is_said_to_be(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("check", "--config", written(tmp_path, VALID))
    assert done.code == 0
    assert "is valid" in done.out


def test_every_mistake_has_its_line_and_the_likely_word(lawgate: Shell, tmp_path: Path) -> None:
    text = spoiled("protocol: openai", "protocol: opnai", spoiled("lawful_basis: 6-1-b", "lawful_bsis: 6-1-b"))
    done = lawgate("check", "--config", written(tmp_path, text))
    assert done.code == exits.FOUND
    lines = done.out.splitlines()
    assert any(":8:15 connections.llm.protocol:" in line and "did you mean openai?" in line for line in lines)
    assert any("lawful_bsis" in line and "did you mean lawful_basis?" in line for line in lines)


def test_an_unknown_detector_is_a_mistake(lawgate: Shell, tmp_path: Path) -> None:
    text = VALID + "masking: {profiles: {p: {default: replace, EMIAL: redact}}}\n"
    done = lawgate("check", "--config", written(tmp_path, text))
    assert done.code == exits.FOUND
    assert "did you mean EMAIL?" in done.out


def test_secrets_need_not_be_at_hand(lawgate: Shell, tmp_path: Path) -> None:
    text = spoiled("protocol: openai", "protocol: openai\n    credential: env:NO_SUCH_SECRET")
    path = written(tmp_path, text)
    assert lawgate("check", "--config", path).code == exits.FOUND
    assert lawgate("check", "--no-secrets", "--config", path).code == 0


def test_programs_get_the_mistakes_as_an_object(lawgate: Shell, tmp_path: Path) -> None:
    found = lawgate("check", "--json", "--config", written(tmp_path, spoiled("openai", "opnai"))).object
    assert found["usable"] is False
    (error,) = found["errors"]
    assert (error["line"], error["path"], error["suggestion"]) == (8, "connections.llm.protocol", "openai")


def test_a_missing_file_is_a_mistake(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("check", "--config", tmp_path / "none.yaml")
    assert done.code == exits.FOUND
    assert "lawgate init" in done.out


def test_a_name_cannot_speak_to_the_terminal(lawgate: Shell, tmp_path: Path) -> None:
    assert lawgate("check", "--config", written(tmp_path, VALID + '"\\e[31mred": 1\n')).code == exits.FOUND


def test_the_schema_takes_the_template(lawgate: Shell) -> None:
    schema = json.loads(lawgate("config", "schema").out)
    jsonschema.validate(yaml.safe_load(template_text()), schema)


def test_the_configuration_in_effect_shows_no_secret(
    lawgate: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_KEY", "hunter2-hunter2")
    text = spoiled("protocol: openai", "protocol: openai\n    credential: env:LLM_KEY")
    done = lawgate("config", "show", "--config", written(tmp_path, text))
    assert done.code == 0
    assert "hunter2" not in done.out
    assert "env:LLM_KEY" in done.out
    assert len(json.loads(done.out)["digest"]) == 64


def test_a_configuration_that_is_not_valid_is_not_shown(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("config", "show", "--config", written(tmp_path, spoiled("openai", "opnai")))
    assert (done.code, done.out) == (exits.CONFIGURATION, "")
