"""One run: what is measured, for how long, in which order.

Rule 1: memory first, while the gateway is fresh; what runs without a gateway last, when it is gone.
Rule 2: every part is bounded; the whole takes about 70 s as it is and 20 s when quick.
Rule 3: slow numbers are no error. Answers that are wrong, events that are lost and processes that do not
        start are.
"""

import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop

from tests.bench import entries, parts, rates, sampling, streams
from tests.bench.entries import EntryRate
from tests.bench.machine import Cores, Machine, Tools, describe
from tests.bench.parts import Part
from tests.bench.rates import Delay, Rate
from tests.bench.sampling import Profile
from tests.bench.stage import Stage, put_up
from tests.bench.streams import Memory, Size, StreamRate

T = TypeVar("T")

ON_STAGE: Final = ("memory", "delay", "requests", "streams", "profile")
ALONE: Final = ("entries", "parts")
PARTS: Final = (*ON_STAGE, *ALONE)


EVENTS: Final = Size(streams=256, pieces=60, rate=20)


@dataclass(frozen=True)
class Plan:
    """How much of everything; wrk takes whole seconds."""

    connections: int = 64
    request_rounds: int = 4
    request_round_s: float = 2.0
    delay_rounds: int = 3
    delay_round_s: float = 1.0
    stream_rounds: int = 2
    size: Size = EVENTS
    idle_streams: int = 256
    at_once: tuple[int, ...] = (1, 16, 128)
    entries_s: float = 2.0
    step_runs: int = 40
    step_calls: int = 100
    profile_s: float = 4.0


QUICK: Final = Plan(
    request_rounds=1,
    delay_rounds=1,
    stream_rounds=1,
    size=Size(streams=256, pieces=30, rate=20),
    entries_s=0.5,
    step_runs=10,
    profile_s=1.0,
)


@dataclass
class Results:
    """What was measured; a part that was not asked for, or cannot be done here, stays empty."""

    machine: Machine
    plan: Plan
    memory: Memory | None = None
    delay: list[Delay] = field(default_factory=list)
    requests: list[Rate] = field(default_factory=list)
    streams: list[StreamRate] = field(default_factory=list)
    entries: list[EntryRate] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    profile: Profile | None = None
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What is wrong, not slow: the exit code is 1 then."""
    took_s: float = 0.0


def run(plan: Plan, wanted: Iterable[str], tools: Tools, cores: Cores, folder: Path) -> Results:
    """Measure what is wanted. Raises ``BenchError`` when something does not work."""
    began = time.monotonic()
    results = Results(describe(tools, cores, folder), plan)
    wanted = tuple(wanted)
    _note_absent(results, tools, cores)
    if any(part in ON_STAGE for part in wanted):
        say("starting the gateway and what stands around it")
        with put_up(tools, cores, folder) as stage:
            uvloop.run(_on_stage(stage, wanted, tools, results))
    if "entries" in wanted:
        say("durable entries")
        results.entries = entries.durable_entries(folder / "store", cores.gateway, plan.at_once, plan.entries_s)
    if "parts" in wanted:
        say("single steps")
        results.parts = parts.single_steps(folder, runs=plan.step_runs, calls=plan.step_calls)
    results.took_s = time.monotonic() - began
    return results


async def _on_stage(stage: Stage, wanted: tuple[str, ...], tools: Tools, results: Results) -> None:
    plan = results.plan
    await stage.require_governed()
    if "memory" in wanted:
        results.memory = await _said("memory", streams.memory(stage, count=plan.idle_streams))
    if "delay" in wanted:
        measuring = rates.one_at_a_time(stage, rounds=plan.delay_rounds, round_s=plan.delay_round_s)
        results.delay = await _said("delay at one connection", measuring)
    if "requests" in wanted:
        rounds, round_s = plan.request_rounds, plan.request_round_s
        full = rates.full_load(stage, connections=plan.connections, rounds=rounds, round_s=round_s)
        results.requests = await _said("requests at full load", full)
    if "streams" in wanted:
        events = streams.events_at_rate(stage, size=plan.size, rounds=plan.stream_rounds)
        results.streams = await _said("streams", events)
        results.faults += [
            f"{each.target}: {each.lost_events} events lost, {each.broken_streams} streams not as they were sent, "
            f"one of them ends: {each.last_words}"
            for each in results.streams
            if each.lost_events or each.broken_streams
        ]
    if "profile" in wanted and tools.py_spy is not None:
        sampled = sampling.profile(stage, tools.py_spy, connections=plan.connections, duration_s=plan.profile_s)
        found = await _said("profile", sampled)
        if isinstance(found, Profile):
            results.profile = found
        else:
            results.notes.append(found)


def _note_absent(results: Results, tools: Tools, cores: Cores) -> None:
    lacks: dict[str, Callable[[], bool]] = {
        "nginx is not installed: no pass-through to compare with": lambda: tools.nginx is None,
        "wrk is not installed: our own generator loads, which costs more": lambda: tools.wrk is None,
        "py-spy is not installed: no profile": lambda: tools.py_spy is None,
        "processes are not pinned to cores here": lambda: cores.gateway is None,
        "a write costs nothing on this file system; --folder takes one on a disk": lambda: (
            results.machine.sync_us < FREE_SYNC_US
        ),
    }
    results.notes += [note for note, absent in lacks.items() if absent()]


FREE_SYNC_US: Final = 20.0
"""No disk makes 4 kB durable so fast; a file system in memory does."""


async def _said(what: str, measuring: Coroutine[Any, Any, T]) -> T:
    say(what)
    return await measuring


def say(line: str) -> None:
    """What happens now, for people who wait."""
    print(f"bench: {line}", file=sys.stderr, flush=True)
