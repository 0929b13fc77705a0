"""What a node records besides exchanges: floods of refusals, and the gap after an outage.

Rule: it may be late, it may not lose: a draft that could not be recorded counts again next time.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from lawgate.domain.errors import StoreUnavailableError
from lawgate.gateway.drive import Node
from lawgate.gateway.floods import FLOOD_RETENTION
from lawgate.ports import EntryDraft, Gap, IndexRow

log = logging.getLogger("lawgate.gateway")

FLOOD_PERIOD_S: Final = 60.0
"""One entry per cause and minute (law 3)."""
LOOK_PERIOD_S: Final = 1.0


async def keep_house(node: Node) -> None:
    """Run until cancelled; then record what is still counted."""
    looks = 0
    try:
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            looks += 1
            with_floods = looks * LOOK_PERIOD_S >= FLOOD_PERIOD_S
            await _to_its_end(look_after(node, with_floods=with_floods))
            looks = 0 if with_floods else looks
    finally:
        await record_gap(node)
        await record_floods(node)


async def look_after(node: Node, *, with_floods: bool) -> None:
    """One look: is the store well, and what is there to record."""
    fault = node.recorder.healthy()
    node.metrics.recording = fault is None
    if fault:
        node.recorder.probe_soon()
    await record_gap(node)
    if with_floods:
        await record_floods(node)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work`` even when cancelled meanwhile: an entry on its way is neither lost nor written twice."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    finally:
        await task


async def record_floods(node: Node) -> None:
    """One entry per cause of the refusals that were counted since the last time."""
    drafts = node.floods.take(node.clock())
    for index, draft in enumerate(drafts):
        try:
            await node.recorder.record(draft)
        except StoreUnavailableError as error:
            node.floods.put_back(drafts[index:])
            log.warning("refusals not recorded yet", extra={"reason": str(error)})
            return


async def record_gap(node: Node) -> None:
    """After an outage of the store: one entry that says when it was and how much was refused."""
    if node.recorder.healthy() is not None:
        return
    node.gap = node.gap or node.recorder.take_gap()
    if node.gap is None:
        return
    try:
        await node.recorder.record(_draft(node.gap, node.clock()))
    except StoreUnavailableError as error:
        log.warning("gap not recorded yet", extra={"reason": str(error)})
        return
    node.gap = None


def _draft(gap: Gap, now: float) -> EntryDraft:
    return EntryDraft(
        kind="gap",
        ts=int(now),
        retention=FLOOD_RETENTION,
        parts=(),
        index=IndexRow(outcome="gap"),
        public={"n": gap.refused, "since": gap.since, "until": gap.until},
    )
