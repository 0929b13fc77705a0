"""What the core and the data plane ask of the shell: types only, no behaviour.

Rule 1: a port speaks in words of ``domain``; it never names a database, a library or a protocol.
Rule 2: "recorded" means on stable storage. A ``record`` that returned cannot be undone by a crash.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lawgate.domain.identity import Principal
from lawgate.domain.ids import EntryId, ExchangeId


@dataclass(frozen=True, slots=True)
class PartDraft:
    """One sealed part to be: ``plaintext`` is JSON text in UTF-8, ``label`` is ASCII.

    ``content`` parts expire with the purpose's content retention, the others with its evidence
    retention.
    """

    label: str
    plaintext: bytes
    content: bool = False


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """Days to keep an entry's content and its evidence; the leaf shows only these numbers."""

    content_d: int
    evidence_d: int

    @property
    def label(self) -> str:
        """``c30e365``: what a leaf's ``ret`` holds."""
        return f"c{self.content_d}e{self.evidence_d}"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """Deletable columns that make an entry findable. The store blinds ``principal`` and ``subject``.

    ``state`` is the exchange's state after this entry, ``outcome`` is set by its last entry.
    """

    exchange: ExchangeId | None = None
    principal: str | None = None
    subject: str | None = None
    connection: str | None = None
    purpose: str | None = None
    state: str | None = None
    outcome: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """What is to become one entry of the log.

    ``kind`` is the leaf's ``t``; ``public`` is merged into the leaf and must be fit for anyone to
    read (ASCII strings and integers only). ``ts`` is in whole seconds since the epoch. ``windows``
    hands over the frames journalled for this exchange; they become parts of this entry.
    """

    kind: str
    ts: int
    retention: RetentionClass
    parts: tuple[PartDraft, ...]
    index: IndexRow = field(default_factory=IndexRow)
    public: Mapping[str, str | int] = field(default_factory=dict)
    windows: "WindowJournal | None" = None


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry that is on stable storage. ``leaf_hash`` is RFC 6962's, 32 bytes."""

    id: EntryId
    node: str
    nseq: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries refused while the store was down; times are in whole seconds since the epoch."""

    refused: int
    since: int
    until: int


class WindowJournal(Protocol):
    """The frames of one exchange's answer, each made durable before it is released (law 2)."""

    def journal(self, frames: Sequence[tuple[str, bytes]]) -> Awaitable[None]:
        """Append one frame to each named series (label, plaintext in JSON Lines); durable on return.

        Raises ``StoreUnavailableError``. The frames of one call become durable together.
        """
        ...


class Recorder(Protocol):
    """The evidence log of this node, for writing."""

    def record(self, draft: EntryDraft) -> Awaitable[RecordedEntry]:
        """Append one entry; durable on return, or ``StoreUnavailableError`` and nothing appended."""
        ...

    def windows(self, exchange: ExchangeId, retention: RetentionClass) -> WindowJournal:
        """A journal for the answer of an exchange; writes nothing until its first frame."""
        ...

    def probe_soon(self) -> None:
        """Try to write something, so that a store that works again is noticed without a request."""
        ...

    def take_gap(self) -> Gap | None:
        """What was refused during the outage that just ended, once; ``None`` when there was none."""
        ...

    def healthy(self) -> str | None:
        """``None`` when entries can be recorded, else one sentence that says why not."""
        ...


@dataclass(frozen=True, slots=True)
class OpenExchange:
    """An exchange with an intent (or a hold) and no outcome, found at start."""

    exchange: ExchangeId
    intent: EntryId
    state: str
    retention: RetentionClass
    index: IndexRow
    windows: "WindowJournal | None"
    """The frames that were journalled before the crash, ready to be committed to by an outcome."""


class Recovery(Protocol):
    """What a node does at start, before it serves."""

    def open_exchanges(self) -> Sequence[OpenExchange]:
        """Exchanges of this node that a crash left without an outcome, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """The credential of one request as the headers carried it; never logged, so its repr hides it."""

    token: str = field(repr=False)
    header: str


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """What is stored of one API key: never its secret, only the secret's SHA-256 (32 bytes).

    ``principal`` is the service principal that the key speaks for, ``owner`` the person or team that
    answers for it. Times are whole seconds since the epoch; ``revoked_at`` is ``None`` while it lives.
    """

    id: str
    secret_hash: bytes = field(repr=False)
    principal: str
    owner: str
    purpose: str
    groups: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None = None


class ApiKeyLookup(Protocol):
    """The API keys of this installation, asked on every request so that revoking one takes effect at once."""

    def lookup(self, key_id: str) -> ApiKeyRow | None:
        """The row of a key, or ``None``; raises ``StoreUnavailableError`` when nobody can know."""
        ...


class Identifier(Protocol):
    """Turns a credential into a principal."""

    def cached(self, presented: Presented, now: float) -> Principal | None:
        """The principal if this credential was verified a short while ago and is still good."""
        ...

    async def identify(self, presented: Presented, now: float) -> Principal:
        """Verify in full; may fetch keys. Raises ``RefusedError``."""
        ...


class UpstreamAnswer(Protocol):
    """The answer of an upstream, its head read and its body still to come."""

    @property
    def status(self) -> int:
        """HTTP status, 200 to 599."""
        ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """End-to-end fields, names in lower case, in order."""
        ...

    async def read(self) -> bytes:
        """The whole body, bounded. Raises ``UpstreamError``."""
        ...

    async def next_chunk(self) -> bytes:
        """Some bytes of the body, or ``b""`` at its end. Raises ``UpstreamError``."""
        ...

    def close(self) -> None:
        """Drop the connection if the body is not at its end; a waiting ``read`` then raises."""
        ...


class Upstream(Protocol):
    """The only way out to one inference endpoint; knows its address, credential and trust."""

    async def request(self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> UpstreamAnswer:
        """Send one request. ``path`` is appended to the upstream's own. Raises ``UpstreamError``."""
        ...


class KeyWrapper(Protocol):
    """A key-encryption key held outside the key database (key file, KMS)."""

    @property
    def kek_id(self) -> str:
        """Names the key; stored beside what it wrapped."""
        ...

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt a 32-byte key; ``context`` is authenticated."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt; raises ``EvidenceError`` when the key or the context is another's."""
        ...


@dataclass(frozen=True, slots=True)
class PendingEntries:
    """Entries that nodes committed and that have no index yet; ``leaves`` in the order they will get.

    ``token`` is the store's own: what ``append`` needs to write exactly these.
    """

    leaves: Sequence[bytes]
    token: object


class LogStore(Protocol):
    """The integrated log of one origin, for the one integrator that holds its lock.

    Everything here blocks; it belongs on the integrator's thread. Raises ``EvidenceError``.
    """

    @property
    def origin(self) -> str:
        """The name of the log, which is its key's name too."""
        ...

    def try_lock(self) -> bool:
        """Become the integrator; false while another process is."""
        ...

    def signing_seed(self) -> bytes:
        """The Ed25519 seed (RFC 8032) that signs checkpoints, 32 bytes."""
        ...

    def vkey(self) -> str:
        """The verifier's key (C2SP signed-note)."""
        ...

    def frontier(self) -> bytes:
        """What the last ``append`` was given; empty before the first."""
        ...

    def pending(self) -> PendingEntries:
        """The next entries, bounded in bytes; none when every journal was followed to its end."""
        ...

    def append(self, entries: PendingEntries, frontier: bytes) -> None:
        """Give the entries their index and keep ``frontier``, in one durable step."""
        ...

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Stored leaves by index, ``end`` excluded."""
        ...

    def fetch(self, path: str) -> bytes | None:
        """The bytes of a tile, or ``None``."""
        ...

    def write_tiles(self, tiles: Sequence[tuple[str, bytes]]) -> None:
        """Write tiles (path, content); full ones are durable on return."""
        ...

    def remove_tiles(self, paths: Sequence[str]) -> None:
        """Remove partial tiles that wider ones replaced."""
        ...

    def checkpoint(self) -> bytes | None:
        """The published signed note."""
        ...

    def pinned(self) -> bytes | None:
        """The last signed note as it is kept beside the keys."""
        ...

    def publish(self, note: bytes) -> None:
        """Pin the note, then publish it; durable on return."""
        ...

    def close(self) -> None:
        """Let another process integrate."""
        ...
