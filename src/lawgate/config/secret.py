"""Secrets by reference: ``env:NAME`` or ``file:/path``; never in the file itself.

Rule 1: no message, repr or view shows a secret's value, nor a text that may be one.
Rule 2: a secret is one line of printable text, because it ends up in a header (RFC 9110 section 5.5).
"""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lawgate.config.problem import WrongValueError
from lawgate.domain.errors import ConfigurationError

SECRET_B_MAX: Final = 65_536
"""Far above any key or token."""

_ENV: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_FILE: Final = re.compile(r"file:[^\0]{1,4096}")


class Secrets:
    """The resolved secrets of one configuration, by reference; shows nothing of them."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __repr__(self) -> str:
        return f"Secrets({sorted(self._values)})"

    def __reduce__(self) -> str:
        msg = "secrets are not for storing"
        raise TypeError(msg)

    def get(self, reference: str) -> str:
        """The value behind ``reference``; raises ``KeyError`` for one that the configuration does not have."""
        return self._values[reference]


def require_reference(text: object) -> str:
    """A reference as it is, or ``WrongValueError`` without a trace of what was there instead."""
    if isinstance(text, str) and (_ENV.fullmatch(text) or _FILE.fullmatch(text)):
        return text
    raise WrongValueError(
        "must be a reference to a secret, env:NAME or file:/path, and not the secret itself; "
        "if a secret stood here, replace it where it was issued"
    )


def resolve_secret(reference: str, *, env: Mapping[str, str], directory: Path) -> str:
    """The secret that ``reference`` names; relative paths start at ``directory``.

    Raises ``ConfigurationError`` that names the reference and never the value.
    """
    kind, _, name = reference.partition(":")
    value = _from_env(name, env) if kind == "env" else _from_file(secret_path(reference, directory))
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigurationError(f"{reference} is empty; put the secret there")
    if not value.isprintable() or not value.isascii():
        raise ConfigurationError(f"{reference} is not one line of printable ASCII text")
    return value


def secret_path(reference: str, directory: Path) -> Path:
    """The file that a ``file:`` reference names."""
    return directory / reference.removeprefix("file:")


def is_shared(path: Path) -> bool:
    """Whether others than the owner can read this file (group or world)."""
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH))


def _from_env(name: str, env: Mapping[str, str]) -> str:
    value = env.get(name)
    if value is None:
        raise ConfigurationError(f"the environment variable {name} is not set; set it, or use file:/path")
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(SECRET_B_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > SECRET_B_MAX:
        raise ConfigurationError(f"{path} has more than {SECRET_B_MAX} bytes; is this the secret?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not text") from None
