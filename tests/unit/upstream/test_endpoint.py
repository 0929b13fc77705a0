from lawgate.domain.limits import Limits
from lawgate.gateway.http1 import Request, Responder
from lawgate.ports import Upstream
from lawgate.upstream.endpoint import Endpoint
from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.target import UpstreamTarget
from tests.loopback import gateway, run


def test_prefix_and_credential_are_added() -> None:
    async def main() -> None:
        async def handler(request: Request, responder: Responder) -> None:
            assert await request.body() == b"hello"
            responder.send(200, [], f"{request.target} {request.get('authorization')} {request.get('x')}".encode())

        async with gateway(handler) as it:
            pool = UpstreamPool(Limits())
            target, prefix = UpstreamTarget.from_url(f"http://127.0.0.1:{it.port}/v1/")
            upstream: Upstream = Endpoint(pool, target, prefix, [(b"authorization", b"Bearer key")])
            answer = await upstream.request("POST", "/chat?a=b", [(b"x", b"y")], b"hello")
            assert answer.status == 200
            assert await answer.read() == b"/v1/chat?a=b Bearer key y"
            await pool.close()

    run(main())
