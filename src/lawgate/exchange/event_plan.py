"""What is to be done with each leaf of a stream's events, worked out once for events of one form.

The events of a stream differ in a few values, not in form. The **skeleton** of an event is all its text
but the values of its leaves; events with one skeleton share one plan.

Rule 1: a plan holds positions and names, never a value; a skeleton with a name of the caller's own is
        planned anew for each event.
Rule 2: plans of a stream are bounded.
"""

from dataclasses import dataclass, field
from typing import Final

from lawgate.domain.json_text import NAME, NUMBER, PIECE, Leaf, Path, containers, paths
from lawgate.exchange.tracks import Track
from lawgate.wire.protocol import Wire
from lawgate.wire.tracks import TrackKind, ends_tracks, is_position, track_kind

PASS: Final = 0
WHOLE: Final = 1
COUNT: Final = 2
TRACK: Final = 3
FINISH: Final = 4
"""What is done with a leaf: nothing, read as a whole string, read as a number, given to its track,
read whole and taken as the end of its choice."""

Piece = tuple[str, str, str]


@dataclass(slots=True)
class Slot:
    """Where pieces of tracks stand in events of one skeleton.

    ``steps`` is the path with each array position replaced by the number of the leaf that tells the
    element's real position, as ``~leaf``, where there is one. ``positions`` are leaves that tell tracks
    apart, by name.
    """

    kind: TrackKind
    path: Path
    steps: Path
    positions: tuple[tuple[str, int], ...]
    name: str
    tracks: dict[tuple[str, ...], Track] = field(default_factory=dict)
    """Tracks met here, by the values of ``positions``."""
    latest: Track | None = None


@dataclass(slots=True)
class Plan:
    """One action for each leaf (string or number) of a skeleton, in order."""

    actions: list[int]
    names: list[str]
    paths: list[Path]
    slots: dict[int, Slot]
    clean: list[str | None]
    """Values that were read before and hold nothing; compared, never shown."""
    finishes: dict[int, Path]
    """Steps of the choice that each ``FINISH`` leaf speaks of."""
    members: list[tuple[int, int]]
    """Unknown member names: their ranges in this one text."""
    withheld: list[tuple[int, int, int, int]]
    """Containers that become ``null``: ``(leaf, offset, leaf, offset)``, offsets from the structure
    before each leaf."""
    ends: bool
    """Whether events of this type are complete by themselves and end the tracks they speak of."""
    event_type: str
    positions: list[tuple[str, int]]
    """Leaves at the top that tell tracks apart, by name."""
    learned: int = 0
    """Templates made of events with this plan."""


def skeleton(pieces: list[Piece]) -> tuple[str, ...]:
    """The text between leaves, with a quote where a string begins, so that a number is another form."""
    return tuple([structure if number else structure + '"' for structure, _, number in pieces])


def plan(data: str, wire: Wire, event_type: str, withhold: frozenset[str]) -> Plan:
    """The plan for events with the skeleton of ``data`` and this type; raises ``JsonDepthError``."""
    found = paths(data)
    members = [(leaf[0], leaf[1]) for _, leaf in found if leaf[3] == NAME]
    leaves = [(path, leaf) for path, leaf in found if leaf[3] != NAME]
    numbers = {path: index for index, (path, _) in enumerate(leaves)}
    ranges = containers(data, withhold)
    ends = ends_tracks(event_type)
    complete = ends or ("jsonrpc",) in numbers
    top = [(str(path[0]), index) for path, index in numbers.items() if len(path) == 1 and is_position(str(path[0]))]
    made = Plan(
        [],
        [leaf[2] for _, leaf in leaves],
        [path for path, _ in leaves],
        {},
        [None] * len(leaves),
        {},
        members,
        _offsets(data, ranges),
        ends,
        event_type,
        top,
    )
    for index, (path, leaf) in enumerate(leaves):
        action = _action(path, leaf, wire, event_type, ranges, complete=complete)
        if action == TRACK:
            made.slots[index] = _slot(path, leaf[2], event_type, numbers)
        elif action == FINISH:
            made.finishes[index] = _steps(path[:-1], numbers)
        made.actions.append(action)
    return made


def _action(
    path: Path, leaf: Leaf, wire: Wire, event_type: str, ranges: list[tuple[int, int]], *, complete: bool
) -> int:
    if any(start <= leaf[0] < end for start, end in ranges):
        return PASS
    if len(path) == 1 and path[0] in wire.skip:
        return PASS
    if leaf[3] == NUMBER:
        return COUNT
    if wire.is_finish(path):
        return FINISH
    return WHOLE if complete or track_kind(path, event_type) is None else TRACK


def _slot(path: Path, name_around: str, event_type: str, numbers: dict[Path, int]) -> Slot:
    positions = [
        (name, index)
        for member, index in numbers.items()
        if member[:-1] == path[: len(member) - 1]
        and len(member) <= len(path)
        and isinstance(name := member[-1], str)
        and is_position(name)
    ]
    kind = track_kind(path, event_type) or TrackKind.TEXT
    return Slot(kind, path, _steps(path, numbers), tuple(positions), name_around)


def _steps(path: Path, numbers: dict[Path, int]) -> Path:
    """``path`` with ``~leaf`` for an array position whose element says its own ``index``."""
    steps: list[str | int] = []
    for at, step in enumerate(path):
        index = numbers.get((*path[: at + 1], "index"))
        steps.append(~index if isinstance(step, int) and index is not None else step)
    return tuple(steps)


def resolved(steps: Path, pieces: list[Piece]) -> Path:
    """``steps`` with the real positions that stand in ``pieces``, as text."""
    return tuple(
        [
            step if isinstance(step, str) else str(step) if step >= 0 else pieces[~step][2] or pieces[~step][1]
            for step in steps
        ]
    )


def _offsets(data: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    if not ranges:
        return []
    begins = [(match.start(1), match.end(1)) for match in PIECE.finditer(data)]

    def locate(offset: int) -> tuple[int, int]:
        return next((index, offset - start) for index, (start, end) in enumerate(begins) if start <= offset <= end)

    return [(*locate(start), *locate(end)) for start, end in ranges]
