"""``lawgate check`` and ``lawgate config``."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from lawgate.cli import exits
from lawgate.cli.options import config_option, json_option
from lawgate.cli.output import print_json, safe


@click.command()
@config_option
@click.option("--no-secrets", is_flag=True, help="Do not look for the secrets and files that it names.")
@json_option
@click.pass_context
def check(context: click.Context, /, *, config_file: Path, no_secrets: bool, as_json: bool) -> None:
    """Say everything that is wrong with the configuration.

    Each line is FILE:LINE:COLUMN KEY: what is wrong. Warnings do not count as wrong.
    """
    from lawgate.cli.times import today
    from lawgate.config.load import check as examine
    from lawgate.mask.detectors import NAMES

    report = examine(config_file, env=os.environ, detectors=NAMES, today=today(time.time()), resolve=not no_secrets)
    if as_json:
        errors, warnings = ([asdict(problem) for problem in some] for some in (report.errors, report.warnings))
        print_json({"usable": report.usable, "errors": errors, "warnings": warnings})
    else:
        for problem in report.errors:
            click.echo(safe(str(problem)))
        for problem in report.warnings:
            click.echo(safe(f"{problem} (warning)"))
        if report.usable:
            click.echo(f"{config_file} is valid" + (", with warnings" if report.warnings else ""))
    if not report.usable:
        context.exit(exits.FOUND)


@click.group()
def config() -> None:
    """Show the configuration in effect, or its schema."""


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from lawgate.config.schema import config_schema

    json.dump(config_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")


@config.command()
@config_option
def show(*, config_file: Path) -> None:
    """Print the configuration in effect, defaults included, as JSON.

    Secrets are shown as the references that the file holds. This is what the log's entry says about it.
    """
    from lawgate.config.load import load_config
    from lawgate.mask.detectors import NAMES

    loaded = load_config(config_file, env=os.environ, detectors=NAMES)
    json.dump({"digest": loaded.digest, "configuration": loaded.public_view()}, sys.stdout, indent=2)
    sys.stdout.write("\n")
