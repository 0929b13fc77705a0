"""Options that several commands share, and how they run what waits."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import click

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


class ExchangeIdType(click.ParamType):
    """What ``Lawgate-Exchange-Id`` holds."""

    name = "exchange"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id in lower case."""
        text = str(value).strip().lower()
        if len(text) != EXCHANGE_LENGTH or not set(text) <= set("0123456789abcdef"):
            self.fail("an exchange id has 32 hexadecimal digits; 'lawgate records list' shows them", param, ctx)
        return text


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own."""
    import asyncio

    return asyncio.run(work)
