import io
import json
import logging
import threading

import pytest

from lawgate.cli.logs import configure_logging

SECRET = "anna.kowalska@mail.example"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_with_the_events_own_fields() -> None:
    stream = io.StringIO()
    configure_logging("info", "auto", stream)
    logging.getLogger("lawgate.gateway").info("exchange ended", extra={"exchange": "ab" * 16, "ms": 12, "code": None})
    (line,) = lines(stream)
    assert line["ts"]
    del line["ts"]
    assert line == {
        "level": "info",
        "logger": "lawgate.gateway",
        "message": "exchange ended",
        "exchange": "ab" * 16,
        "ms": 12,
    }


def test_a_terminal_gets_text_on_one_line() -> None:
    stream = Terminal()
    configure_logging("info", "auto", stream)
    logging.getLogger("lawgate.gateway").warning("two\nlines \x1b[31m", extra={"reason": "disk\nfull"})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("warning gateway: two\\nlines \\x1b[31m  reason=disk\\nfull")


@pytest.mark.parametrize(("form", "first"), [("json", "{"), ("text", "0123456789")])
def test_the_form_can_be_chosen(form: str, first: str) -> None:
    stream = Terminal()
    configure_logging("info", form, stream)
    logging.getLogger("lawgate").info("x")
    assert stream.getvalue()[0] in first


def test_levels_below_are_not_written() -> None:
    stream = io.StringIO()
    configure_logging("warning", "json", stream)
    logging.getLogger("lawgate.x").info("quiet")
    logging.getLogger("asyncio").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_its_type_and_place_only(form: str) -> None:
    """Law 4: a message may quote what passed."""
    stream = io.StringIO()
    configure_logging("info", form, stream)
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("lawgate.log").exception("integration failed")
    assert SECRET not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()
    assert "ValueError at " in stream.getvalue()


def test_of_other_peoples_messages_only_the_fixed_part_is_kept() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <Task ValueError('{SECRET}')>")  # noqa: G004 - asyncio does so
    logging.getLogger("uvicorn.error").warning("from %s", SECRET, extra={"peer": SECRET})
    assert [line["message"] for line in lines(stream)] == ["Task exception was never retrieved", "from %s"]
    assert SECRET not in stream.getvalue()


def test_whole_tracebacks_are_for_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWGATE_TRACEBACK", "1")
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    try:
        int("told")
    except ValueError:
        logging.getLogger("lawgate").exception("failed")
    assert "Traceback" in stream.getvalue()


def test_a_thread_that_dies_leaves_a_line_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    def die() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=die, name="doomed")
    thread.start()
    thread.join()
    (line,) = lines(stream)
    assert (line["message"], line["thread_name"]) == ("a thread ended", "doomed")
    assert str(line["error"]).startswith("ValueError at ")
    assert SECRET not in stream.getvalue() + capsys.readouterr().err
