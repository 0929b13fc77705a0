"""``lawgate records``: what passed, read by people."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lawgate.cli import exits
from lawgate.cli.options import at_store, config_option, exchange_id, json_option
from lawgate.cli.output import Column, note, print_json, print_table
from lawgate.cli.times import ago, past, utc

if TYPE_CHECKING:
    from lawgate.evidence.verify import Check
    from lawgate.operations.actor import Actor
    from lawgate.operations.listing import ExchangeRow
    from lawgate.operations.proving import Export
    from lawgate.operations.visit import Visit

SHOWN: Final = 50
"""Rows of a table unless ``--limit`` says otherwise; programs get all."""
_COLUMNS: Final = (
    Column("EXCHANGE", keep=True),
    Column("WHEN", keep=True),
    Column("OUTCOME", keep=True),
    Column("PURPOSE"),
    Column("CONNECTION"),
    Column("CODE"),
    Column("BEGAN (UTC)"),
)
_STYLES: Final = {"answered": "", "refused": "yellow"}


@click.group()
def records() -> None:
    """Read what passed; the reading is recorded.

    Until operators can sign in, the reader is the operating-system user, recorded as not verified.
    """


@records.command("list")
@config_option
@click.option(
    "--since", type=past, metavar="TIME", help="Entries from this time on: 2h, 30 days, 2026-01-31T09:30 (UTC)."
)
@click.option("--until", type=past, metavar="TIME", help="Entries before this time.")
@click.option("--purpose", help="Of one purpose.")
@click.option("--connection", help="Over one connection.")
@click.option("--principal", metavar="ISSUER|SUBJECT", help="Of one caller.")
@click.option("--outcome", help="answered, refused, failed, interrupted or unknown.")
@click.option("--limit", type=click.IntRange(min=1), help=f"Most rows; {SHOWN} for a table, all with --json.")
@json_option
def list_(  # noqa: PLR0913 - one argument an option
    *,
    config_file: Path,
    since: int | None,
    until: int | None,
    purpose: str | None,
    connection: str | None,
    principal: str | None,
    outcome: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List exchanges, the newest first: one row, or one JSON object a line, for each.

    Shows what is searchable without opening anything. Refusals of callers that nobody could identify
    are counted by the minute and belong to no exchange.
    """
    from lawgate.operations.listing import ROWS_MAX, Query, list_exchanges, row_view
    from lawgate.operations.place import find_place

    if principal is not None and "|" not in principal:
        raise click.BadParameter("write it as ISSUER|SUBJECT", param_hint="--principal")
    most = limit or (ROWS_MAX if as_json else SHOWN)
    query = Query(since, until, purpose, connection, principal, outcome, most)
    rows = at_store(find_place(config_file), lambda visit, actor: list_exchanges(visit, actor, query))
    if as_json:
        for row in rows:
            print_json(row_view(row))
    elif rows:
        _print_rows(rows, time.time())
    else:
        note("No exchange fits.")
    if len(rows) == most and limit is None:
        note(f"These are the newest {most}; ask for more with --limit, or for older ones with --until.")


def _print_rows(rows: "list[ExchangeRow]", now: float) -> None:
    cells = [
        (
            row.exchange_id,
            ago(row.ts, now),
            row.outcome or f"({row.state})",
            row.purpose or "-",
            row.connection or "-",
            row.code or "",
            utc(row.ts),
        )
        for row in rows
    ]
    print_table(_COLUMNS, cells, styles=[_STYLES.get(row.outcome or "", "bold") for row in rows])


@records.command()
@config_option
@click.argument("exchange", type=exchange_id, metavar="EXCHANGE")
@json_option
@click.pass_context
def show(context: click.Context, /, *, config_file: Path, exchange: str, as_json: bool) -> None:
    """Show one exchange: who, why, on what basis, to whom, what was masked, how it ended.

    Bodies are shown without what was found in them; the originals stay sealed. Code 1 if a part does
    not open although nobody destroyed it.
    """
    from lawgate.operations.journey import journey_view, show_exchange
    from lawgate.operations.place import find_place

    journey = at_store(find_place(config_file), lambda visit, actor: show_exchange(visit, actor, exchange))
    if as_json:
        print_json(journey_view(journey))
    else:
        from lawgate.cli.journey_page import print_journey

        print_journey(journey, time.time())
    if journey.damaged:
        context.exit(exits.FOUND)


@records.command()
@config_option
@click.argument("exchange", type=exchange_id, metavar="EXCHANGE")
@json_option
@click.pass_context
def verify(context: click.Context, /, *, config_file: Path, exchange: str, as_json: bool) -> None:
    """Check one exchange: chain, inclusion in the signed tree, and what its entries commit to.

    Shows nothing of what it checks, so it leaves no entry.
    """
    from lawgate.cli.verify import print_checks
    from lawgate.operations.place import find_place

    checks = at_store(find_place(config_file), lambda visit, _actor: _checks(visit, exchange))
    if as_json:
        print_json({"exchange_id": exchange, "ok": all(check.ok for check in checks), "checks": _plain(checks)})
    else:
        print_checks(checks)
    if not all(check.ok for check in checks):
        context.exit(exits.FOUND)


async def _checks(visit: "Visit", exchange: str) -> "list[Check]":
    from lawgate.operations.journey import require_exchange
    from lawgate.operations.proving import verify_exchange

    require_exchange(visit.reader, exchange)
    return verify_exchange(visit.reader, visit.paths, await visit.signed(exchange))


def _plain(checks: "list[Check]") -> list[dict[str, object]]:
    from dataclasses import asdict

    return [asdict(check) for check in checks]


@records.command()
@config_option
@click.argument("exchange", type=exchange_id, metavar="EXCHANGE")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory, new or empty.")
@json_option
def proof(*, config_file: Path, exchange: str, out: Path, as_json: bool) -> None:
    """Export proofs of one exchange that anyone can verify offline.

    Writes each entry's leaf and proof, the checkpoint and the log's public key. A leaf names nobody.
    """
    from lawgate.operations.place import find_place
    from lawgate.operations.proving import export_proofs

    async def export(visit: "Visit", actor: "Actor") -> "Export":
        return await export_proofs(visit, actor, exchange, out)

    exported = at_store(find_place(config_file), export)
    if as_json:
        print_json(
            {
                "exchange_id": exchange,
                "checkpoint": str(exported.checkpoint),
                "vkey": str(exported.vkey),
                "proofs": [
                    {"kind": each.kind, "index": each.index, "leaf": str(each.leaf), "proof": str(each.proof)}
                    for each in exported.proofs
                ],
            }
        )
        return
    for each in exported.proofs:
        click.echo(
            f"lawgate verify --vkey {exported.vkey} --checkpoint {exported.checkpoint} "
            f"--proof {each.proof} --leaf {each.leaf}"
        )
    note("Each line above verifies one entry. Hand over the key by another way than the proofs.")
