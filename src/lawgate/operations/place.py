"""Where the store of a configuration file is: all that commands on the evidence need to know of it.

Rule 1: only ``store`` is read, so an auditor needs neither the secrets nor a valid rest of the file.
Rule 2: what is said here agrees with ``config``: the same defaults, the same meaning of relative paths.
Rule 3: no pydantic: these commands start in a third of the time without it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lawgate.config.document import FILE_B_MAX, Document, parse_document
from lawgate.config.problem import InvalidConfigError, Problem, nearest
from lawgate.store.files import StorePaths

KEK_FILE: Final = "kek.json"
NODE: Final = "node-1"
_MEND: Final = "run 'lawgate check' to see everything that is wrong with this file"


@dataclass(frozen=True, slots=True)
class Place:
    """The store that a file names, and the purposes it declares. ``node`` is the gateway's own name in the log."""

    paths: StorePaths
    kek_file: Path
    node: str = NODE
    origin: str | None = None
    purposes: tuple[str, ...] = ()


def find_place(path: Path) -> Place:
    """Read the place from a configuration file. Raises ``InvalidConfigError``."""
    document = parse_document(str(path), _read(path))
    directory = path.absolute().parent
    keys = directory / _required(document, "keys")
    kek_file = _optional(document, "kek_file")
    return Place(
        StorePaths(directory / _required(document, "evidence"), keys),
        directory / kek_file if kek_file else keys / KEK_FILE,
        _optional(document, "node") or NODE,
        _optional(document, "origin"),
        _purposes(document),
    )


def require_purpose(place: Place, purpose: str, file: Path) -> None:
    """Refuse a purpose that the file does not declare, with the likely one. Raises ``InvalidConfigError``."""
    if purpose not in place.purposes:
        what = "no purpose of this name is declared here"
        raise InvalidConfigError([Problem(str(file), 0, 0, "purposes", what, nearest(purpose, place.purposes))])


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_B_MAX + 1)
    except OSError as error:
        what = f"cannot be read ({error.strerror}); name it with --config, or run 'lawgate init' to write one"
        raise InvalidConfigError([Problem(str(path), 0, 0, "", what)]) from None


def _required(document: Document, key: str) -> str:
    value = _optional(document, key)
    if value is None:
        raise _invalid(document, ("store",), f"needs the key {key}; {_MEND}")
    return value


def _optional(document: Document, key: str) -> str | None:
    node = document.node(("store", key))
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str) or not node.value.strip() or "\0" in node.value:
        raise _invalid(document, ("store", key), f"must be a text that is not empty; {_MEND}")
    return node.value


def _purposes(document: Document) -> tuple[str, ...]:
    node = document.node(("purposes",))
    return tuple(node.value) if node is not None and isinstance(node.value, dict) else ()


def _invalid(document: Document, path: tuple[str, ...], what: str) -> InvalidConfigError:
    mark = document.locate(path)
    return InvalidConfigError([Problem(document.file, mark.line, mark.column, ".".join(path), what)])
