import os
from pathlib import Path

import pytest

from lawgate.config.load import load_config
from lawgate.config.problem import InvalidConfigError
from lawgate.config.template import template_text
from lawgate.operations.place import find_place, require_purpose


def written(folder: Path, text: str) -> Path:
    path = folder / "lawgate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "store",
    [
        "{evidence: e, keys: k}",
        "{evidence: /var/e, keys: ../k, kek_file: /mnt/kek.json, node: gw-7, origin: northwind.example/log/1}",
    ],
)
def test_it_means_the_same_place_as_the_whole_configuration(tmp_path: Path, store: str) -> None:
    template = template_text()
    start = template.index("store:\n")
    text = f"{template[:start]}store: {store}\n{template[template.index('# Who is responsible') :]}"
    path = written(tmp_path, text)
    place, whole = find_place(path), load_config(path, env=os.environ).store
    assert (place.paths.evidence, place.paths.keys) == (whole.evidence, whole.keys)
    assert (place.kek_file, place.node, place.origin) == (whole.kek_file, whole.node, whole.origin)
    assert place.purposes == ("answer-customers",)


def test_the_rest_of_the_file_may_be_wrong_and_secrets_absent(tmp_path: Path) -> None:
    path = written(tmp_path, "version: 9\nstore: {evidence: e, keys: k}\nconnections: {a: {credential: env:NO_SUCH}}\n")
    assert find_place(path).paths.evidence == tmp_path / "e"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\n", "lawgate.yaml:1:1 store: needs the key keys"),
        ("store: {evidence: e}\n", "lawgate.yaml:1:8 store: needs the key keys"),
        ("store: {keys: 3, evidence: e}\n", "lawgate.yaml:1:15 store.keys: must be a text"),
        ('store: {keys: "k\\0", evidence: e}\n', "lawgate.yaml:1:15 store.keys: must be a text"),
        ("store: [\n", "lawgate.yaml:"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        find_place(written(tmp_path, text))
    assert said in str(caught.value)


def test_a_missing_file_says_how_to_come_by_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"cannot be read .*lawgate init"):
        find_place(tmp_path / "lawgate.yaml")


def test_a_purpose_that_is_not_declared_is_refused_with_the_likely_one(tmp_path: Path) -> None:
    path = written(tmp_path, template_text())
    place = find_place(path)
    require_purpose(place, "answer-customers", path)
    with pytest.raises(InvalidConfigError, match="did you mean answer-customers"):
        require_purpose(place, "answer-custmers", path)
