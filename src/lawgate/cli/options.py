"""Options that several commands share, and how they run what waits."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lawgate.cli.output import note

if TYPE_CHECKING:
    from lawgate.operations.actor import Actor
    from lawgate.operations.place import Place
    from lawgate.operations.visit import Visit

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CONFIG_FILE: Final = "lawgate.yaml"
EXCHANGE_LENGTH: Final = 32


def config_option(function: F) -> F:
    """``--config FILE``, or the environment's ``LAWGATE_CONFIG``."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        default=CONFIG_FILE,
        envvar="LAWGATE_CONFIG",
        show_default=True,
        show_envvar=True,
        help="Configuration file.",
    )(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def exchange_id(text: str) -> str:
    """What ``Lawgate-Exchange-Id`` holds, in lower case."""
    lowered = text.strip().lower()
    if len(lowered) != EXCHANGE_LENGTH or not set(lowered) <= set("0123456789abcdef"):
        raise click.BadParameter("an exchange id has 32 hexadecimal digits; 'lawgate records list' shows them")
    return lowered


def at_store(place: "Place", work: "Callable[[Visit, Actor], Awaitable[T]]") -> T:
    """Do something with the store that leaves an entry; tells when the entry could not be signed yet."""
    import asyncio

    from lawgate.cli.logs import configure_logging
    from lawgate.operations.actor import current_actor
    from lawgate.operations.visit import visiting

    configure_logging("warning", "text")

    async def visit_and_work() -> T:
        async with visiting(place) as visit:
            result = await work(visit, current_actor(os.environ))
        if visit.fault is not None:
            note(f"What you did is recorded, but it could not be signed: {visit.fault}")
        return result

    return asyncio.run(visit_and_work())
