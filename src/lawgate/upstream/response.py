"""One answer of an upstream: parsed by llhttp in strict mode, checked by us, read with back-pressure.

Rule 1: an answer's end is certain (its length, its last chunk, or the end of a connection that announced
    neither) or the answer is interrupted; it is never taken for whole.
Rule 2: what two readers could frame differently is a protocol error (RFC 9112 section 6.3).
Rule 3: bytes after the end, trailers and interim answers never become part of an answer.
"""

import asyncio
from typing import Final, Protocol

import httptools

from lawgate.domain.errors import Code, UpstreamError
from lawgate.domain.fields import NEVER_FORWARDED
from lawgate.domain.limits import Limits

_BODILESS: Final = frozenset({204, 304})
_USUAL: Final = frozenset({b"keep-alive", b"close", b"Keep-Alive", b"Close"})
_OPTIONS: Final = frozenset({b"", b"close", b"keep-alive"})
_STATUS_FINAL: Final = range(200, 600)
_SWITCHING: Final = 101


class AnswerSource(Protocol):
    """What an answer asks of its connection."""

    def read_on(self) -> None:
        """Resume reading."""
        ...

    def kill(self) -> None:
        """Drop the connection."""
        ...


class UpstreamResponse:
    """``status``, end-to-end ``headers`` (names lower-case), then the body by ``read`` or ``next_chunk``."""

    __slots__ = (
        "_buffered_b",
        "_chunks",
        "_close_delimited",
        "_head_only",
        "_interim",
        "_limits",
        "_parser",
        "_quiet_b",
        "_source",
        "_special",
        "_waiter",
        "_whole",
        "complete",
        "error",
        "excess",
        "head_arrived",
        "headers",
        "keep_alive",
        "status",
    )

    def __init__(self, source: AnswerSource, limits: Limits, *, head_only: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.error: UpstreamError | None = None
        self.excess = False
        self.keep_alive = False
        self._source = source
        self._limits = limits
        self._head_only = head_only
        self.head_arrived = False
        self._close_delimited = False
        self._interim = 0
        self._special: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._buffered_b = 0
        self._quiet_b = 0
        self._whole = False
        self._waiter: asyncio.Future[None] | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    # ---- what the connection gives --------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether enough waits unread; reading then pauses."""
        return self._buffered_b > self._limits.answer_read_ahead_b_max and not self._whole

    def feed(self, data: bytes) -> None:
        """Take one read; look at ``error`` and ``complete`` afterwards."""
        parser = self._parser
        if parser is None:
            return
        self._quiet_b += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._broken("the upstream switched protocols")
        except httptools.HttpParserError as error:
            self.excess = True
            self._broken(_reason(error))
        if self.complete or self.error is not None:
            self._parser = None
        elif self._quiet_b > self._limits.header_b_max:
            self._broken("the answer's head, trailers or chunk extensions are longer than header_b_max")
        self._wake()

    def feed_eof(self) -> None:
        """The connection ended in order."""
        if self.head_arrived and self._close_delimited:
            self.complete = True
            self._parser = None
            self._wake()
        else:
            self.fail(Code.UPSTREAM_INTERRUPTED, "the upstream closed the connection before its answer had ended")

    def fail(self, code: Code, detail: str) -> None:
        """End the answer early; the first reason stays."""
        if self.error is None and not self.complete:
            self.error = UpstreamError(code, detail, request_sent=True)
            self._parser = None
            self._wake()

    def _broken(self, detail: str) -> None:
        if not self.complete:
            self.fail(Code.UPSTREAM_PROTOCOL, detail)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ---- what llhttp calls ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A second message after the end: nobody asked for it."""
        if self.complete:
            self.excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field line; those after the head are trailers and dropped."""
        if self.head_arrived:
            return
        name = name.lower()
        kept = self._special if name in NEVER_FORWARDED else self.headers
        kept.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Judge the head: interim, bodiless, or framed in exactly one way."""
        parser = self._parser
        if self.complete or parser is None:
            return
        status = parser.get_status_code()
        if status < _STATUS_FINAL.start:
            self._take_interim(status)
            return
        self.status = status
        self.keep_alive = parser.should_keep_alive() and not self._head_only
        version = parser.get_http_version()
        if self._beyond_bounds():
            self._broken("the answer's head is beyond header_count_max or header_b_max")
        elif status not in _STATUS_FINAL or version not in ("1.1", "1.0"):
            self._broken("the answer's status or version is not HTTP/1.1")
        elif not self._framed(http_1_0=version == "1.0"):
            self._broken("the answer's Transfer-Encoding is not exactly chunked")
        else:
            self.head_arrived = True
            self._quiet_b = 0
            self.complete = self._head_only or status in _BODILESS

    def _beyond_bounds(self) -> bool:
        fields = len(self.headers) + len(self._special)
        if fields > self._limits.header_count_max:
            return True
        if self._quiet_b <= self._limits.header_b_max:
            return False  # the usual case: head and all that came with it are small
        return sum(len(name) + len(value) for name, value in self.headers + self._special) > self._limits.header_b_max

    def _take_interim(self, status: int) -> None:
        self._interim += 1
        if status == _SWITCHING or status < 100 or self._interim > self._limits.interim_answers_max:  # noqa: PLR2004
            self._broken("the upstream sent 101, an unknown status, or more than interim_answers_max 1xx answers")
        self.headers.clear()
        self._special.clear()

    def _framed(self, *, http_1_0: bool) -> bool:
        """Llhttp refuses both fields together and repeated or malformed lengths; the rest is here."""
        codings: list[bytes] = []
        self._close_delimited = True
        for name, value in self._special:
            if name == b"transfer-encoding":
                codings.append(value)
            elif name == b"content-length":
                self._close_delimited = False
            elif name == b"connection" and value not in _USUAL:
                self._drop_named(value)
        self._close_delimited = self._close_delimited and not codings
        return not codings or (len(codings) == 1 and codings[0].lower() == b"chunked" and not http_1_0)

    def _drop_named(self, connection: bytes) -> None:
        """Fields that ``Connection`` names end here, too (RFC 9110 section 7.6.1)."""
        named = {option.strip(b" \t") for option in connection.lower().split(b",")} - _OPTIONS
        if named:
            self.headers = [field for field in self.headers if field[0] not in named]

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body for the reader."""
        if self.head_arrived and not self.complete:
            self._quiet_b = 0
            self._chunks.append(data)
            self._buffered_b += len(data)

    def on_message_complete(self) -> None:
        """The end; an interim answer's end is none."""
        if self.head_arrived:
            self.complete = True

    # ---- what the exchange asks -----------------------------------------------------------------

    def something(self) -> asyncio.Future[None]:
        """What fires when bytes, the end or an error arrive."""
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        return waiter

    async def next_chunk(self) -> bytes:
        """All bytes of the body that have arrived, or ``b""`` at its end; raises ``UpstreamError``."""
        while not self._chunks:
            if self.error is not None:
                raise self.error
            if self.complete:
                return b""
            self._source.read_on()
            await self._wait()
        chunks = self._chunks
        self._chunks = []
        self._buffered_b = 0
        if not self.complete and self.error is None:
            self._source.read_on()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def read(self) -> bytes:
        """The whole body, at most ``answer_b_max``; raises ``UpstreamError``."""
        self._whole = True
        while not self.complete and self.error is None:
            if self._buffered_b > self._limits.answer_b_max:
                break
            self._source.read_on()
            await self._wait()
        if self._buffered_b > self._limits.answer_b_max:
            self.fail(Code.UPSTREAM_PROTOCOL, "the answer is larger than answer_b_max")
            self._source.kill()
            raise UpstreamError(Code.UPSTREAM_PROTOCOL, "the answer is larger than answer_b_max", request_sent=True)
        if self.error is not None:
            raise self.error
        chunks = self._chunks
        self._chunks = []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _wait(self) -> None:
        """Until something arrives; a reader that is cancelled here leaves no connection behind."""
        try:
            await self.something()
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection if the body is not at its end; whoever waits gets an ``UpstreamError``."""
        if not self.complete and self.error is None:
            self.fail(Code.UPSTREAM_INTERRUPTED, "the call was cancelled")
            self._source.kill()

    cancel = close


def _reason(error: httptools.HttpParserError) -> str:
    """Llhttp's own sentence; it names rules and never repeats input."""
    text = str(error)
    return f"the answer is malformed: {text}" if text.isascii() and len(text) <= 80 else "the answer is malformed"  # noqa: PLR2004
