"""``lawgate verify``: a store, a copy of one, or exported files alone."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lawgate.cli import exits
from lawgate.cli.options import config_option, json_option
from lawgate.cli.output import note, print_json, print_laid_out, safe

if TYPE_CHECKING:
    from lawgate.evidence.verify import Check
    from lawgate.operations.verifying import Verification

UNREADABLE: Final = exits.CONFIGURATION
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY: Final = click.Path(path_type=Path, file_okay=False)


@click.command()
@config_option
@click.option("--evidence", type=_DIRECTORY, help="A copy of the evidence, instead of the configuration's store.")
@click.option("--keys", type=_DIRECTORY, help="With --evidence: the keys; log.vkey and pinned-checkpoint suffice.")
@click.option("--key-file", type=_FILE, help="With --keys: the key file, to check content too.")
@click.option("--vkey", type=_FILE, help="The log's public key, where the keys are not at hand.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="A signed checkpoint kept elsewhere.")
@click.option("--proof", type=_FILE, help="An exported proof; needs --leaf and --vkey.")
@click.option("--leaf", type=_FILE, help="The leaf that the proof is of.")
@json_option
@click.pass_context
def verify(  # noqa: PLR0913 - one argument an option
    context: click.Context,
    /,
    *,
    config_file: Path,
    evidence: Path | None,
    keys: Path | None,
    key_file: Path | None,
    vkey: Path | None,
    checkpoints: tuple[Path, ...],
    proof: Path | None,
    leaf: Path | None,
    as_json: bool,
) -> None:
    r"""Show that nobody changed the log, or where.

    \b
    lawgate verify                             the whole store of lawgate.yaml
    lawgate verify --evidence DIR --keys DIR   a copy
    lawgate verify --evidence DIR --vkey FILE  a copy, with the public key alone
    lawgate verify --checkpoint FILE --proof FILE --leaf FILE --vkey FILE
                                               exported files, offline

    Code 0 if every check holds, 1 if one fails, 2 for a wrong command line, 3 if something cannot be
    read. Shows nothing of any content, so it leaves no entry.
    """
    from lawgate.operations.errors import UnreadableError

    try:
        if proof is not None or leaf is not None or (vkey is not None and evidence is None):
            ok = _files(vkey, checkpoints, proof, leaf, as_json=as_json)
        elif evidence is not None:
            ok = _copy(evidence, keys, key_file, vkey, checkpoints, as_json=as_json)
        else:
            ok = _place(config_file, keys, key_file, checkpoints, as_json=as_json)
    except UnreadableError as error:
        exits.complain(error)
        context.exit(UNREADABLE)
    if not ok:
        context.exit(exits.FOUND)


def _place(
    config_file: Path, keys: Path | None, key_file: Path | None, checkpoints: Sequence[Path], *, as_json: bool
) -> bool:
    from lawgate.operations.place import find_place
    from lawgate.operations.verifying import read_notes, verify_place

    if keys is not None or key_file is not None:
        raise click.UsageError("--keys and --key-file go with --evidence; the configuration names its own")
    return _told(verify_place(find_place(config_file), read_notes(checkpoints)), as_json=as_json)


def _copy(
    evidence: Path,
    keys: Path | None,
    key_file: Path | None,
    vkey: Path | None,
    checkpoints: Sequence[Path],
    *,
    as_json: bool,
) -> bool:
    from lawgate.operations.verifying import read_notes, verify_copy

    if (keys is None) == (vkey is None):
        raise click.UsageError("with --evidence say who signed: either --keys DIR or --vkey FILE")
    if key_file is not None and keys is None:
        raise click.UsageError("--key-file opens the keys of --keys DIR; name it too")
    notes = read_notes(checkpoints)
    return _told(verify_copy(evidence, keys=keys, key_file=key_file, vkey=vkey, notes=notes), as_json=as_json)


def _files(
    vkey: Path | None, checkpoints: Sequence[Path], proof: Path | None, leaf: Path | None, *, as_json: bool
) -> bool:
    from lawgate.operations.verifying import Exported, verify_files

    if vkey is None:
        raise click.UsageError("say whose log it is: --vkey FILE")
    if (proof is None) != (leaf is None):
        raise click.UsageError("--proof and --leaf go together")
    if proof is None and not checkpoints:
        raise click.UsageError("there is nothing to verify: name --proof and --leaf, or --checkpoint, or --evidence")
    if len(checkpoints) > 1:
        raise click.UsageError("name one --checkpoint")
    checks = verify_files(Exported(vkey, checkpoints[0] if checkpoints else None, proof, leaf))
    ok = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        print_checks(checks)
    return ok


def _told(verification: "Verification", *, as_json: bool) -> bool:
    report = verification.report
    if as_json:
        print_json(
            {
                "ok": report.ok,
                "entries": report.entries,
                "signed": report.signed_size,
                "root": report.root.hex(),
                "open_intents": report.open_intents,
                "checks": [asdict(check) for check in report.checks],
                "not_checked": list(verification.left_out),
            }
        )
        return report.ok
    print_checks(report.checks)
    for left_out in verification.left_out:
        note(f"not checked: {left_out}")
    unsigned = report.entries - report.signed_size
    signed = "all of them signed" if not unsigned else f"{report.signed_size} of them signed"
    open_ = f", {report.open_intents} exchanges without an outcome" if report.open_intents else ""
    click.echo(f"{report.entries} entries, {signed}{open_}")
    click.echo(f"root {report.root.hex()}")
    return report.ok


def print_checks(checks: "Sequence[Check]") -> None:
    """One line a check: ``ok`` or ``FAILED``, what was checked, what was found."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=6)
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for check in checks:
        more = f" ({check.failed} of {check.checked})" if check.failed > 1 else ""
        grid.add_row("ok" if check.ok else "FAILED", safe(check.name), safe(check.detail) + more)
        grid.rows[-1].style = "" if check.ok else "red"
    print_laid_out(grid)
