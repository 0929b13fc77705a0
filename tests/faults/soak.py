"""``python3 dev.py soak [KILLS]``: kills under load until there were enough, a third of them power cuts.

Prints how often each point was hit and ends with 1 at the first thing that is wrong.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from itertools import count, cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import MOMENT, POINTS, RECOVERY, Libraries, World, besiege

KILLS = 500
KILLS_A_STORE = 10
SCHEDULE = [*POINTS, MOMENT, RECOVERY, MOMENT]


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py soak", description="Kill the gateway under load, again and again.")
    parser.add_argument("kills", nargs="?", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats an earlier run's choices")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    kills: Counter[str] = Counter()
    cuts = sent = answered = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lawgate-soak-") as folder:
        libraries = Libraries.compile(Path(folder))
        names = cycle(SCHEDULE)
        for number in count():
            left = arguments.kills - kills.total()
            if left <= 0:
                break
            lossy = number % 3 == 2
            batch = list(islice(names, min(KILLS_A_STORE, left)))
            with FaultUpstream() as upstream:
                world = World(Path(folder) / f"world{number}", upstream, libraries)
                world.prepare()
                problems = besiege(world, batch, random.Random(f"{arguments.seed}/{number}"), lossy=lossy)
                world.gateway.kill()
            kills += world.kills
            cuts += world.kills.total() if lossy else 0
            sent += world.ledger.sent
            answered += sum(answer.complete for answer in world.ledger.answers)
            print(
                f"{kills.total():5} kills, {cuts} of them power cuts, {sent} requests, {answered} answered", flush=True
            )
            if problems:
                print(*problems, f"seed {arguments.seed}, store {number}", sep="\n", file=sys.stderr)
                return 1
    print(*(f"{times:5}  {name}" for name, times in sorted(kills.items())), sep="\n")
    print(f"nothing lost, nothing unrecorded, in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
