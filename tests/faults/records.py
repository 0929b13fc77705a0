"""Reading the log of a running gateway, as another process would."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from lawgate.evidence.leaf import decode_leaf
from lawgate.kms.key_file import load_key_file
from lawgate.store.opening import open_keys
from lawgate.store.reader import StoredEntry, StoreReader
from tests.gateway_process import GatewayProcess

RECORD_S: Final = 10.0


@dataclass(frozen=True)
class Entry:
    """One entry with its parts opened."""

    kind: str
    outcome: str | None
    code: str | None
    meta: dict[str, Any]
    parts: dict[str, bytes]
    public: dict[str, Any]


@contextmanager
def reading(gateway: GatewayProcess) -> Iterator[StoreReader]:
    with (
        closing(open_keys(gateway.paths, load_key_file(gateway.kek_file))) as keys,
        closing(StoreReader(gateway.paths, keys)) as reader,
    ):
        yield reader


def entries(gateway: GatewayProcess, exchange: str | None = None, *, kind: str | None = None) -> list[Entry]:
    """The entries of an exchange, or of a kind, oldest first."""
    with reading(gateway) as reader:
        found = reader.exchange(exchange) if exchange else reader.entries(newest_first=False)
        return [_opened(reader, entry) for entry in found if kind in {None, entry.row.kind}]


def _opened(reader: StoreReader, entry: StoredEntry) -> Entry:
    parts = {label: part.plaintext or b"" for label, part in reader.open_parts(entry).items()}
    row = entry.row
    public = dict(decode_leaf(row.leaf).extra)
    return Entry(row.kind, row.outcome, row.code, json.loads(parts.get("meta") or b"{}"), parts, public)


def last(gateway: GatewayProcess, exchange: str) -> Entry:
    """The entry that ended an exchange, once there is one."""
    found: list[Entry] = []

    def ended() -> bool:
        found[:] = [entry for entry in entries(gateway, exchange) if entry.outcome is not None]
        return bool(found)

    gateway.wait_until(ended, f"exchange {exchange} has no outcome", timeout_s=RECORD_S)
    return found[-1]
