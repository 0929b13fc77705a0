"""The command ``lawgate``.

Rule 1: a command's module is imported when the command is called, and what it needs inside it: ``lawgate
    version`` must not wait for a database or a cryptographic library.
Rule 2: this is the boundary of the program: nothing that goes wrong below leaves it as a traceback.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from lawgate import __version__
from lawgate.cli import exits

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("lawgate.cli.init:init", "Write a configuration, a key file and an empty store."),
    "check": ("lawgate.cli.check:check", "Say everything that is wrong with the configuration."),
    "config": ("lawgate.cli.check:config", "Show the configuration in effect, or its schema."),
    "serve": ("lawgate.cli.serve:serve", "Run the gateway until it is told to stop."),
    "doctor": ("lawgate.cli.doctor:doctor", "Look at everything that the gateway needs, and say what to mend."),
    "key": ("lawgate.cli.key:key", "Create, list and revoke API keys."),
    "records": ("lawgate.cli.records:records", "Read what passed; the reading is recorded."),
    "verify": ("lawgate.cli.verify:verify", "Show that nobody changed the log, or where."),
    "demo": ("lawgate.demo.command:demo", "See a governed request from end to end on this machine."),
    "version": ("lawgate.cli.version:version", "Say which version this is."),
}
"""Where each command is, and what it does in one line."""


class LazyGroup(click.Group):
    """A group that imports a command when somebody calls it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module_name, _, attribute = COMMANDS[cmd_name][0].partition(":")
        from importlib import import_module

        command: click.Command = getattr(import_module(module_name), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exits.MEANINGS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lawgate", message="%(prog)s %(version)s")
def app() -> None:
    """Governs requests to AI inference endpoints, and keeps evidence of each."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter shows its number
    try:
        result: Any = app.main(args=list(arguments), prog_name="lawgate", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return exits.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001 - rule 2
        return exits.complain(error)
    return result if isinstance(result, int) else exits.OK


def _reader_left() -> int:
    """``lawgate ... | head``: nobody reads on, which is no fault; the interpreter's own flush must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exits.OK


def main() -> None:
    """Entry point of the program."""
    sys.exit(run(sys.argv[1:]))
