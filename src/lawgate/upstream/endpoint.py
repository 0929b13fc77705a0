"""One upstream as an exchange sees it: address, path prefix and credential are bound already.

Rule 1: the credential is added here and nowhere else, so that no other code ever holds it beside a request.
Rule 2: clients may write the upstream's own path prefix or leave it out: for ``https://llm.example/v1`` both
    ``/NAME/v1/models`` and ``/NAME/models`` are ``/v1/models`` there.
"""

from collections.abc import Sequence

from lawgate.upstream.pool import UpstreamPool
from lawgate.upstream.response import UpstreamResponse
from lawgate.upstream.target import Timeouts, UpstreamTarget


class Endpoint:
    """Implements ``ports.Upstream``. ``fields`` (the credential) are appended to each request's."""

    __slots__ = ("_fields", "_inside", "_pool", "_prefix", "_target", "_timeouts")

    def __init__(
        self,
        pool: UpstreamPool,
        target: UpstreamTarget,
        prefix: str = "",
        fields: Sequence[tuple[bytes, bytes]] = (),
        timeouts: Timeouts | None = None,
    ) -> None:
        self._pool = pool
        self._target = target
        self._prefix = prefix
        self._inside = prefix + "/"
        self._fields = tuple(fields)
        self._timeouts = timeouts

    async def request(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamResponse:
        """Send one request; ``path`` starts with ``/``. Raises ``UpstreamError``."""
        full = path if path.startswith(self._inside) else self._prefix + path
        return await self._pool.request(
            self._target, method, full, [*headers, *self._fields], body, timeouts=self._timeouts
        )
