"""One event of a stream in, the same event masked out.

Rule 1: an event in which nothing changes keeps its bytes.
Rule 2: the text of tracks may leave later than it came, everything else leaves in its own event.
Rule 3: a span split over events under a member that is no track is found too late to be masked, so it
        ends the stream.
"""

import re
from typing import Final

from lawgate.domain.errors import Code, refuse
from lawgate.domain.json_text import NUMBER, PIECE, STRING, Path, decoded
from lawgate.domain.json_words import COUNTS, VALUES
from lawgate.domain.message import Edit
from lawgate.exchange.event_plan import COUNT, FINISH, PASS, TRACK, WHOLE, Piece, Plan, Slot, plan, resolved, skeleton
from lawgate.exchange.event_template import LEARNED_MAX, Filled, Template, template
from lawgate.exchange.tracks import TRACKS_MAX, Copies, Track, in_data_lines
from lawgate.mask.json_document import JsonUnreadableError, parse
from lawgate.mask.json_places import COUNT_LENGTH_MAX
from lawgate.mask.json_stream import Pieces, raw_pieces, spliced
from lawgate.mask.json_walk import WITHHELD, number_edits, string_edits
from lawgate.mask.masker import Masker
from lawgate.wire.protocol import Wire
from lawgate.wire.sse import Event, StreamUnreadableError
from lawgate.wire.tracks import TrackKind

PLANS_MAX: Final = 64
TAIL_LENGTH_MAX: Final = 64
TAILS_MAX: Final = 256
_CHANGES_BY_ITSELF: Final = re.compile(r"(?:.*_)?(?:at|id|time|timestamp|date|created|duration|version|type)")
_SURROUNDINGS_MAX: Final = 64
TEMPLATES_MAX: Final = 4
_HARMLESS: Final = VALUES | {""}

Nested = list[str | Edit | Pieces]
Change = tuple[int, int, Pieces]
"""Characters of an event's data, and what leaves in their place."""


class MaskedEvent:
    """An event ready to leave.

    ``pieces`` holds one list for each track in it, so that what the track still holds can be added
    while the event has not left.
    """

    __slots__ = ("ends", "pieces", "places")

    def __init__(self, pieces: Nested) -> None:
        self.pieces = pieces
        self.places: dict[Track, Pieces] = {}
        self.ends = False
        """Whether it says that a text of the stream is complete."""

    def flat(self) -> Pieces:
        """All pieces in order."""
        out: Pieces = []
        for piece in self.pieces:
            if isinstance(piece, list):
                out += piece
            else:
                out.append(piece)
        return out


class EventMasker:
    """Masks the events of one stream, in order."""

    __slots__ = (
        "_clean_around",
        "_copies",
        "_masker",
        "_plans",
        "_tails",
        "_templates",
        "_tracks",
        "_wire",
        "_withhold",
        "not_inspected",
    )

    def __init__(self, wire: Wire, masker: Masker, withhold: frozenset[str], *, lines: bool) -> None:
        self._wire = wire
        self._masker = masker
        self._withhold = withhold
        self._copies = Copies(wire, masker, lines=lines)
        self._plans: dict[tuple[tuple[str, ...], str], Plan] = {}
        self._tracks: dict[tuple[object, ...], Track] = {}
        self._templates: list[Template] = []
        self._tails: dict[Path, str] = {}
        self._clean_around: set[str] = {"data: ", "\n\n", "\n", ""}
        self.not_inspected = 0

    # ---- whole events ---------------------------------------------------------------------------

    def read(self, event: Event) -> list[MaskedEvent]:
        """``event`` masked, after copies of earlier events whose held text must leave before it.

        Raises ``RefusedError``, ``StreamUnreadableError`` and whatever a detector raises.
        """
        if not event.data and not event.in_place:
            return [self.plain(event.text)]
        if event.in_place:
            for fitting in self._templates:
                filled = fitting.fit(event)
                if filled is not None:
                    return [self._filled(event, filled)]
        if event.data[:1] in {"{", "[", '"'} or self._wire.strict_events:
            try:
                document = parse(event.data)
            except JsonUnreadableError:
                if self._wire.strict_events:
                    raise StreamUnreadableError("an event's data is not JSON") from None
            else:
                return self._json(event, document)
        return [self._text(event)]

    def plain(self, text: str) -> MaskedEvent:
        """Text that belongs to no track, read whole."""
        edits = self._masker.edits(text)
        return MaskedEvent([*spliced(text, edits)] if edits else [text])

    def drain(self, last: MaskedEvent | None) -> list[MaskedEvent]:
        """What all tracks hold: added to ``last`` where it carries them, else in copies of events."""
        return self._flush(list(self._tracks.values()), last)

    def _flush(self, tracks: list[Track], into: MaskedEvent | None) -> list[MaskedEvent]:
        copies: list[MaskedEvent] = []
        for track in tracks:
            held = track.flush()
            self.not_inspected += track.not_inspected
            track.not_inspected = 0
            if not held:
                continue
            if into is not None and track in into.places:
                into.places[track] += raw_pieces(held) if track.path is not None else in_data_lines(held)
            else:
                copies.append(MaskedEvent([*self._copies.copy(track, held)]))
        return copies

    def _around(self, text: str) -> Pieces:
        if text in self._clean_around:
            return [text]
        edits = self._masker.edits(text)
        if not edits and len(self._clean_around) < _SURROUNDINGS_MAX:
            self._clean_around.add(text)
        return spliced(text, edits)

    def _wrapped(self, event: Event, pieces: Nested, *, changed: bool) -> MaskedEvent:
        """``event`` with ``pieces`` for its data."""
        before, after = self._around(event.before), self._around(event.after)
        if not changed and len(before) == len(after) == 1:
            return MaskedEvent([event.text])
        if event.in_place:
            return MaskedEvent([*before, *pieces, *after])
        lined = [piece if isinstance(piece, list) else in_data_lines([piece])[0] for piece in pieces]
        return MaskedEvent([*before, "data: ", *lined, *after])

    # ---- data that is plain text ----------------------------------------------------------------

    def _text(self, event: Event) -> MaskedEvent:
        track = self._track(("text", event.name), TrackKind.TEXT, None, ())
        track.event = event
        new = self._pushed(track, event.data)
        if new is None:
            return self._wrapped(event, [event.data], changed=False)
        lined = in_data_lines(new)
        masked = self._wrapped(event, [lined], changed=True)
        masked.places[track] = lined
        return masked

    def _track(self, key: tuple[object, ...], kind: TrackKind, name: str | None, place: Path) -> Track:
        track = self._tracks.get(key)
        if track is None:
            if len(self._tracks) >= TRACKS_MAX:
                raise StreamUnreadableError("a stream has more than 1024 texts at once")
            track = self._tracks[key] = Track(self._masker, kind, name, place)
        return track

    def _pushed(self, track: Track, text: str) -> Pieces | None:
        """What leaves of a track after ``text`` came; ``None`` if it is just ``text``."""
        held = track.stream.held
        if not text:
            return [] if held else None
        new = track.stream.push(text)
        return None if not held and len(new) == 1 and new[0] == text else new

    # ---- data that is JSON ----------------------------------------------------------------------

    def _filled(self, event: Event, filled: list[Filled]) -> MaskedEvent:
        """An event that fits a template: only the pieces of its tracks may change."""
        changes: list[Change] = []
        places: dict[Track, Pieces] = {}
        for track, path, start, end, text in filled:
            track.event, track.path = event, path
            new = self._pushed(track, text)
            if new is not None:
                places[track] = raw_pieces(new)
                changes.append((start, end, places[track]))
        if not event.in_place or event.before not in self._clean_around or event.after not in self._clean_around:
            masked = self._wrapped(event, _assembled(event.data, changes), changed=bool(changes))
        elif changes:
            shift, text = len(event.before), event.text
            masked = MaskedEvent(_assembled(text, [(start + shift, end + shift, new) for start, end, new in changes]))
        else:
            masked = MaskedEvent([event.text])
        masked.places = places
        return masked

    def _learn(self, event: Event, made: Plan, pieces: list[Piece], changes: int, places: int) -> None:
        """Make a template of an event in which nothing but tracks changed (rule 1 of ``event_template``)."""
        if made.learned >= LEARNED_MAX or changes != places or not event.in_place:
            return
        if (
            made.members
            or made.withheld
            or any(
                made.clean[index] != (pieces[index][2] or pieces[index][1])
                for index, action in enumerate(made.actions)
                if action in {WHOLE, COUNT, FINISH} and (pieces[index][2] or pieces[index][1]) not in _HARMLESS
            )
        ):
            return
        made.learned += 1
        tracks = {index: slot.latest for index, slot in made.slots.items() if slot.latest is not None}
        if len(tracks) == len(made.slots):
            learned = template(event, made, pieces, tracks)
            if learned is not None:
                self._templates = [learned, *self._templates[: TEMPLATES_MAX - 1]]

    def _json(self, event: Event, document: object) -> list[MaskedEvent]:
        members = document if isinstance(document, dict) else {}
        kind = members.get("type")
        pieces: list[Piece] = PIECE.findall(event.data)
        made = self._plan(event.data, pieces, kind if isinstance(kind, str) else event.name)
        places: dict[Track, Pieces] = {}
        changes = self._changes(event, made, pieces, places)
        if made.members or made.withheld:
            changes = sorted(changes + self._rare(event.data, made, pieces), key=lambda change: change[:2])
        masked = self._wrapped(event, _assembled(event.data, changes), changed=bool(changes))
        masked.places = places
        ending = self._ending(made, pieces, done=members.get("done") is True)
        if ending is None:
            self._learn(event, made, pieces, len(changes), len(places))
            return [masked]
        masked.ends = True
        return [*self._flush(ending, masked), masked]

    def _plan(self, data: str, pieces: list[Piece], event_type: str) -> Plan:
        key = (skeleton(pieces), event_type)
        made = self._plans.get(key)
        if made is None:
            made = plan(data, self._wire, event_type, self._withhold)
            if not made.members and len(self._plans) < PLANS_MAX:
                self._plans[key] = made
        return made

    def _changes(self, event: Event, made: Plan, pieces: list[Piece], places: dict[Track, Pieces]) -> list[Change]:
        changes: list[Change] = []
        at = 0
        clean = made.clean
        for index, action in enumerate(made.actions):
            structure, string, number = pieces[index]
            value = number or string
            start = at + len(structure) + (not number)
            at = start + len(value) + (not number)
            if action == TRACK:
                new = self._piece(event, made, index, pieces)
                if new is not None:
                    changes.append((start, start + len(value), new[1]))
                    places[new[0]] = new[1]
                continue
            if action == PASS or not value or value == clean[index] or value in VALUES:
                continue
            edits = self._whole(value, made.names[index], made.paths[index], NUMBER if action == COUNT else STRING)
            if edits:
                changes.append((start, start + len(value), spliced(value, edits)))
            else:
                clean[index] = value
        return changes

    def _piece(self, event: Event, made: Plan, index: int, pieces: list[Piece]) -> tuple[Track, Pieces] | None:
        slot = made.slots[index]
        values = tuple([pieces[leaf][2] or pieces[leaf][1] for _, leaf in slot.positions])
        track = slot.tracks.get(values)
        if track is None:
            track = slot.tracks[values] = self._track_of(slot, made, pieces, values)
        track.event, track.path = event, slot.path
        slot.latest = track
        new = self._pushed(track, decoded(pieces[index][1]))
        return None if new is None else (track, raw_pieces(new))

    def _track_of(self, slot: Slot, made: Plan, pieces: list[Piece], values: tuple[str, ...]) -> Track:
        place = resolved(slot.steps, pieces)
        track = self._track((made.event_type, place, values), slot.kind, slot.name, place)
        track.positions = {name: value for (name, _), value in zip(slot.positions, values, strict=True)}
        return track

    def _whole(self, value: str, name: str, path: Path, kind: int) -> list[Edit]:
        if kind == NUMBER:
            if len(value) <= COUNT_LENGTH_MAX and name in COUNTS:
                return []
            return number_edits(value, name, self._masker)
        found = string_edits(value, name, self._masker)
        self.not_inspected += found.not_inspected
        if len(value) <= TAIL_LENGTH_MAX and not _CHANGES_BY_ITSELF.fullmatch(name):
            self._refuse_split(value, path, found.edits)
        return found.edits

    def _refuse_split(self, value: str, path: Path, edits: list[Edit]) -> None:
        """Rule 3: look for a span over this value and the one before it at the same path.

        A value that begins with a span of its own is not the rest of another.
        """
        tail = self._tails.get(path, "")
        joined = tail + decoded(value)
        begins = bool(edits) and edits[0].start == 0
        if tail and not begins and any(edit.start < len(tail) < edit.end for edit in self._masker.edits(joined)):
            raise refuse(
                Code.DETECTION_FAILED,
                "The answer splits personal data over events in a way that cannot be masked; ask without streaming.",
            )
        if path in self._tails or len(self._tails) < TAILS_MAX:
            rest = value[edits[-1].end :] if edits else value
            self._tails[path] = decoded(rest)[-TAIL_LENGTH_MAX:]

    def _rare(self, data: str, made: Plan, pieces: list[Piece]) -> list[Change]:
        """Unknown member names, and containers that are withheld."""
        changes: list[Change] = []
        for start, end in made.members:
            found = string_edits(data[start:end], None, self._masker)
            if found.edits:
                changes.append((start, end, spliced(data[start:end], found.edits)))
        if made.withheld:
            starts = _structure_starts(pieces)
            for first, offset, last, end_offset in made.withheld:
                start, end = starts[first] + offset, starts[last] + end_offset
                changes.append((start, end, [Edit(0, end - start, WITHHELD, "redact", data[start:end], "null")]))
        return changes

    def _ending(self, made: Plan, pieces: list[Piece], *, done: bool) -> list[Track] | None:
        """The tracks whose text this event says is complete; ``None`` if it says no such thing."""
        tracks = list(self._tracks.values())
        if done:
            return tracks
        if made.ends:
            said = {name: pieces[leaf][2] or pieces[leaf][1] for name, leaf in made.positions}
            return [
                track
                for track in tracks
                if all(track.positions.get(name, value) == value for name, value in said.items())
            ]
        scopes = [resolved(steps, pieces) for leaf, steps in made.finishes.items() if pieces[leaf][1]]
        if not scopes:
            return None
        return [track for track in tracks if any(track.place[: len(scope)] == scope for scope in scopes)]


def _assembled(data: str, changes: list[Change]) -> Nested:
    nested: Nested = []
    at = 0
    for start, end, replacement in changes:
        nested += (data[at:start], replacement)
        at = end
    nested.append(data[at:])
    return nested


def _structure_starts(pieces: list[Piece]) -> list[int]:
    starts: list[int] = []
    at = 0
    for structure, string, number in pieces:
        starts.append(at)
        at += len(structure) + (len(number) if number else len(string) + 2)
    return starts
