"""``lawgate demo``: the story, and its two servers by themselves for containers.

Rule: what a command needs is imported when it runs, so that ``lawgate --help`` stays fast.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")


@click.group(invoke_without_command=True)
@click.option("--once", is_flag=True, help="End after the story instead of staying up.")
@click.pass_context
def demo(context: click.Context, once: bool) -> None:
    """Show a governed request from end to end on this machine.

    Starts an identity provider, a model and the gateway on loopback with a temporary store, tells the
    story, then stays up for a request of your own. Exit code 0 if every step happened, 1 if one did
    not, 130 if it was interrupted.
    """
    if context.invoked_subcommand is not None:
        return
    from lawgate.demo.performance import perform  # noqa: PLC0415  (the rule above)

    sys.exit(perform(once=once))


@demo.command()
@_host
@click.option("--port", default=9000, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--issuer", help="The `iss` of its tokens, if clients reach it by another address.")
def idp(host: str, port: int, issuer: str | None) -> None:
    """Run the demo's identity provider: OpenID discovery, keys, and tokens by client credentials.

    Its clients are support-desk (group support) and intern (group interns), both with the secret
    `demo`; tokens are for the audience lawgate and last an hour. For trials only.
    """
    from lawgate.demo.idp import Issuer, identity_provider  # noqa: PLC0415  (the rule above)

    _serve(lambda address: identity_provider(Issuer(issuer or address, time.time)), host, port)


@demo.command()
@_host
@click.option("--port", default=9001, show_default=True, help="Port to listen on; 0 takes a free one.")
def model(host: str, port: int) -> None:
    """Run the demo's model: an OpenAI-compatible server that repeats what it was told.

    It serves /v1/models, /v1/chat/completions (whole and streamed) and /v1/embeddings. A chat's
    metadata may hold `events` and `delay_ms`. To callers on the same machine /demo/seen shows the
    last requests. For trials only.
    """
    from lawgate.demo.model import model as application  # noqa: PLC0415  (the rule above)

    _serve(lambda _address: application(), host, port)


def _serve(app_at: "Callable[[str], ASGIApp]", host: str, port: int) -> None:
    from lawgate.demo.listening import serve  # noqa: PLC0415  (the rule above)

    serve(app_at, host, port)
