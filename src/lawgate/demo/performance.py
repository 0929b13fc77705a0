"""``lawgate demo`` from its first line to its exit code.

Rule 1: signals set a mark that is looked at between steps; nothing is torn in two, so whatever was
        started is known and is stopped, by its id.
Rule 2: exit code 0 means that every step happened, 1 that one did not, 130 that it was interrupted
        before the end (128 + SIGINT, as shells count).
"""

import json
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from lawgate.demo.page import Page
from lawgate.demo.stage import Stage, put_up
from lawgate.demo.story import PERSONAL, Telling, chat, chat_url, tell
from lawgate.domain.errors import LawgateError

INTERRUPTED: Final = 130
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WATCH_S: Final = 0.1
_TRY: Final = "Please write to jane.roe@mail.example about her refund."


class InterruptedStoryError(LawgateError):
    """Somebody asked the demo to end."""


class Interrupt:
    """Whether somebody asked the demo to end."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise ``InterruptedStoryError`` if so."""
        if self.asked:
            raise InterruptedStoryError


def perform(*, once: bool) -> int:
    """Tell the story and, unless ``once``, stay up until told to end. Returns the exit code."""
    page = Page(click.echo, PERSONAL)
    started = time.monotonic()
    with _listening_to_signals() as interrupt:
        try:
            with put_up(interrupt.check) as stage:
                _introduce(page, stage)
                telling = tell(stage, page, interrupt.check)
                page.title(f"All {telling.checks} checks hold, {time.monotonic() - started:.1f} s from the start.")
                if not once:
                    _stay_up(telling, interrupt)
        except InterruptedStoryError:
            click.echo("\nInterrupted; everything is stopped and removed.", err=True)
            return INTERRUPTED
        except (LawgateError, OSError) as error:
            click.echo(f"\nThe demo failed. {error}", err=True)
            return 1
    return 0


@contextmanager
def _listening_to_signals() -> Iterator[Interrupt]:
    interrupt = Interrupt()

    def asked(_number: int, _frame: object) -> None:
        interrupt.asked = True

    before = {number: signal.signal(number, asked) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduce(page: Page, stage: Stage) -> None:
    page.line("Lawgate on this machine, with a store that goes when the demo ends.")
    page.line()
    page.say("identity", f"{stage.idp}  issues tokens, as your identity provider does")
    page.say("model", f"{stage.model}  speaks OpenAI's API and repeats what it was told")
    page.say("gateway", f"{stage.gateway}  lawgate serve, as in production")


def _stay_up(telling: Telling, interrupt: Interrupt) -> None:
    """Print a request to try, then watch the processes until somebody asks to end."""
    page, stage = telling.page, telling.stage
    page.line()
    page.line("Try it yourself; the token is valid for an hour:")
    page.line()
    page.line(curl(chat_url(stage), telling.tokens["support-desk"]))
    page.line()
    page.line(f"lawgate records list --config {stage.configuration} shows what passed.")
    page.line("Ctrl-C stops everything and removes the store.")
    while not interrupt.asked:
        stage.require_running()
        time.sleep(_WATCH_S)
    page.line()
    page.line("Stopped.")


def curl(url: str, token: str) -> str:
    """One line for a shell that sends a governed request."""
    body = json.dumps(chat(_TRY))
    words = ["curl", "-sS", url, "-H", f"Authorization: Bearer {token}"]
    return shlex.join([*words, "-H", "Content-Type: application/json", "-d", body])
