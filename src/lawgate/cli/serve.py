"""``lawgate serve``."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lawgate.cli.options import config_option

if TYPE_CHECKING:
    from lawgate.config.settings import Config


@click.command()
@config_option
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "text"]),
    default="auto",
    show_default=True,
    help="Form of the log lines on standard error; auto is text on a terminal and JSON elsewhere.",
)
def serve(*, config_file: Path, log_format: str) -> None:
    """Run the gateway until SIGTERM or SIGINT; read the configuration again on SIGHUP.

    Prints nothing but log lines, on standard error.
    """
    # Until the node listens to it, a reload must not be the end of the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from lawgate.cli.logs import configure_logging
    from lawgate.wiring.node import read_configuration

    configure_logging("info", log_format)
    config = read_configuration(config_file)
    configure_logging(config.log_level, log_format)
    import uvloop

    uvloop.run(_serve(config))


async def _serve(config: "Config") -> None:
    import logging

    from lawgate import __version__
    from lawgate.wiring.node import GatewayNode

    log = logging.getLogger("lawgate")
    for warning in config.warnings:
        log.warning("configuration: %s", warning)
    node = GatewayNode(config)
    await node.start()
    listen = config.listen
    log.info(
        "serving",
        extra={
            "version": __version__,
            "data": f"{listen.data.host}:{node.data_port}",
            "control": f"{listen.control.host}:{node.control_port}",
            "tls": listen.tls is not None,
            "node": config.store.node,
            "digest": config.digest,
        },
    )
    await node.serve_until_signalled()
    log.info("stopped")
