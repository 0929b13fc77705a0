"""``lawgate version``."""

import json
import platform

import click

from lawgate import __version__


@click.command(help="Say which version this is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def version(*, as_json: bool) -> None:
    if as_json:
        found = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
        click.echo(json.dumps(found))
    else:
        click.echo(f"lawgate {__version__}")
