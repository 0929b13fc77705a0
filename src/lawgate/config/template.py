"""The file that `lawgate init` writes: complete, commented, and valid as it stands."""

from importlib.resources import files
from typing import Final

TEMPLATE: Final = "lawgate.yaml"


def template_text() -> str:
    """A configuration to start from; relative paths in it start beside the file."""
    return files("lawgate.config").joinpath("templates", TEMPLATE).read_text(encoding="utf-8")
