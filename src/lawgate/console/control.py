"""The control port: liveness, readiness and metrics.

Rule 1: no route here needs a credential, so none says anything about people, purposes or content.
Rule 2: nothing here leaves an entry; a probe every second would be a flood.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Readiness = Callable[[], str | None]
"""``None`` when the node can govern requests, else a word that says what is missing."""


def control_app(readiness: Readiness, registry: CollectorRegistry) -> Starlette:
    """The application of the control port."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        missing = readiness()
        return JSONResponse({"ready": missing is None, "missing": missing}, 200 if missing is None else 503)

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ]
    )
