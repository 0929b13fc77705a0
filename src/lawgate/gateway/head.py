"""A request's head: bytes to values, or a refusal, before anything else runs.

Rule 1: a head is cut at its first CRLFCRLF by us and given whole to a parser (llhttp, strict) that has
    never seen another byte. Body bytes never reach that parser, so both cannot disagree on where a
    message ends.
Rule 2: what two servers could read differently is refused, never repaired (RFC 9112 section 11.2).
Rule 3: a head says what frames its body once: nothing, one ``Content-Length``, or exactly ``chunked``.
"""

import re
from typing import Final

import httptools

from lawgate.domain.errors import STATUS, Code
from lawgate.domain.fields import ORIGIN_FORM
from lawgate.domain.limits import Limits

CHUNKED: Final = -1
"""``Head.content_length`` of a chunked body."""

METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
"""TRACE reflects credentials (RFC 9110 section 9.3.8), CONNECT opens tunnels; neither is served."""

_HOST: Final = re.compile(rb"(?:[0-9A-Za-z._~%!$&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")
_REQUEST_LINE: Final = re.compile(rb"([A-Z]+) (%b) HTTP/1\.([01])\r\n" % ORIGIN_FORM.pattern)
"""Origin-form only: absolute-form makes two authorities, ``*`` and authority-form name nothing we serve."""
_DOT_SEGMENT: Final = re.compile(rb"(?:/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:/|\\|%2f|%5c|\?|$)|%00", re.IGNORECASE)
_SPECIAL: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade"})


class HeadRefusedError(Exception):
    """A head that gets an answer and no handler. ``detail`` holds none of the client's bytes."""

    def __init__(self, detail: str, code: Code = Code.BAD_REQUEST, status: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status or STATUS[code]


class Head:
    """One parsed head. ``headers`` keeps order and repeats; names are lower-case."""

    __slots__ = ("content_length", "expects_continue", "headers", "http_1_0", "keep_alive", "method", "target")

    def __init__(self, method: bytes, target: bytes, *, http_1_0: bool) -> None:
        self.method = method
        self.target = target
        self.http_1_0 = http_1_0
        self.headers: list[tuple[bytes, bytes]] = []
        self.content_length = 0
        self.keep_alive = not http_1_0
        self.expects_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field line; llhttp calls this."""
        self.headers.append((name.lower(), value))

    def check(self) -> None:
        """What llhttp lets pass and two servers could read differently."""
        hosts = framings = 0
        for name, value in self.headers:
            if name not in _SPECIAL:
                continue
            if name == b"host":
                hosts += 1
                if not _HOST.fullmatch(value):
                    raise HeadRefusedError("the Host field is not a host and port")
            elif name == b"content-length":
                framings += 1
                self.content_length = _length(value)
            elif name == b"transfer-encoding":
                framings += 1
                self._check_coding(value)
            else:
                self._take_option(name, value)
        # RFC 9112 section 3.2: exactly one Host in HTTP/1.1; 6.1 and 6.3: one framing, said once.
        if hosts > 1 or not (hosts or self.http_1_0):
            raise HeadRefusedError("the Host field is missing or repeated")
        if framings > 1:
            raise HeadRefusedError("Content-Length or Transfer-Encoding is repeated, or both are there")

    def _check_coding(self, value: bytes) -> None:
        if self.http_1_0:
            raise HeadRefusedError("Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)")
        if value.lower() != b"chunked":
            raise HeadRefusedError("a transfer coding other than chunked", status=501)
        self.content_length = CHUNKED

    def _take_option(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            if value.lower() != b"100-continue":
                raise HeadRefusedError("an expectation other than 100-continue", status=417)
            self.expects_continue = not self.http_1_0
        elif name == b"upgrade":
            # RFC 9110 section 7.8: an offer of HTTP/2 may be left unanswered, and some clients make it always.
            if value.lower() != b"h2c":
                raise HeadRefusedError("WebSocket and other upgrades are not served", status=501)
        else:
            self._take_connection(value)

    def _take_connection(self, value: bytes) -> None:
        options = {option.strip(b" \t") for option in value.lower().split(b",")}
        if b"close" in options:
            self.keep_alive = False
        elif self.http_1_0 and b"keep-alive" in options:
            self.keep_alive = True


def _length(value: bytes) -> int:
    if not _DIGITS.fullmatch(value):
        raise HeadRefusedError("Content-Length is not a decimal number")
    return int(value)


def parse_head(raw: bytes, limits: Limits) -> Head:
    """Parse one head, ``raw`` ending with its only CRLFCRLF; raises ``HeadRefusedError``."""
    # 1. Bounds, before anything is built from the bytes.
    if len(raw) > limits.header_b_max:
        raise HeadRefusedError("the head is longer than header_b_max", Code.HEADERS_TOO_LARGE)
    # 2. The request line, read by us: one space each, origin-form, HTTP/1.0 or 1.1, a served method.
    line = _REQUEST_LINE.match(raw)
    if line is None or line.end() > limits.request_line_b_max + 2:
        raise _bad_line(raw, limits)
    method, target, minor = line.groups()
    if method not in METHODS:
        raise HeadRefusedError("the method is not served", status=501)
    # 3. A path that an upstream would normalise is another path than the policy saw.
    if (b"." in target or b"%" in target) and _DOT_SEGMENT.search(target.partition(b"?")[0]):
        raise HeadRefusedError("the path holds dot segments or an encoded NUL")
    # 4. The whole head, by llhttp; then what it lets pass.
    head = Head(method, target, http_1_0=minor == b"0")
    _feed(head, raw)
    if len(head.headers) > limits.header_count_max:
        raise HeadRefusedError("more header fields than header_count_max", Code.HEADERS_TOO_LARGE)
    if b" \r" in raw or b"\t\r" in raw:  # RFC 9112 section 5: white space after a value is not part of it
        head.headers = [(name, value.rstrip(b" \t")) for name, value in head.headers]
    head.check()
    return head


def _feed(head: Head, raw: bytes) -> None:
    try:
        httptools.HttpRequestParser(head).feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # every field was delivered: ``check`` refuses the upgrades that cannot be ignored
    except httptools.HttpParserError as error:
        raise HeadRefusedError(_reason(error)) from None


def _reason(error: httptools.HttpParserError) -> str:
    """Llhttp's own sentence; it names rules and never repeats input."""
    text = str(error)
    return text if text.isascii() and len(text) <= 80 else "the head is malformed"  # noqa: PLR2004


def _bad_line(raw: bytes, limits: Limits) -> HeadRefusedError:
    """Say what is wrong with a request line; nothing here decides, the line is refused already."""
    line = raw[: raw.find(b"\r\n")]
    if len(line) > limits.request_line_b_max:
        return HeadRefusedError("the request line is longer than request_line_b_max", Code.URI_TOO_LONG)
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[0].isalpha() or not parts[2].startswith(b"HTTP/"):  # noqa: PLR2004 - three parts
        return HeadRefusedError("the request line is not a method, a target and HTTP/1.1")
    if parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        return HeadRefusedError("the version is not HTTP/1.1 or 1.0", status=505)
    if parts[0] not in METHODS:
        return HeadRefusedError("the method is not served", status=501)
    return HeadRefusedError("the request target is not an absolute path in visible ASCII")


_BARE: Final = re.compile(rb"[^\r]\n|\r[^\n]|\0")


def check_partial(raw: bytearray, checked_b: int, limits: Limits) -> int:
    """Refuse a head that cannot become good, before its end came; returns how far was looked at.

    Without this, a head in bare LF would wait for ``header_time_s_max`` and a long one would fill memory.
    """
    if checked_b == 0 and not 65 <= raw[0] <= 90:  # noqa: PLR2004 - methods start with A to Z
        raise HeadRefusedError("not HTTP: a method was expected")
    if _BARE.search(raw, max(checked_b - 1, 0)):
        raise HeadRefusedError("a bare CR, a bare LF or a NUL in the head")
    if len(raw) > limits.request_line_b_max and b"\r\n" not in raw[: limits.request_line_b_max + 2]:
        raise HeadRefusedError("the request line is longer than request_line_b_max", Code.URI_TOO_LONG)
    if len(raw) > limits.header_b_max:
        raise HeadRefusedError("the head is longer than header_b_max", Code.HEADERS_TOO_LARGE)
    return len(raw)
