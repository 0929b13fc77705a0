import pickle
from pathlib import Path

import pytest

from lawgate.config.problem import WrongValueError
from lawgate.config.secret import SECRET_B_MAX, Secrets, is_shared, require_reference, resolve_secret
from lawgate.domain.errors import ConfigurationError

LITERAL = "sk-live-51Hxyz"


@pytest.mark.parametrize("reference", ["env:LLM_KEY", "file:/run/secrets/key", "file:key", "env:_x1"])
def test_references(reference: str) -> None:
    assert require_reference(reference) == reference


@pytest.mark.parametrize(
    "value", [LITERAL, "", "env:", "env:A-B", "env:A B", "file:", "ENV:A", "vault:x", 5, None, ["env:A"], "file:a\0b"]
)
def test_a_literal_is_refused_and_never_repeated(value: object) -> None:
    with pytest.raises(WrongValueError) as caught:
        require_reference(value)
    assert "env:NAME or file:/path" in str(caught.value)
    assert LITERAL not in str(caught.value)


def test_from_the_environment(tmp_path: Path) -> None:
    assert resolve_secret("env:K", env={"K": LITERAL}, directory=tmp_path) == LITERAL


@pytest.mark.parametrize(("content", "value"), [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), (" k ", " k ")])
def test_from_a_file_one_newline_is_dropped(tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    assert resolve_secret("file:key", env={}, directory=tmp_path) == value
    assert resolve_secret(f"file:{tmp_path}/key", env={}, directory=Path("/")) == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one\ntwo\n", "is not one line"),
        (b"k\r\nX-Injected: 1", "is not one line"),
        (b"k\x00", "is not one line"),
        ("schlüssel".encode(), "is not one line"),
        (b"\xff\xfe", "is not text"),
        (b"x" * (SECRET_B_MAX + 1), "is this the secret?"),
    ],
)
def test_what_is_no_secret_is_named_by_its_reference(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        resolve_secret("file:key", env={}, directory=tmp_path)
    assert said in str(caught.value)
    assert "key" in str(caught.value)
    assert "Injected" not in str(caught.value)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="environment variable LLM_KEY is not set"):
        resolve_secret("env:LLM_KEY", env={}, directory=tmp_path)
    with pytest.raises(ConfigurationError, match="No such file"):
        resolve_secret("file:absent", env={}, directory=tmp_path)
    with pytest.raises(ConfigurationError, match="Is a directory"):
        resolve_secret(f"file:{tmp_path}", env={}, directory=tmp_path)


def test_files_that_others_can_read_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k")
    for mode, shared in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        path.chmod(mode)
        assert is_shared(path) is shared


def test_resolved_secrets_show_themselves_to_nobody() -> None:
    secrets = Secrets({"env:K": LITERAL})
    assert secrets.get("env:K") == LITERAL
    assert LITERAL not in repr(secrets)
    with pytest.raises(TypeError):
        pickle.dumps(secrets)
    with pytest.raises(KeyError):
        secrets.get("env:OTHER")
