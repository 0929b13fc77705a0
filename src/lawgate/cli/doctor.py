"""``lawgate doctor``."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lawgate.cli import exits
from lawgate.cli.options import config_option, json_option
from lawgate.cli.output import print_json, print_laid_out, safe

if TYPE_CHECKING:
    from lawgate.config.settings import Config
    from lawgate.operations.finding import Finding

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Ask nothing of the network.")
@json_option
@click.pass_context
def doctor(context: click.Context, /, *, config_file: Path, offline: bool, as_json: bool) -> None:
    """Look at everything that the gateway needs, and say what to mend.

    Configuration, key file, store, disks, clock, signing, identity providers, upstreams, ports. Code 1
    if something failed; warnings do not count.
    """
    findings = _findings(config_file, offline=offline)
    if as_json:
        for finding in findings:
            print_json(finding.view())
    else:
        _print(findings)
    if any(finding.health == "failed" for finding in findings):
        context.exit(exits.FOUND)


def _findings(config_file: Path, *, offline: bool) -> "list[Finding]":
    from lawgate.config.problem import InvalidConfigError
    from lawgate.operations.finding import skipped
    from lawgate.operations.health_store import store_findings
    from lawgate.operations.place import find_place

    now = time.time()
    findings, config = _configuration(config_file)
    try:
        findings += store_findings(find_place(config_file), now)
    except InvalidConfigError:
        findings.append(skipped("store", "the configuration does not say where it is"))
    if config is None or offline:
        why = "--offline" if offline else "the configuration is not valid"
        findings.append(skipped("network", f"not asked: {why}"))
        return findings
    import asyncio

    from lawgate.operations.health_network import network_findings

    return findings + asyncio.run(network_findings(config, now))


def _configuration(config_file: Path) -> "tuple[list[Finding], Config | None]":
    from lawgate.config.load import load_config
    from lawgate.config.problem import InvalidConfigError
    from lawgate.mask.detectors import NAMES
    from lawgate.operations.finding import failed, fine, warning

    try:
        config = load_config(config_file, env=os.environ, detectors=NAMES)
    except InvalidConfigError as error:
        return [failed("configuration", str(problem)) for problem in error.problems], None
    findings = [fine("configuration", f"{config_file} is valid")]
    findings += [warning("configuration", said, "see docs/configuration.md") for said in config.warnings]
    return findings, config


def _print(findings: "list[Finding]") -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for finding in findings:
        mend = f"\n-> {safe(finding.mend)}" if finding.mend else ""
        health = finding.health.value
        grid.add_row(health if health != "failed" else "FAILED", safe(finding.name), safe(finding.found) + mend)
        grid.rows[-1].style = _STYLES[health] if health != "ok" else ""
    print_laid_out(grid)
