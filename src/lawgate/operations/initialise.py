"""Makes a configuration, a key file and an empty store, once.

Rule 1: nothing that exists is overwritten, whatever the options.
Rule 2: a store with some of its parts missing is not repaired: keys made anew would not open its evidence.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from lawgate.config.template import template_text
from lawgate.domain.errors import ConfigurationError, EvidenceError
from lawgate.kms.key_file import create_key_file, load_key_file
from lawgate.operations.place import Place, find_place
from lawgate.store.opening import init_store


@dataclass(frozen=True, slots=True)
class Made:
    """What stands now, and which parts of it are new. ``origin`` is the log's name, if the store is new."""

    config: Path
    place: Place
    config_is_new: bool
    key_file_is_new: bool
    origin: str | None


def initialise(config: Path, *, if_missing: bool) -> Made:
    """Make what is missing. Without ``if_missing``, a configuration that is there is refused.

    Raises ``ConfigurationError`` or ``EvidenceError``.
    """
    exists = config.exists()
    if exists and not if_missing:
        msg = (
            f"{config} exists and is not overwritten; to make the store that it names, "
            f"run: lawgate init --if-missing --config {config}"
        )
        raise ConfigurationError(msg)
    if not exists:
        _write_template(config)
    place = find_place(config)
    if _is_made(place):
        return Made(config, place, config_is_new=not exists, key_file_is_new=False, origin=None)
    new_key_file = not place.kek_file.exists()
    wrapper = create_key_file(place.kek_file) if new_key_file else load_key_file(place.kek_file)
    # A crash here leaves a key file that wraps nothing; the next run goes on with it.
    origin = init_store(place.paths, wrapper, place.origin)
    return Made(config, place, config_is_new=not exists, key_file_is_new=new_key_file, origin=origin)


def _write_template(config: Path) -> None:
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        msg = f"{config}: cannot be written ({error.strerror}); choose another place with --config"
        raise ConfigurationError(msg) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(template_text())


def _is_made(place: Place) -> bool:
    """Whether the whole store stands. Raises ``EvidenceError`` if only a part of it does."""
    paths = place.paths
    parts = (paths.index, paths.key_database, paths.signing_key, paths.vkey, paths.pinned)
    missing = [path for path in parts if not path.exists()]
    if len(missing) == len(parts):
        return False
    if not place.kek_file.exists():
        missing.append(place.kek_file)
    if missing:
        names = ", ".join(str(path) for path in missing)
        msg = (
            f"the store is there in part; missing: {names}. Restore these from their backup; if nothing was ever "
            f"recorded, remove {paths.evidence} and {paths.keys} and run this again"
        )
        raise EvidenceError(msg)
    return True
