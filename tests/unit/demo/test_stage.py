"""Where the story plays."""

from pathlib import Path

import pytest
import yaml

from lawgate.config.load import load_config
from lawgate.demo import stage
from lawgate.demo.children import Child, ChildError
from lawgate.mask.detectors import NAMES


def test_its_configuration_is_valid_and_stays_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "lawgate.yaml"
    path.write_text(stage.configuration_text("http://127.0.0.1:3", "http://127.0.0.1:4"))
    config = load_config(path, env={}, detectors=NAMES)
    assert config.warnings == ()
    assert {config.listen.data.host, config.listen.control.host} == {"127.0.0.1"}
    places = (config.store.evidence, config.store.keys, config.store.kek_file)
    assert all(place.is_relative_to(tmp_path) for place in places)


def test_it_says_the_same_as_the_containers_configuration() -> None:
    """What the two ways to try Lawgate promise differs in addresses and in how cards are masked only."""
    compose = Path(__file__).parents[3] / "deploy" / "compose" / "lawgate.yaml"
    theirs = yaml.safe_load(compose.read_text(encoding="utf-8"))
    ours = yaml.safe_load(stage.configuration_text("http://a:3", "http://a:4"))
    assert ours["connections"].keys() == theirs["connections"].keys()
    assert ours["controller"] == theirs["controller"]
    assert ours["purposes"]["answer-customers"]["allow"] == theirs["purposes"]["answer-customers"]["allow"]


@pytest.mark.parametrize(
    ("log", "address"),
    [
        ("", None),
        ('{"message":"serving","data":"127.0.0.1:8', None),
        ('{"message":"not serving","data":"127.0.0.1:1"}\n', None),
        ('{"message":"recovered"}\n{"message":"serving","data":"127.0.0.1:8443"}\n', "127.0.0.1:8443"),
    ],
)
def test_the_gateways_log_says_where_it_serves(log: str, address: str | None) -> None:
    assert stage.served_at(log) == address


def test_a_server_that_says_something_else_is_an_error(tmp_path: Path) -> None:
    child = Child("model", ["demo", "--help"], tmp_path / "model.log")
    with pytest.raises(ChildError, match="the model "):
        stage.address_of(child, lambda: None)
    child.wait_stopped()
