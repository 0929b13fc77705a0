"""``lawgate init``."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lawgate.cli.options import config_option

if TYPE_CHECKING:
    from lawgate.operations.initialise import Made


@click.command()
@config_option
@click.option("--if-missing", is_flag=True, help="Make only what is missing; say nothing if that is nothing.")
def init(*, config_file: Path, if_missing: bool) -> None:
    """Write a commented configuration, a key file and an empty store.

    Nothing that exists is overwritten.
    """
    from lawgate.operations.initialise import initialise

    made = initialise(config_file, if_missing=if_missing)
    if made.origin is not None or made.config_is_new:
        click.echo(_told(made))


def _told(made: "Made") -> str:
    place = made.place
    paths = place.paths
    lines = []
    if made.config_is_new:
        lines.append(f"configuration  {made.config}  (edit it: it names example hosts)")
    if made.origin is None:
        return "\n".join(lines)
    lines += [
        f"key file       {place.kek_file}" + ("" if made.key_file_is_new else "  (was there already)"),
        f"keys           {paths.keys}",
        f"evidence       {paths.evidence}",
        f"log            {made.origin}",
        "",
        "LOSING THE KEY FILE LOSES THE EVIDENCE: nothing that was sealed can be opened again without it.",
        "Back up three things, in three places:",
        f"  1. {place.kek_file}",
        "     once, now, away from this machine (a safe, a vault). It does not change.",
        f"  2. {paths.keys}, without the key file",
        "     often, and keep copies for days only: an old copy brings back what was erased.",
        f"  3. {paths.evidence}",
        "     often, for as long as your retention says. Never in one backup with 1 or 2.",
        "",
        "Next: edit the configuration, then run",
        f"  lawgate check --config {made.config}",
        f"  lawgate serve --config {made.config}",
    ]
    return "\n".join(lines)
