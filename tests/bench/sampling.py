"""Where the gateway's time goes under full load: samples of its stacks, by area.

Rule 1: a sample belongs to the innermost frame of ours, with what that frame called in libraries; a sample
        without such a frame belongs to the library.
Rule 2: only threads that run count. Sampling slows the gateway a little, so it has a run of its own.
"""

import asyncio
import contextlib
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.machine import pinned
from tests.bench.stage import Stage

SAMPLES_S: Final = 250
SLACK_S: Final = 20.0
POLL_S: Final = 0.05
FUNCTIONS: Final = 12
STARTERS: Final = ("__main__", "cli/")
"""Below every stack: what is innermost there is the loop itself."""

_FRAME: Final = re.compile(r"^(?P<name>.+?) \((?P<file>[^():]+)(?::\d+)?\)$")


@dataclass(frozen=True)
class Share:
    """A part of all samples, from 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True)
class Profile:
    """``areas`` add up to one; ``functions`` are the largest of ours with what they call outside."""

    samples: int
    areas: list[Share]
    functions: list[Share]


async def profile(stage: Stage, py_spy: str, *, connections: int, duration_s: float) -> Profile | str:
    """Shares by area and by function; a sentence when the system does not let us look."""
    output = stage.generator.folder / "stacks.txt"
    command = [py_spy, "record", "--nonblocking", "--threads", "--format", "raw", "--rate", str(SAMPLES_S)]
    command += ["--duration", str(max(1, round(duration_s))), "--output", str(output), "--pid", str(stage.gateway.pid)]
    with pinned(stage.generator.core):
        sampler = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + duration_s + SLACK_S
        while sampler.returncode is None and time.monotonic() < deadline:
            await stage.generator.run(stage.governed(), connections, 1.0)
            await asyncio.sleep(POLL_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            sampler.kill()
        said = (await sampler.communicate())[0].decode("utf-8", "replace").strip()
    if not output.exists():
        return f"no profile: py-spy said: {(said.splitlines() or ['nothing'])[-1]}"
    return shares(output.read_text("utf-8", "replace"))


def shares(stacks: str) -> Profile:
    """Count lines of ``outermost;...;innermost NUMBER``."""
    areas: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, number = line.rpartition(" ")
        frames = [found for frame in stack.split(";") if (found := _FRAME.match(frame))]
        area, function = _owner(frames)
        areas[area] += int(number)
        if function:
            functions[function] += int(number)
    total = sum(areas.values())
    return Profile(
        total,
        [Share(name, number / total) for name, number in areas.most_common()],
        [Share(name, number / total) for name, number in functions.most_common(FUNCTIONS)],
    )


def _owner(frames: list[re.Match[str]]) -> tuple[str, str | None]:
    for frame in reversed(frames):
        _, found, inside = frame["file"].rpartition("lawgate/")
        if found and not inside.startswith(STARTERS):
            module = Path(inside).with_suffix("").as_posix()
            package = module.partition("/")[0]
            return package, f"{module}: {frame['name']}"
    return ("event loop", None) if frames else ("other", None)
