"""What a crash left open: this node's exchanges with an intent (or a hold) and no outcome.

Rule 1: found before the node serves, from the index and from the journal's tail; the integrator need
    not have run.
Rule 2: an exchange goes on under its own key, and its entries stay findable by the names it began with.
Rule 3: windows are handed back as they were journalled. What can no longer be opened is not committed
    to: after destroyed keys there is no journal, after damage the readable beginning (and a log line).
"""

import logging
import re
from typing import Final

from lawgate.domain.errors import EvidenceError
from lawgate.domain.ids import EntryId, ExchangeId
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import decode_leaf
from lawgate.evidence.parts import open_frame
from lawgate.ports import IndexRow, OpenExchange, RetentionClass
from lawgate.store.buckets import DAY_S
from lawgate.store.group import FrameRow, SeriesRow, decode_series
from lawgate.store.keys import HeldKey, KeyDatabase
from lawgate.store.reader import StoredEntry, StoreReader, without_hole
from lawgate.store.recorder import StoreRecorder
from lawgate.store.sealing import ExchangeKeys, open_secret, series_context
from lawgate.store.windows import Series, StoredWindows

_RETENTION: Final = re.compile(r"c(\d+)e(\d+)")
_OPEN: Final = "SELECT idx FROM open_exchanges WHERE node = ?"
_log: Final = logging.getLogger("lawgate.store")


class StoreRecovery:
    """Implements ``ports.Recovery`` for one node, before it serves."""

    def __init__(self, node: str, reader: StoreReader, keys: KeyDatabase, recorder: StoreRecorder) -> None:
        self._node = node
        self._reader = reader
        self._keys = keys
        self._recorder = recorder

    def open_exchanges(self) -> list[OpenExchange]:
        """Exchanges of this node that have no outcome, oldest first. Raises ``EvidenceError``."""
        frames = self._tail_frames()
        entries = sorted(self._open_entries().values(), key=lambda entry: (entry.row.ts, entry.row.nseq))
        return [self._resumed(entry, frames) for entry in entries]

    def _open_entries(self) -> dict[str, StoredEntry]:
        snapshot = self._reader.snapshot()
        found: dict[str, StoredEntry] = {}
        for (index,) in self._reader.fetch_all(_OPEN, self._node):
            entry = self._reader.at(index)
            if entry is not None:
                found[entry.row.exchange or ""] = entry
        for entry in snapshot.entries():
            exchange = entry.row.exchange or ""
            if entry.row.outcome is not None:
                found.pop(exchange, None)
            elif entry.row.state is not None and entry.node == self._node:
                found[exchange] = entry
        return found

    def _tail_frames(self) -> dict[str, list[FrameRow]]:
        frames: dict[str, list[FrameRow]] = {}
        for row in self._reader.snapshot().tail:
            for frame in row.group.frames:
                frames.setdefault(frame.series, []).append(frame)
        return frames

    def _resumed(self, entry: StoredEntry, tail: dict[str, list[FrameRow]]) -> OpenExchange:
        row = entry.row
        exchange, retention = ExchangeId(row.exchange or ""), _retention(entry)
        owner = self._keys.owner_key(row.owner)
        windows = None
        if owner is not None:
            keys = ExchangeKeys(HeldKey(row.owner, owner), row.ts // DAY_S)
            keys.principal, keys.subject = row.principal, row.subject
            self._recorder.resume(exchange, keys)
            windows = self._windows(exchange, retention, tail)
        index = IndexRow(exchange, None, None, row.connection, row.purpose, row.state)
        return OpenExchange(exchange, EntryId(row.id), row.state or "", retention, index, windows)

    def _windows(
        self, exchange: ExchangeId, retention: RetentionClass, tail: dict[str, list[FrameRow]]
    ) -> StoredWindows | None:
        heads = [
            decode_series(head, f"a series of exchange {exchange}")
            for (head,) in self._reader.fetch_all("SELECT CAST(head AS BLOB) FROM series WHERE exchange = ?", exchange)
        ]
        indexed = {head.id for head in heads}
        opened = [frame.opens for frames in tail.values() for frame in frames if frame.opens is not None]
        heads += [head for head in opened if head.exchange == exchange and head.id not in indexed]
        windows = self._recorder.resumed_windows(exchange, retention)
        for head in heads:
            series = self._series(head, tail.get(head.id, []))
            if series is not None:
                windows.series[head.label] = series
        return windows if windows.series else None

    def _series(self, head: SeriesRow, tail: list[FrameRow]) -> Series | None:
        keys = self._reader.find_keys(head.owner, head.bucket)
        if keys is None:
            return None
        sql = "SELECT number, CAST(ciphertext AS BLOB) FROM frames WHERE series = ?"
        frames = {frame.number: frame.ciphertext for frame in tail} | dict(self._reader.fetch_all(sql, head.id))
        series = Series(head, b"")
        try:
            series.secret = open_secret(keys, head.wrap, series_context(head.id, head.owner, head.bucket))
            for number, frame in enumerate(without_hole(frames)):
                series.digest.update(
                    open_frame(series=head.id, number=number, final=False, ciphertext=frame, secret=series.secret)
                )
        except EvidenceInputError as error:
            _log.error("windows of exchange %s cannot all be opened: %s; run 'lawgate verify'", head.exchange, error)
        series.sent = series.digest.count
        return series if series.sent else None


def _retention(entry: StoredEntry) -> RetentionClass:
    try:
        found = _RETENTION.fullmatch(decode_leaf(entry.row.leaf).retention)
    except EvidenceInputError:
        found = None
    if found is None:
        msg = f"the leaf of entry {entry.row.id} is damaged; keep a copy, run 'lawgate verify', restore a backup"
        raise EvidenceError(msg)
    return RetentionClass(int(found[1]), int(found[2]))
