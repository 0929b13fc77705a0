"""The quick start in containers, checked without a container engine.

The compose file is held against the compose specification's own JSON schema and the Dockerfile goes
through hadolint, both from PyPI. What neither can know is checked here: users, volumes, ports,
versions, that each command line is one that Lawgate really has, and that the configuration is valid.
"""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

import lawgate

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
CONFIG = ROOT / "deploy" / "compose" / "lawgate.yaml"
DATA_VOLUMES = {"/var/lib/lawgate", "/var/lib/lawgate-keys"}


def program(name: str) -> str:
    """A program of the environment that runs the tests, whether or not it is on the path."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


def run(*command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


SERVICES = sorted(compose()["services"])
STAYING = sorted(name for name, service in compose()["services"].items() if service.get("restart") != "no")


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


@cache
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as ``(INSTRUCTION, rest)``, continuations joined, comments gone."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    split = [line.strip().partition(" ") for line in lines if line.strip()]
    return [(word.upper(), " ".join(rest.split())) for word, _, rest in split]


def final_stage() -> list[tuple[str, str]]:
    starts = [index for index, (word, _) in enumerate(instructions()) if word == "FROM"]
    return instructions()[starts[-1] :]


def last(word: str) -> str:
    return [rest for name, rest in final_stage() if name == word][-1]


# ------------------------------------------------------------------------------------------ by the tools


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    return run(program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(path))


def test_the_compose_file_meets_the_compose_schema() -> None:
    done = check_schema(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_the_schema_check_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("depends_on:", "depend_on:"), encoding="utf-8")
    done = check_schema(wrong)
    assert done.returncode == 1
    assert "depend_on" in done.stdout


def test_the_dockerfile_passes_hadolint() -> None:
    done = run(program("hadolint"), "--no-color", "--failure-threshold", "style", str(DOCKERFILE))
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_can_fail() -> None:
    given = "FROM python:latest\nRUN cd /tmp && sudo pip install lawgate\n"
    done = run(program("hadolint"), "--no-color", "-", given=given)
    assert done.returncode == 1
    assert "DL3007" in done.stdout


# ------------------------------------------------------------------------------------------ the image


def test_every_stage_starts_from_a_named_version() -> None:
    bases = [rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"]
    assert bases
    assert len(bases) > 1, "one stage would ship what builds"
    assert [base for base in bases if not re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base)] == []


def test_it_does_not_run_as_root() -> None:
    user, _, group = last("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0, "a number, so that Kubernetes can see that it is not root"


def test_it_says_whether_it_lives() -> None:
    check = last("HEALTHCHECK")
    assert "/livez" in check
    assert ":9443/" in check


def test_evidence_and_keys_are_two_volumes() -> None:
    declared = set(yaml.safe_load(last("VOLUME")))
    assert declared == DATA_VOLUMES
    made = " ".join(rest for word, rest in final_stage() if word == "RUN")
    assert all(re.search(rf"-m 0700 .*{re.escape(path)}(?:\s|$)", made) for path in declared)


def test_pip_installs_nothing_that_is_not_hashed() -> None:
    runs = [part for word, rest in instructions() if word == "RUN" for part in rest.split("&&") if " install " in part]
    fetching = [part for part in runs if "pip" in part and "--no-index" not in part]
    assert fetching
    assert [part for part in fetching if "--require-hashes" not in part] == []


def test_only_named_files_go_in_and_all_of_them_exist() -> None:
    assert "ADD" not in {word for word, _ in instructions()}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored, "everything is kept out, and then some let in"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copies = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    copied = {name.removeprefix("./") for names in copies for name in names}
    assert copied == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []


# ------------------------------------------------------------------------------------------ the services


def test_the_image_has_the_version_of_the_package() -> None:
    assert {service(name)["image"] for name in SERVICES} == {f"lawgate:{lawgate.__version__}"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    found = service(name)
    assert found["cap_drop"] == ["ALL"]
    assert found["read_only"] is True
    assert "no-new-privileges:true" in found["security_opt"]
    assert not {"privileged", "user", "cap_add", "pid", "devices"} & found.keys()


@pytest.mark.parametrize("name", STAYING)
def test_a_service_that_stays_has_a_health_check_of_its_own_port(name: str) -> None:
    command = service(name)["command"]
    port = command[command.index("--port") + 1] if "--port" in command else "9443"
    assert f"127.0.0.1:{port}/" in " ".join(service(name)["healthcheck"]["test"])


def test_the_gateway_waits_for_keys_and_for_both_demos() -> None:
    waits = {name: how["condition"] for name, how in service("gateway")["depends_on"].items()}
    assert waits.pop("init") == "service_completed_successfully"
    assert set(waits) == set(STAYING) - {"gateway"}
    assert set(waits.values()) == {"service_healthy"}


@pytest.mark.parametrize("name", ["init", "gateway"])
def test_evidence_and_keys_are_different_named_volumes(name: str) -> None:
    mounts = dict(line.split(":")[1::-1] for line in service(name)["volumes"])
    assert {mounts[path] for path in DATA_VOLUMES} <= compose()["volumes"].keys()
    assert len({mounts[path] for path in DATA_VOLUMES}) == len(DATA_VOLUMES)
    assert (ROOT / mounts["/etc/lawgate/lawgate.yaml"]) == CONFIG


@pytest.mark.parametrize("name", sorted(set(STAYING) - {"gateway"}))
def test_a_demo_sees_neither_evidence_nor_keys(name: str) -> None:
    assert "volumes" not in service(name)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert [port for port in service(name).get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_the_model_is_reached_by_the_gateway_alone() -> None:
    assert "ports" not in service("demo-model")
    (network,) = service("demo-model")["networks"]
    assert compose()["networks"][network]["internal"] is True
    assert [name for name in SERVICES if network in service(name).get("networks", [])] == ["demo-model", "gateway"]


# ------------------------------------------------------------------------------------------ the program


def command_lines() -> dict[str, list[str]]:
    entry = yaml.safe_load(last("ENTRYPOINT"))
    assert entry == ["lawgate"]
    lines = {f"compose {name}": service(name)["command"] for name in SERVICES}
    return {"Dockerfile": yaml.safe_load(last("CMD")), **lines}


@pytest.mark.parametrize("where", sorted(command_lines()))
def test_each_command_line_is_one_that_lawgate_has(where: str) -> None:
    line = command_lines()[where]
    words = line[: next((n for n, word in enumerate(line) if word.startswith("-")), len(line))]
    done = run(sys.executable, "-m", "lawgate", *words, "--help")
    assert done.returncode == 0, done.stderr
    options = {word for word in line if word.startswith("--")}
    assert options <= set(re.findall(r"--[a-z][a-z-]*", done.stdout)), f"{' '.join(words)} has other options"


def test_the_configuration_passes_lawgate_check() -> None:
    done = run(sys.executable, "-m", "lawgate", "check", "--config", str(CONFIG))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_names_services_and_their_ports() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    urls = [issuer["issuer"] for issuer in config["identity"]]
    urls += [connection["upstream"] for connection in config["connections"].values()]
    for parts in map(urlsplit, urls):
        assert parts.hostname is not None
        command = service(parts.hostname)["command"]
        assert str(parts.port) == command[command.index("--port") + 1]
    idp = service("demo-idp")["command"]
    assert idp[idp.index("--issuer") + 1] == config["identity"][0]["issuer"]
    assert set(config["store"].values()) == DATA_VOLUMES
    exposed = {f"0.0.0.0:{port}" for port in last("EXPOSE").split()}
    assert set(config["listen"].values()) == exposed
