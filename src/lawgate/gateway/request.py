"""One request as a handler sees it, and the intake of its body.

Rule 1: a body is whole or refused; a handler never holds a part of one.
Rule 2: beyond a small read-ahead nothing is read before the handler asks (back-pressure).
Rule 3: ``100 Continue`` is sent only when the handler asks for a body that has not begun to arrive.
"""

import asyncio
from typing import Final, Protocol

from lawgate.domain.errors import Code, RefusedError, refuse
from lawgate.domain.limits import Limits
from lawgate.gateway.chunked import ChunkedDecoder, ChunkedError
from lawgate.gateway.head import CHUNKED, Head

TOO_LARGE: Final = "The request body is larger than this gateway takes; send less, or ask for a higher limit."
TRUNCATED: Final = "The connection ended before the whole request body had arrived."
TOO_SLOW: Final = "The request body did not arrive in time; send it again."
UNREADABLE: Final = "The request body's chunked framing is broken."


class BodySource(Protocol):
    """What a body asks of its connection."""

    def body_wanted(self) -> None:
        """Read on without a read-ahead bound, and tell the client to continue if it waits for that."""
        ...


class BodyIntake:
    """Collects one body that did not arrive together with its head."""

    __slots__ = (
        "_decoder",
        "_left_b",
        "_limits",
        "_parts",
        "complete",
        "expects_continue",
        "received_b",
        "refused",
        "waiter",
        "wanted",
    )

    def __init__(self, content_length: int, limits: Limits, *, expects_continue: bool = False) -> None:
        self.expects_continue = expects_continue
        self._limits = limits
        self._decoder = ChunkedDecoder(limits) if content_length == CHUNKED else None
        self._left_b = content_length
        self._parts: list[bytes] = []
        self.received_b = 0
        self.complete = False
        self.wanted = False
        self.refused: RefusedError | None = None
        self.waiter: asyncio.Future[None] | None = None
        if content_length > limits.body_b_max:
            self.fail(refuse(Code.BODY_TOO_LARGE, TOO_LARGE))

    def feed(self, data: bytes) -> bytes:
        """Take one read; returns what lies beyond the body's end."""
        if self.refused is not None:
            return b""
        rest = self._feed_chunked(self._decoder, data) if self._decoder else self._feed_counted(data)
        if self.complete:
            self._wake()
        return rest

    def _feed_counted(self, data: bytes) -> bytes:
        piece = data[: self._left_b]
        self._parts.append(piece)
        self.received_b += len(piece)
        self._left_b -= len(piece)
        self.complete = not self._left_b
        return data[len(piece) :]

    def _feed_chunked(self, decoder: ChunkedDecoder, data: bytes) -> bytes:
        try:
            self._parts += decoder.feed(data)
        except ChunkedError as error:
            self.fail(refuse(Code.BODY_UNREADABLE, UNREADABLE, detail=str(error)))
            return b""
        self.received_b = decoder.body_b
        if decoder.body_b > self._limits.body_b_max:
            self.fail(refuse(Code.BODY_TOO_LARGE, TOO_LARGE))
            return b""
        self.complete = decoder.done
        return decoder.rest

    def fail(self, refused: RefusedError) -> None:
        """End the intake; the first reason stays."""
        if self.refused is None and not self.complete:
            self.refused = refused
            self._parts.clear()
            self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def read(self, source: BodySource) -> bytes:
        """The whole body; raises ``RefusedError``."""
        if not self.complete and self.refused is None:
            self.wanted = True
            source.body_wanted()
            if self.waiter is None:
                self.waiter = asyncio.get_running_loop().create_future()
            await asyncio.shield(self.waiter)
        if self.refused is not None:
            raise self.refused
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""


class Request:
    """One request: ``path`` and ``query`` are raw (not percent-decoded), header names lower-case.

    ``peer`` is the client's address; ``client_certificate`` its DER when TLS asked for one.
    """

    __slots__ = (
        "_body",
        "_fields",
        "_source",
        "client_certificate",
        "headers",
        "intake",
        "method",
        "path",
        "peer",
        "query",
        "target",
        "version",
    )

    def __init__(self, head: Head, source: BodySource, peer: str, client_certificate: bytes | None) -> None:
        self.method = head.method.decode("ascii")
        self.target = head.target.decode("ascii")
        self.path, _, self.query = self.target.partition("?")
        self.version = "1.0" if head.http_1_0 else "1.1"
        self.headers = head.headers
        self.peer = peer
        self.client_certificate = client_certificate
        self.intake: BodyIntake | None = None
        self._body = b""
        self._source = source
        self._fields: dict[bytes, bytes] | None = None

    def take_whole(self, body: bytes) -> None:
        """The body, when it came together with the head."""
        self._body = body

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self.intake is None or self.intake.complete

    def get(self, name: str) -> str | None:
        """A header's value; repeats are joined by ``, `` (RFC 9110 section 5.3), so no repeat hides."""
        if self._fields is None:
            self._fields = self._joined()
        value = self._fields.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def _joined(self) -> dict[bytes, bytes]:
        fields = dict(self.headers)
        if len(fields) != len(self.headers):
            fields.clear()
            for name, value in self.headers:
                fields[name] = b"%b, %b" % (fields[name], value) if name in fields else value
        return fields

    def get_all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = name.encode("ascii")
        return [value.decode("latin-1") for each, value in self.headers if each == wanted]

    async def body(self) -> bytes:
        """The whole body. Raises ``RefusedError``: too large, truncated, too slow or badly framed."""
        return self._body if self.intake is None else await self.intake.read(self._source)

    def __repr__(self) -> str:
        """Method and version only: targets and headers may hold personal data."""
        return f"Request({self.method} HTTP/{self.version})"
