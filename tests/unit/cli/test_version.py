from lawgate import __version__
from tests.unit.cli.commands import Shell


def test_it_is_the_packages(lawgate: Shell) -> None:
    assert lawgate("version").out == f"lawgate {__version__}\n"
    assert lawgate("--version").out == f"lawgate {__version__}\n"


def test_programs_get_an_object(lawgate: Shell) -> None:
    assert lawgate("version", "--json").object["version"] == __version__
