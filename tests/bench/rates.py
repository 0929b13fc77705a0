"""Requests at full load and one at a time, beside nginx in the same minutes.

Rule: rounds are interleaved (A B C A B C), so that a slow minute of the machine hits all of them; what
is reported is the median over the rounds.
"""

import statistics
import time
from dataclasses import dataclass

from tests.bench.load import Load, Target
from tests.bench.machine import core_s, cpu_s
from tests.bench.stage import Stage


@dataclass(frozen=True)
class Rate:
    """Medians for one target.

    ``busy`` is the share of its core that it used, ``others`` what anybody else took of that core; the
    kernel's own work for both is in there.
    """

    target: str
    requests_s: float
    cpu_us: float
    busy: float
    others: float | None
    p50_ms: float
    p99_ms: float
    requests: int
    """In all rounds together."""


@dataclass(frozen=True)
class Delay:
    """Medians for one target at one connection."""

    target: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class _Round:
    load: Load
    cpu_s: float
    took_s: float
    core_s: float | None

    @property
    def others(self) -> float | None:
        return None if self.core_s is None else max(0.0, self.core_s - self.cpu_s) / self.took_s


async def full_load(stage: Stage, *, connections: int, rounds: int, round_s: float) -> list[Rate]:
    """Requests a second and CPU a request: nginx, and the gateway with a token and with an API key."""
    targets = [*stage.passed(), stage.governed(), stage.governed_by_key()]
    done: dict[str, list[_Round]] = {target.name: [] for target in targets}
    for target in targets:
        await stage.generator.warm_up(target, connections)
    for _ in range(rounds):
        for target in targets:
            done[target.name].append(await _round(stage, target, connections, round_s))
    return [_rate(name, found) for name, found in done.items()]


async def one_at_a_time(stage: Stage, *, rounds: int, round_s: float) -> list[Delay]:
    """Delay at one connection: of the upstream itself, through nginx, through the gateway."""
    targets = [stage.direct(), *stage.passed(), stage.governed()]
    done: dict[str, list[Load]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            done[target.name].append(await stage.generator.run(target, 1, round_s))
    return [
        Delay(name, statistics.median(load.p50_ms for load in loads), statistics.median(load.p99_ms for load in loads))
        for name, loads in done.items()
    ]


async def _round(stage: Stage, target: Target, connections: int, round_s: float) -> _Round:
    assert target.pid is not None
    cpu, core, clock = cpu_s(target.pid), core_s(stage.core), time.perf_counter()
    load = await stage.generator.run(target, connections, round_s)
    took_s, after = time.perf_counter() - clock, core_s(stage.core)
    worked_s = None if core is None or after is None else after - core
    return _Round(load, cpu_s(target.pid) - cpu, took_s, worked_s)


def _rate(name: str, rounds: list[_Round]) -> Rate:
    median = statistics.median
    others = [each.others for each in rounds if each.others is not None]
    return Rate(
        name,
        median(each.load.requests / each.load.took_s for each in rounds),
        median(each.cpu_s / each.load.requests * 1e6 for each in rounds),
        median(each.cpu_s / each.took_s for each in rounds),
        median(others) if others else None,
        median(each.load.p50_ms for each in rounds),
        median(each.load.p99_ms for each in rounds),
        sum(each.load.requests for each in rounds),
    )
