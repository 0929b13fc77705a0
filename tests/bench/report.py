"""The numbers as tables: for a terminal, or as Markdown for docs/benchmarks.md.

Rule: a goal stands beside a number where the design names one; missing it is said, and is no error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.rates import Rate
from tests.bench.run import Results

GOVERNED: Final = "lawgate, token"
NGINX: Final = "nginx"
AREAS_MIN: Final = 0.005


@dataclass(frozen=True)
class Table:
    """The first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Goal:
    """What is wanted at first and in the end; ``None`` where the design names one number only."""

    measure: str
    measured: float
    form: str
    first: float | None
    goal: float
    more_is_better: bool = False

    def row(self) -> tuple[str, ...]:
        met = "goal" if self._meets(self.goal) else "first" if self._meets(self.first) else "no"
        return self.measure, self.form.format(self.measured), self._wanted(self.first), self._wanted(self.goal), met

    def _meets(self, wanted: float | None) -> bool:
        if wanted is None:
            return False
        return self.measured >= wanted if self.more_is_better else self.measured <= wanted

    def _wanted(self, wanted: float | None) -> str:
        if wanted is None:
            return "-"
        return (">= " if self.more_is_better else "<= ") + self.form.format(wanted)


def as_text(results: Results) -> str:
    """For a terminal."""
    return _page(results, _text_table, "{}".format)


def as_markdown(results: Results) -> str:
    """To be pasted into docs/benchmarks.md."""
    return _page(results, _markdown_table, "- {}".format)


def _page(results: Results, render: Callable[[Table], str], note: Callable[[str], str]) -> str:
    blocks = [render(table) for table in tables(results) if table.rows]
    remarks = [*(f"note: {line}" for line in results.notes), *(f"FAULT: {line}" for line in results.faults)]
    if remarks:
        blocks.append("\n".join(map(note, remarks)))
    return "\n\n".join(blocks) + "\n"


def tables(results: Results) -> list[Table]:
    """Every table, also those without rows."""
    return [
        _goals(results),
        _requests(results),
        _delay(results),
        _streams(results),
        _memory(results),
        _entries(results),
        Table("Single steps", ("step", "CPU us"), [(each.step, f"{each.cpu_us:.1f}") for each in results.parts]),
        *_profile(results),
        _machine(results),
    ]


def _goals(results: Results) -> Table:
    found: list[Goal] = []
    governed, nginx = _rate(results, GOVERNED), _rate(results, NGINX)
    if governed:
        found.append(Goal("CPU of a governed request, us", governed.cpu_us, "{:.0f}", None, 112))
    if governed and nginx:
        ratio = governed.requests_s / nginx.requests_s
        found.append(Goal("requests/s, of nginx", ratio, "{:.2f}", 0.10, 0.25, more_is_better=True))
        times = governed.cpu_us / nginx.cpu_us  # the same goal in a measure that a busy machine does not bend
        found.append(Goal("CPU of a governed request, times nginx", times, "{:.1f}", 10, 4))
    delays = {each.target: each for each in results.delay}
    if GOVERNED in delays:
        added = delays[GOVERNED].p50_ms - delays["direct"].p50_ms
        found.append(Goal("added p50 at one connection, ms", added, "{:.2f}", 1.5, 0.5))
    events = {each.target: each for each in results.streams}
    if NGINX in events:
        times = events["lawgate"].cpu_us / events[NGINX].cpu_us
        found.append(Goal("CPU of a streamed event, times nginx", times, "{:.1f}", 4, 2))
    if results.memory:
        found.append(Goal("idle memory, MB", results.memory.idle_mb, "{:.0f}", 80, 50))
        found.append(Goal("memory of an idle stream, kB", results.memory.stream_kb, "{:.0f}", 40, 15))
    return Table("Goals", ("measure", "measured", "first", "goal", "met"), [goal.row() for goal in found])


def _rate(results: Results, name: str) -> Rate | None:
    return next((rate for rate in results.requests if rate.target == name), None)


def _requests(results: Results) -> Table:
    columns = ("target", "requests/s", "of nginx", "CPU us", "times nginx", "its core", "others", "p50 ms", "p99 ms")
    nginx = _rate(results, NGINX)
    rows = [
        (
            rate.target,
            f"{rate.requests_s:,.0f}",
            f"{rate.requests_s / nginx.requests_s:.3f}" if nginx else "-",
            f"{rate.cpu_us:.1f}",
            f"{rate.cpu_us / nginx.cpu_us:.1f}" if nginx else "-",
            f"{rate.busy:.0%}",
            "-" if rate.others is None else f"{rate.others:.0%}",
            f"{rate.p50_ms:.2f}",
            f"{rate.p99_ms:.2f}",
        )
        for rate in results.requests
    ]
    return Table(f"Requests, {results.plan.connections} connections", columns, rows)


def _delay(results: Results) -> Table:
    columns = ("target", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms")
    direct = next((each for each in results.delay if each.target == "direct"), None)
    rows = [
        (
            each.target,
            f"{each.p50_ms:.3f}",
            f"{each.p99_ms:.3f}",
            *((f"{each.p50_ms - direct.p50_ms:.3f}", f"{each.p99_ms - direct.p99_ms:.3f}") if direct else ("-", "-")),
        )
        for each in results.delay
    ]
    return Table("Delay at one connection", columns, rows)


def _streams(results: Results) -> Table:
    columns = ("target", "streams", "events/s", "CPU us an event", "events lost", "streams not intact")
    rows = [
        (
            each.target,
            str(each.streams),
            f"{each.events_s:,.0f}",
            f"{each.cpu_us:.1f}",
            str(each.lost_events),
            str(each.broken_streams),
        )
        for each in results.streams
    ]
    return Table(f"Streams, {results.plan.size.rate} events a second each", columns, rows)


def _memory(results: Results) -> Table:
    found = results.memory
    rows = (
        [
            ("after the start", f"{found.idle_mb:.1f} MB"),
            (f"each of {found.streams} idle streams", f"{found.stream_kb:.1f} kB"),
        ]
        if found
        else []
    )
    return Table("Memory of the gateway", ("resident", "size"), rows)


def _entries(results: Results) -> Table:
    rows = [(str(each.at_once), f"{each.entries_s:,.0f}", f"{each.p50_ms:.2f}") for each in results.entries]
    return Table("Durable entries", ("waiting at once", "entries/s", "p50 ms"), rows)


def _profile(results: Results) -> list[Table]:
    found = results.profile
    if found is None:
        return []
    areas = [(each.name, f"{each.share:.1%}") for each in found.areas if each.share >= AREAS_MIN]
    functions = [(each.name, f"{each.share:.1%}") for each in found.functions]
    title = f"Where the time goes at full load, {found.samples} samples"
    return [
        Table(title, ("area, with what it calls outside", "share"), areas),
        Table("The largest functions", ("function, with what it calls outside", "share"), functions),
    ]


def _machine(results: Results) -> Table:
    machine = results.machine
    placed = "gateway and nginx on one, load and upstream on another" if machine.pinned else "not pinned"
    rows = [
        ("system", machine.system),
        ("cores", f"{machine.cores}, {placed}"),
        ("load average before", machine.busy),
        ("Python", machine.python),
        ("proxy beside it", machine.proxy),
        ("load", machine.load),
        ("4 kB to disk", f"{machine.sync_us:.0f} us"),
        ("the run took", f"{results.took_s:.0f} s"),
    ]
    return Table("Machine", ("what", "which"), rows)


def _text_table(table: Table) -> str:
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    return "\n".join([table.title, *(_text_row(row, widths) for row in (table.columns, *table.rows))])


def _text_row(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return ("  " + "  ".join(cells)).rstrip()


def _markdown_table(table: Table) -> str:
    rows = (table.columns, ("---", *("---:" for _ in table.columns[1:])), *table.rows)
    return "\n".join([f"### {table.title}", "", *(f"| {' | '.join(row)} |" for row in rows)])
