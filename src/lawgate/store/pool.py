"""Keys at hand: owner keys minted ahead and the bucket keys of the day, without a write per request.

Rule 1: only keys that are already durable are handed out.
Rule 2: a key is handed out once, whatever becomes of the entry it was taken for: a commit that failed
    may still be on the disk, and two owners under one key could not be erased apart.
Rule 3: everything but the database work runs on the event loop's thread.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from lawgate.domain.errors import EvidenceError, StoreUnavailableError
from lawgate.store.buckets import CONTENT, EVIDENCE, bucket_for
from lawgate.store.keys import BATCH_MAX, HeldKey, KeyDatabase

BATCH: Final = 512
BUCKETS_CACHED_MAX: Final = 1024
_log: Final = logging.getLogger("lawgate.store")
T = TypeVar("T")


class BucketPair(NamedTuple):
    """The keys under which an entry's content and its evidence expire."""

    content: HeldKey
    evidence: HeldKey


class KeyPool:
    """Owner keys of one run of one node."""

    def __init__(
        self, database: KeyDatabase, node: str, loop: asyncio.AbstractEventLoop, *, batch: int = BATCH
    ) -> None:
        self._database = database
        self._node = node
        self._loop = loop
        self._batch = batch
        self._low = batch // 2
        self._keys: deque[HeldKey] = deque()
        self._minting: asyncio.Task[None] | None = None
        self._buckets: dict[tuple[int, int, int], BucketPair] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lawgate-keys")
        self._closed = False
        self.run: Final = os.urandom(8).hex()

    def take(self) -> HeldKey | None:
        """A fresh key, or ``None`` when the pool is dry: then await ``fill``."""
        if len(self._keys) <= self._low and self._minting is None:
            self._mint()
        return self._keys.popleft() if self._keys else None

    async def fill(self) -> None:
        """Wait until keys were minted. Raises ``StoreUnavailableError`` if they cannot be."""
        if not self._keys:
            await asyncio.shield(self._minting or self._mint())

    def buckets(self, content_d: int, evidence_d: int, day: int) -> BucketPair | None:
        """The bucket keys of a day, or ``None`` before its first use: then await ``open_buckets``."""
        return self._buckets.get((content_d, evidence_d, day))

    async def open_buckets(self, content_d: int, evidence_d: int, day: int) -> BucketPair:
        """The bucket keys of a day, durable. Raises ``StoreUnavailableError``."""
        content = await self.work(lambda: self._database.bucket(bucket_for(CONTENT, content_d, day)))
        evidence = await self.work(lambda: self._database.bucket(bucket_for(EVIDENCE, evidence_d, day)))
        if len(self._buckets) >= BUCKETS_CACHED_MAX:
            self._buckets.clear()
        pair = self._buckets[content_d, evidence_d, day] = BucketPair(content, evidence)
        return pair

    def work(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Run ``job`` on the pool's thread. Raises ``StoreUnavailableError`` after ``close``."""
        if self._closed:
            msg = "the evidence store is closed"
            raise StoreUnavailableError(msg)
        return self._loop.run_in_executor(self._thread, job)

    def close(self) -> None:
        """Wait for what is being minted, and destroy the keys that nobody took."""
        self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=True)
        unused = [key.id for key in self._keys]
        self._keys.clear()
        try:
            self._database.destroy_owners(unused)
            self._database.truncate_wal()
        except EvidenceError as error:  # the next start sweeps them
            _log.warning("unused keys stay until the next start: %s", error)

    def _mint(self) -> "asyncio.Task[None]":
        self._minting = self._loop.create_task(self._mint_batch())
        self._minting.add_done_callback(_retrieve)
        return self._minting

    async def _mint_batch(self) -> None:
        """The keys are there, and ``_minting`` is not, before anyone who waits goes on: else ``fill`` would spin."""
        batch = self._batch
        self._low = batch // 2
        try:
            keys = await self.work(lambda: self._database.mint(self._node, self.run, batch))
        except EvidenceError as error:
            _log.error("keys cannot be minted: %s", error)
            raise
        finally:
            self._minting = None
        if len(self._keys) <= self._low // 2:  # load outran us: mint more at a time
            self._batch = min(batch * 2, max(BATCH_MAX, batch))
        self._keys.extend(keys)


def _retrieve(task: "asyncio.Task[None]") -> None:
    """A batch that failed is the trouble of whoever waits for a key; nobody may be."""
    if not task.cancelled():
        task.exception()
