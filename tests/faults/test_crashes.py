"""``kill -9`` at every point of an exchange, alone and under load (laws 1 and 2).

Rule 1: alone, the state after the kill is known exactly, so exactly that is asked.
Rule 2: under load, what is asked is what must hold whatever was under way.
"""

import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import MOMENT, POINTS, RECOVERY, Libraries, World, besiege, point

KILLS_A_ROUND = 8
ROUNDS = 5
"""40 kills under load, besides those that hit one exchange alone."""

SCHEDULE = [*POINTS, MOMENT, RECOVERY, MOMENT]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, upstream: FaultUpstream, libraries: Libraries) -> Iterator[World]:
    """One world for the kills of single exchanges; each test starts and kills it."""
    world = World(tmp_path_factory.mktemp("alone"), upstream, libraries)
    world.prepare()
    yield world
    world.gateway.kill()


CASES = {
    # point: (model, requests the upstream saw, status the client holds, kinds in the log, outcome)
    "before the intent commit": ("answer", 0, 0, [], None),
    "after the intent commit": ("answer", 0, 0, ["intent", "outcome"], "unknown"),
    "before the forward": ("answer", 0, 0, ["intent", "outcome"], "unknown"),
    "after the forward": ("answer", 1, 0, ["intent", "outcome"], "unknown"),
    "mid-stream, before a release": ("stream", 1, 0, ["intent", "outcome"], "interrupted"),
    "mid-stream, after a release": ("stream", 1, 200, ["intent", "outcome"], "interrupted"),
    "before the outcome commit": ("answer", 1, 0, ["intent", "outcome"], "unknown"),
    "after the outcome commit": ("answer", 1, 0, ["intent", "outcome"], "answered"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_exchange(alone: World, upstream: FaultUpstream, name: str) -> None:
    model, forwarded, status, kinds, outcome = CASES[name]
    seen_before = len(upstream.seen)
    alone.start(point(name, 1))
    with alone.reading() as evidence:
        known = set(evidence.of)
    received = alone.request(model, stream=model == "stream")
    assert received.status == status
    assert not received.complete
    alone.gateway.wait_until(
        lambda: not alone.gateway.running, "it did not end itself"
    ) if alone.gateway.running else None
    assert len(upstream.seen) - seen_before == forwarded
    alone.start()
    with alone.reading() as evidence:
        new = [exchange for exchange in evidence.of if exchange not in known]
        assert [entry.row.kind for exchange in new for entry in evidence.of[exchange]] == kinds
        for exchange in new:
            assert evidence.meta(exchange)["outcome"] == outcome
        if status:
            answer = evidence.answer(received.exchange)
            assert answer is not None
            assert received.body
            assert answer.startswith(received.body)
    assert alone.problems() == []
    alone.kill(name)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_under_load(tmp_path: Path, upstream: FaultUpstream, libraries: Libraries, number: int) -> None:
    chance = random.Random(number)
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    upstream.seen.clear()
    try:
        names = list(islice(cycle(SCHEDULE), number * KILLS_A_ROUND, (number + 1) * KILLS_A_ROUND))
        assert besiege(world, names, chance) == []
        assert world.kills.total() == KILLS_A_ROUND
        assert upstream.seen, "the load reached the upstream"
        assert any(answer.complete for answer in world.ledger.answers), "clients were served"
    finally:
        world.gateway.kill()


def test_a_second_recovery_adds_nothing(tmp_path: Path, upstream: FaultUpstream, libraries: Libraries) -> None:
    world = World(tmp_path / "world", upstream, libraries)
    world.prepare()
    upstream.seen.clear()
    try:
        world.start(point("mid-stream, before a release", 30))
        world.load_until_dead(name="mid-stream, before a release")
        world.start()
        assert "it is recorded now" in world.gateway.stderr
        with world.reading() as evidence:
            first = evidence.kinds
        world.kill("idle")
        said = len(world.gateway.stderr)
        world.start()
        assert "it is recorded now" not in world.gateway.stderr[said:]
        with world.reading() as evidence:
            assert evidence.kinds - first == {"config": 1}, "only its own configuration"
        assert world.problems() == []
    finally:
        world.gateway.kill()
