"""Everything that a stranger, or an upstream, may lean on has a bound here.

Rule 1: each bound has a default and names its precedent.
Rule 2: units come last in a name: ``_b`` bytes, ``_s`` seconds; without one it is a count.
Rule 3: a bound above zero is always required; "unlimited" cannot be written.
"""

from dataclasses import dataclass, fields

from lawgate.domain.errors import ConfigurationError

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the data plane, for one gateway process.

    Raises ``ConfigurationError`` when a bound is not above zero or two bounds contradict.
    """

    # what a client may send -------------------------------------------------------------------
    request_line_b_max: int = 8 * KIB
    """Method, target and version. RFC 9112 section 3 asks for at least 8000; nginx has 8k."""
    header_b_max: int = 64 * KIB
    """A whole head, request line included. h11 stops at 16 KiB, Node (llhttp) at 16, nginx at 32,
    Envoy at 60; Kerberos-sized tokens and client certificates in headers need the upper end."""
    header_count_max: int = 100
    """Field lines in a head. Envoy and Apache (``LimitRequestFields``) have 100."""
    body_b_max: int = 16 * MIB
    """A request's body, held whole for inspection. AWS API Gateway takes 10 MB, Envoy buffers 1 MiB a
    connection; base64 images in chat messages need more."""
    body_read_ahead_b_max: int = 64 * KIB
    """Body bytes taken before the handler asks for them; nginx ``client_body_buffer_size`` has 16k."""
    chunk_b_min: int = 16
    """Mean bytes a chunk of a chunked request must hold after its first 1024 chunks, against floods of
    tiny chunks (CVE-2023-39326 in Go's net/http, which bounds the same overhead)."""
    trailer_b_max: int = 8 * KIB
    """Trailer section of a chunked body, read and dropped. Smaller than a head: nothing needs it."""
    pipelined_requests_max: int = 16
    """Requests sent ahead of their answers and served in a row before the connection is closed
    (RFC 9112 section 9.3.2 makes clients retry). h2's concurrency in nginx is 128; clients hardly pipeline."""
    pipelined_b_max: int = 64 * KIB
    """Bytes of following requests read ahead while one is served; then reading pauses."""
    header_time_s_max: float = 20.0
    """First to last byte of a head (slow loris). Apache ``RequestReadTimeout header=20-40``, nginx 60."""
    body_idle_s_max: float = 30.0
    """Between two reads of a body; nginx ``client_body_timeout`` has 60, Apache ``body=20``."""
    body_time_s_max: float = 300.0
    """A whole body; Node's ``requestTimeout`` has 300."""
    idle_time_s_max: float = 75.0
    """A kept connection without a request; nginx ``keepalive_timeout`` has 75."""
    linger_s_max: float = 5.0
    """Reading on after a refusal, so that the client sees it; nginx ``lingering_timeout`` has 5."""

    # what the gateway carries at once ---------------------------------------------------------
    exchanges_max: int = 1024
    """Requests in progress; 503 with ``Retry-After`` beyond. Envoy's circuit breaker has 1024."""
    connections_max: int = 8192
    """Client connections; 503 beyond. nginx's ``worker_connections`` starts at 512 and counts both sides."""
    backlog_max: int = 1024
    """Connections that the kernel holds before we accept them; nginx has 511, Linux ``somaxconn`` 4096."""
    write_buffer_b_high: int = 256 * KIB
    """Unsent bytes towards one peer above which writers wait; asyncio has 64 KiB, Envoy 1 MiB."""
    write_stall_s_max: float = 60.0
    """A client that takes nothing for so long is left; nginx ``send_timeout`` has 60."""
    stop_grace_s: float = 30.0
    """What a graceful stop grants to exchanges in progress; Kubernetes grants 30."""
    stop_record_s: float = 5.0
    """What an aborted exchange gets after that to record its outcome; systemd kills at 90."""

    # what an upstream may do ------------------------------------------------------------------
    answer_b_max: int = 64 * MIB
    """An answer that is read whole. Four times a request: embeddings in batches are the largest."""
    answer_read_ahead_b_max: int = 256 * KIB
    """Answer bytes taken before the exchange asks for them; then reading pauses.
    Four of HTTP/2's initial windows (RFC 9113 section 6.9.2)."""
    interim_answers_max: int = 8
    """1xx answers before a final one; Go's net/http takes 5."""
    upstream_connections_per_host_max: int = 256
    """To one scheme, host and port; aiohttp has 100 in all, Envoy 1024."""
    upstream_waiters_max: int = 1024
    """Requests that wait for one of those connections; Envoy ``max_pending_requests`` has 1024."""
    upstream_idle_s_max: float = 60.0
    """A kept upstream connection without a request; nginx ``keepalive_timeout`` (upstream) has 60."""
    connect_s_max: float = 10.0
    """Name lookup, TCP, proxy and TLS handshake together; Envoy has 5, nginx 60."""
    time_to_first_byte_s_max: float = 600.0
    """From the last request byte written to the answer's head. The ``openai`` SDK waits 600."""
    stream_idle_s_max: float = 300.0
    """Between two reads of an answer; Envoy ``stream_idle_timeout`` has 300."""
    total_s_max: float = 3600.0
    """A whole upstream call, streams included. AWS's load balancer allows no more than 4000 even idle."""

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        for each in fields(self):
            if not getattr(self, each.name) > 0:
                raise ConfigurationError(f"limits: {each.name} must be above 0")
        if self.header_b_max < self.request_line_b_max:
            raise ConfigurationError("limits: header_b_max must not be below request_line_b_max")
