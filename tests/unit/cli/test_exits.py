from pathlib import Path

import pytest

from lawgate.cli import exits
from lawgate.domain.errors import (
    CannotListenError,
    Code,
    ConfigurationError,
    EvidenceError,
    StoreUnavailableError,
    UpstreamError,
    refuse,
)
from lawgate.operations.errors import KeyRequestError, NotFoundError, UnreadableError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("x"), exits.FOUND),
        (KeyRequestError("x"), exits.USAGE),
        (ConfigurationError("x"), exits.CONFIGURATION),
        (CannotListenError("cannot listen on 127.0.0.1:1 (in use); free the port"), exits.LISTEN),
        (UnreadableError("x"), exits.CONFIGURATION),
        (EvidenceError("x"), exits.STORE),
        (StoreUnavailableError("x"), exits.STORE),
        (UpstreamError(Code.UPSTREAM_TIMEOUT, "x", request_sent=False), exits.CONFIGURATION),
        (refuse(Code.INTERNAL, "x"), exits.CONFIGURATION),
        (PermissionError(13, "Permission denied", "file"), exits.CONFIGURATION),
        (ValueError("x"), exits.INTERNAL),
    ],
)
def test_each_kind_of_error_has_its_code(error: Exception, code: int) -> None:
    assert exits.code_of(error) == code


def test_every_code_has_its_sentence_and_the_documentation_has_both() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(exits.MEANINGS)
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for code, meaning in exits.MEANINGS.items():
        assert f"| {code} | {meaning} |" in page


def raised(message: str) -> ValueError:
    """An error that has been through a raise, so that it has a place."""
    with pytest.raises(ValueError, match=message) as caught:
        int(message)
    return caught.value


def test_a_bug_says_type_and_place_and_never_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits.complain(raised("anna@mail.example")) == exits.INTERNAL
    said = capsys.readouterr().err
    assert "ValueError at " in said
    assert "test_exits:" in said
    assert "anna" not in said
    assert "Traceback" not in said


def test_a_traceback_is_for_those_who_ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWGATE_TRACEBACK", "1")
    exits.complain(raised("told"))
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_the_file_system_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    exits.complain(PermissionError(13, "Permission denied", "keys/kek.json"))
    assert capsys.readouterr().err == "lawgate: keys/kek.json: Permission denied\n"
