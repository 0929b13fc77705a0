"""``lawgate key``: API keys for tools that can hold only a static credential."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lawgate.cli.options import at_store, config_option, json_option
from lawgate.cli.output import Column, note, print_json, print_table, safe
from lawgate.cli.times import ago, ahead, utc

if TYPE_CHECKING:
    from lawgate.ports import ApiKeyRow

_COLUMNS: Final = (
    Column("ID", keep=True),
    Column("STATE", keep=True),
    Column("EXPIRES", keep=True),
    Column("PRINCIPAL", keep=True),
    Column("PURPOSE"),
    Column("OWNER"),
    Column("CREATED (UTC)"),
    Column("GROUPS"),
)
_STYLES: Final = {"live": "", "expired": "dim", "revoked": "dim"}


@click.group()
def key() -> None:
    """Create, list and revoke API keys.

    A key speaks for one service and one purpose, and expires. Each change is an entry of the log.
    """


@key.command()
@config_option
@click.option("--principal", required=True, metavar="NAME", help="Service that the key speaks for.")
@click.option("--purpose", required=True, metavar="NAME", help="The one purpose that it may serve.")
@click.option("--owner", required=True, metavar="WHO", help="Who answers for it: a person or a team.")
@click.option(
    "--expires", type=ahead, metavar="TIME", default="90d", show_default=True, help="When: 90d, 1 year, 2027-01-31."
)
@click.option("--groups", default="", metavar="A,B", help="Groups that rules may ask for.")
@json_option
def create(
    *, config_file: Path, principal: str, purpose: str, owner: str, expires: int, groups: str, as_json: bool
) -> None:
    """Make a key and print it, once: nobody can show it again.

    Only the key goes to standard output.
    """
    from lawgate.operations.api_keys import NewKey, create_key
    from lawgate.operations.place import find_place, require_purpose

    place = find_place(config_file)
    require_purpose(place, purpose, config_file)
    named = tuple(group.strip() for group in groups.split(",") if group.strip())
    wanted = NewKey(principal, purpose, owner, named, int(time.time()), expires)
    created = at_store(place, lambda visit, actor: create_key(visit, actor, wanted))
    row = created.row
    if as_json:
        print_json(_view(row, time.time()) | {"key": created.text})
        return
    click.echo(created.text)
    note(f"key {row.id} speaks for {row.principal} and serves {row.purpose} until {utc(row.expires_at)} UTC.")
    note("Store it now: only its hash is kept, so nobody can show it again.")


@key.command("list")
@config_option
@json_option
def list_(*, config_file: Path, as_json: bool) -> None:
    """Show every key that ever was; never a secret."""
    from lawgate.operations.api_keys import key_state, list_keys
    from lawgate.operations.place import find_place

    now = time.time()
    rows = list_keys(find_place(config_file))
    if as_json:
        for row in rows:
            print_json(_view(row, now))
        return
    if not rows:
        note("There is no API key; make one with: lawgate key create")
        return
    states = [key_state(row, now) for row in rows]
    cells = [
        (
            row.id,
            state,
            ago(row.expires_at, now),
            row.principal,
            row.purpose,
            row.owner,
            utc(row.created_at),
            ", ".join(row.groups),
        )
        for row, state in zip(rows, states, strict=True)
    ]
    print_table(_COLUMNS, cells, styles=[_STYLES[state] for state in states])


@key.command()
@config_option
@click.argument("key_id", metavar="ID")
def revoke(*, config_file: Path, key_id: str) -> None:
    """Make a key useless at once; a running gateway notices with the next request."""
    from lawgate.operations.api_keys import revoke_key
    from lawgate.operations.place import find_place

    now = int(time.time())
    done = at_store(find_place(config_file), lambda visit, actor: revoke_key(visit, actor, key_id, now))
    note(safe(f"key {key_id} " + ("is revoked" if done else "was revoked before")))


def _view(row: "ApiKeyRow", now: float) -> dict[str, object]:
    from lawgate.operations.api_keys import key_state

    return {
        "id": row.id,
        "state": key_state(row, now),
        "principal": row.principal,
        "purpose": row.purpose,
        "owner": row.owner,
        "groups": list(row.groups),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }
