"""Cores, CPU time, memory and disk of the machine that measures.

Rule 1: CPU time is of all threads of a process, ended ones too.
Rule 2: where the system cannot tell or pin, the run goes on and a note says so.
"""

import contextlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LINUX: Final = sys.platform == "linux"
SYNCS: Final = 30


@dataclass(frozen=True)
class Tools:
    """Programs that make a run better; ``None`` when absent."""

    nginx: str | None
    wrk: str | None
    py_spy: str | None


def find_tools() -> Tools:
    """What is installed: on the path, beside this Python, or where Debian puts what only an administrator starts."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    nginx, wrk, py_spy = (shutil.which(name, path=path) for name in ("nginx", "wrk", "py-spy"))
    return Tools(nginx, wrk, py_spy)


@dataclass(frozen=True)
class Cores:
    """Which core does what; ``None`` where processes cannot be pinned or there is only one core."""

    gateway: int | None
    load: int | None


def find_cores() -> Cores:
    """The first core that we may use for the gateway, the second for load and upstream."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1]) if len(usable) > 1 else Cores(None, None)


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep this thread, and what it starts meanwhile, on one core."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far: to the microsecond on Linux, to 10 ms elsewhere."""
    if LINUX:
        return float(time.clock_gettime((~pid << 3) | 2))  # clock_getcpuclockid(3), as the C libraries make it
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(_ps(pid, "time").split(":"))))


def core_s(core: int | None) -> float | None:
    """Seconds that a core has worked so far, for whomever, the host's other guests included; Linux only."""
    if core is None:
        return None
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, *rest = map(int, ticks[:8])
            return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
    return None


def rss_kb(pid: int) -> float:
    """Resident memory in kB (1000 bytes)."""
    if LINUX:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1000
    return int(_ps(pid, "rss")) * 1.024


def _ps(pid: int, column: str) -> str:
    done = subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=True, timeout=5
    )
    return done.stdout.strip()


def sync_us(folder: Path) -> float:
    """How long the folder's file system takes to make 4 kB durable, the median of a few."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - before)
    (folder / "sync").unlink()
    return statistics.median(took) * 1e6


@dataclass(frozen=True)
class Machine:
    """What the numbers depend on."""

    system: str
    cores: int
    pinned: bool
    python: str
    proxy: str
    load: str
    sync_us: float
    busy: str
    """Processes that wanted a core when the run began, on average over a minute."""


def describe(tools: Tools, cores: Cores, folder: Path) -> Machine:
    """No name and no path: the table is meant to be published."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        pinned=cores.gateway is not None,
        python=platform.python_version(),
        proxy=_version(tools.nginx) if tools.nginx else "none",
        load="wrk" if tools.wrk else "own generator",
        sync_us=sync_us(folder),
        busy=f"{os.getloadavg()[0]:.1f}",
    )


def _version(nginx: str) -> str:
    done = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False, timeout=5)
    return done.stderr.strip().rpartition(" ")[2].replace("/", " ")
