import json
from pathlib import Path

import pytest

from lawgate.config.load import load_config
from lawgate.config.settings import Config
from tests.unit.config.files import VALID, spoiled, written

WITH_KEY = spoiled("protocol: openai", "protocol: openai\n    credential: env:LLM_KEY")


def loaded(directory: Path, text: str = VALID, **env: str) -> Config:
    return load_config(written(directory, text), env=env)


def test_no_secret_is_in_a_view_a_digest_or_a_repr(tmp_path: Path) -> None:
    one, two = loaded(tmp_path, WITH_KEY, LLM_KEY="s3cret-1"), loaded(tmp_path, WITH_KEY, LLM_KEY="s3cret-2")
    assert one.secrets.get("env:LLM_KEY") == "s3cret-1"
    assert one.digest == two.digest
    assert "s3cret" not in json.dumps(one.public_view()) + repr(one)
    assert "env:LLM_KEY" in json.dumps(one.public_view())


def test_the_view_is_json_and_whole(tmp_path: Path) -> None:
    view = json.loads(json.dumps(loaded(tmp_path).public_view()))
    assert set(view) == {
        "version", "listen", "store", "controller", "identity", "connections", "purposes", "profiles", "detectors",
        "rules", "observe", "limits", "log_level",
    }  # fmt: skip
    assert view["connections"]["llm"]["recipient"]["country"] == "DE"
    assert view["store"]["evidence"] == str(tmp_path / "data")


def test_the_digest_is_of_the_meaning_and_not_of_the_text(tmp_path: Path) -> None:
    plain = loaded(tmp_path)
    spelt_out = loaded(
        tmp_path,
        "# a comment\n" + VALID + "    retention: {content: 4 weeks 2 days}\n".replace("4 weeks 2 days", "720 hours"),
    )
    changed = loaded(tmp_path, spoiled("title: Answer customers", "title: Answer"))
    assert plain.digest == spelt_out.digest
    assert plain.digest != changed.digest
    assert len(plain.digest) == 64


@pytest.mark.parametrize("member", ["connections", "purposes", "profiles"])
def test_nothing_changes_after_loading(tmp_path: Path, member: str) -> None:
    config = loaded(tmp_path)
    with pytest.raises(AttributeError):
        config.version = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        getattr(config, member)["x"] = None
