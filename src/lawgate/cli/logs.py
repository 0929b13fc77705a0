"""Log lines: JSON for collectors, text where a person looks at a terminal.

Rule 1: one line an event, whatever is in it.
Rule 2: no personal data (law 4). Our own messages hold none; of anybody else's only the fixed part of the
    first line is kept, because arguments and tracebacks may quote what passed.
Rule 3: an exception is its type and its place; ``LAWGATE_TRACEBACK=1`` shows it whole, on a machine where
    that is allowed.
"""

import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from lawgate.cli.exits import TRACEBACK_VARIABLE, where
from lawgate.cli.output import safe

OURS: Final = "lawgate"
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_Fields = dict[str, Any]


def fields_of(record: logging.LogRecord) -> _Fields:
    """What one line says: ``ts``, ``level``, ``logger``, ``message``, then the event's own fields."""
    fields: _Fields = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
    }
    for name, value in record.__dict__.items():
        if name not in _STANDARD and value is not None and _is_ours(record):
            fields[name] = value if isinstance(value, (str, int, float, bool)) else str(value)
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = where(record.exc_info[1])
    return fields


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == OURS or record.name.startswith(f"{OURS}.")


def _message(record: logging.LogRecord) -> str:
    if _is_ours(record):
        return record.getMessage()
    return str(record.msg).partition("\n")[0]


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return _with_traceback(self, record, json.dumps(fields_of(record), separators=(",", ":")))


class TextLines(logging.Formatter):
    """``09:30:00.123 warning gateway: not recorded  exchange=... reason=...``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = fields_of(record)
        at, level, logger, message = (str(fields.pop(name)) for name in ("ts", "level", "logger", "message"))
        extras = "".join(f"  {name}={value}" for name, value in fields.items())
        line = f"{at[11:-1]} {level:<7} {logger.removeprefix(f'{OURS}.')}: {message}{extras}"
        return _with_traceback(self, record, safe(line).replace("\n", "\\n"))


def _with_traceback(formatter: logging.Formatter, record: logging.LogRecord, line: str) -> str:
    if record.exc_info and os.environ.get(TRACEBACK_VARIABLE) == "1":
        return f"{line}\n{formatter.formatException(record.exc_info)}"
    return line


def configure_logging(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (standard error). ``form`` is ``json``, ``text`` or ``auto``."""
    stream = sys.stderr if stream is None else stream
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_error


def _log_thread_error(arguments: threading.ExceptHookArgs) -> None:
    """The interpreter would print a traceback."""
    error = arguments.exc_value
    name = arguments.thread.name if arguments.thread is not None else "?"
    logging.getLogger(OURS).error("a thread ended", exc_info=error, extra={"thread_name": name})
