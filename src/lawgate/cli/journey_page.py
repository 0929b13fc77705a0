"""One exchange on a page, in the order in which an auditor asks.

Rule: whatever an entry lacks (it was destroyed, or belongs to a kind of exchange that has none) is left out.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs (app.py, rule 1)

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lawgate.cli.output import console, print_laid_out, safe, styled
from lawgate.cli.times import ago, utc
from lawgate.operations.journey import DAMAGED, DESTROYED, SEALED, EntryView, Journey, readings
from lawgate.operations.masked_body import MaskedBody, laid_out

BODY_SHOWN_MAX: Final = 4000
"""Characters of a body on the page; ``--json`` has all of it."""
_LABEL_WIDTH: Final = 12
_Line = tuple[str, str]


def print_journey(journey: Journey, now: float, width: int | None = None) -> None:
    """Print the page."""
    _Page(width).print(journey, now)


class _Page:
    def __init__(self, width: int | None) -> None:
        self._out = console(width)

    def print(self, journey: Journey, now: float) -> None:
        """Every section that has something to say."""
        self._heading(f"EXCHANGE {journey.exchange_id}")
        self._lines(_ending(journey, now))
        for title, lines in (
            ("WHO ASKED", _who(journey.asked)),
            ("WHY", _why(journey.asked)),
            ("TO WHOM", _recipient(journey.asked)),
            ("DECISION", _decision(journey.asked)),
            ("MASKING", _masking(journey)),
        ):
            found = list(lines)
            if found:
                self._heading(title)
                self._lines(found)
        for label in ("request", "answer"):
            self._body(label, journey.body(label))
        self._heading("ENTRIES")
        self._lines(_entry_line(entry) for entry in journey.steps)
        read = readings(journey)
        if read:
            self._heading("READ BEFORE")
            self._lines(_reading_line(entry, now) for entry in read)

    def _heading(self, title: str, beside: str = "") -> None:
        from rich.text import Text

        self._out.print()
        self._out.print(Text.assemble((safe(title), "bold"), (f"  {beside}" if beside else "", "dim")))

    def _lines(self, lines: "Sequence[_Line] | Iterator[_Line]") -> None:
        from rich.table import Table

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="cyan", no_wrap=True, min_width=_LABEL_WIDTH)
        grid.add_column(overflow="fold")
        for label, text in lines:
            grid.add_row(f"  {safe(label)}", safe(text))
        print_laid_out(grid, self._out)

    def _body(self, label: str, body: MaskedBody | None) -> None:
        if body is None:
            return
        self._heading(label.upper(), "as recorded; what was found in it is cut out")
        if body.opaque_b and not body.text:
            self._out.print(f"  {body.opaque_b} bytes that nobody inspected; they are not shown")
            return
        text = styled(laid_out(body))
        left_b = len(text.plain) - BODY_SHOWN_MAX
        if left_b > 0:
            text.truncate(BODY_SHOWN_MAX)
            text.append(f"\n... {left_b} more characters; --json has all", style="dim")
        print_laid_out(text, self._out)


# --- sections


def _ending(journey: Journey, now: float) -> Iterator[_Line]:
    ended, asked = journey.ended, journey.asked
    outcome = journey.outcome or f"none yet ({journey.state})"
    yield "outcome", f"{outcome}, {journey.code}" if journey.code else outcome
    detail = ended.get("detail") or asked.get("detail")
    if detail:
        yield "because", str(detail)
    if journey.steps:
        began = journey.steps[0].ts
        took = f", took {ended['total_ms']} ms" if ended.get("total_ms") is not None else ""
        yield "when", f"{utc(began)} UTC ({ago(began, now)}){took}"
    if ended.get("status") is not None:
        kind = f"stream of {ended.get('events', 0)} events" if ended.get("streamed") else "whole"
        yield "answer", f"{ended['status']} {ended.get('content_type') or ''}, {kind}, {_sizes(ended, 'released')}"


def _who(asked: dict[str, Any]) -> Iterator[_Line]:
    caller = asked.get("caller")
    if not caller:
        return
    yield "caller", f"{caller.get('name') or caller.get('subject')} ({caller.get('subject')})"
    yield "issuer", f"{caller.get('issuer')}, by {caller.get('credential')}"
    if caller.get("client"):
        yield "client", str(caller["client"])
    groups = caller.get("groups")
    yield "groups", "not known" if groups is None else ", ".join(groups) or "none"
    if not caller.get("verified", True):
        yield "verified", "no"


def _why(asked: dict[str, Any]) -> Iterator[_Line]:
    grounds = asked.get("grounds") or {}
    if "purpose" not in grounds:
        return
    yield "purpose", f"{grounds['purpose']}: {grounds.get('title')}"
    yield "basis", f"{grounds.get('lawful_basis')}  {grounds.get('lawful_basis_iri')}"
    for label, member in (("law", "law"), ("assessment", "assessment")):
        if grounds.get(member):
            yield label, str(grounds[member])
    special = grounds.get("special_category_conditions")
    if special:
        yield "special", ", ".join(str(condition) for condition in special)
    yield "data of", ", ".join(grounds.get("data_subjects") or ()) or "nobody declared"
    yield "categories", ", ".join(grounds.get("data_categories") or ()) or "none declared"
    if asked.get("subject_asserted"):
        yield "subject", f"{asked['subject_asserted']} (as the caller says)"


def _recipient(asked: dict[str, Any]) -> Iterator[_Line]:
    grounds = asked.get("grounds") or {}
    if grounds.get("connection"):
        protocol = grounds.get("protocol")
        yield "connection", str(grounds["connection"]) + (f" ({protocol})" if protocol else "")
    if asked.get("path"):
        yield "request", f"{asked.get('method')} {asked['path']}, {_sizes(asked, 'received')}"
    if asked.get("model"):
        yield "model", str(asked["model"])
    recipient = grounds.get("recipient") or {}
    if recipient:
        said = (recipient.get(member) for member in ("name", "role", "country", "safeguard", "contract"))
        yield "recipient", ", ".join(str(each) for each in said if each)


def _decision(asked: dict[str, Any]) -> Iterator[_Line]:
    verdict = asked.get("verdict")
    if not verdict:
        return
    rule = f" by the rule {verdict['rule']!r}" if verdict.get("rule") else ""
    observed = " (rules were only observed)" if verdict.get("observed") else ""
    yield "verdict", f"{verdict.get('outcome')}{rule}{observed}"
    yield "risk", str(verdict.get("risk"))
    for name, weight, reason in verdict.get("factors") or ():
        yield "", f"{weight:+d} {name}: {reason}"
    for label in ("gaps", "violations"):
        if verdict.get(label):
            yield label, ", ".join(verdict[label])
    policy = (asked.get("grounds") or {}).get("policy")
    if policy:
        yield "policy", str(policy)


def _masking(journey: Journey) -> Iterator[_Line]:
    for label, meta, profile in (
        ("request", journey.asked, (journey.asked.get("masking") or {}).get("profile")),
        ("answer", journey.ended, journey.ended.get("profile")),
    ):
        if "spans" not in meta:
            continue
        body = journey.body(label)
        counts = meta.get("spans") or {}
        operators = dict(list(body.counts()) if body else ())
        spans = ", ".join(f"{count} {name} ({operators.get(name, '?')})" for name, count in counts.items())
        yield label, (spans or "nothing found") + (f", profile {profile}" if profile else ", no profile")
        if meta.get("not_inspected"):
            yield "", f"{meta['not_inspected']} values passed without inspection"


def _sizes(meta: dict[str, Any], which: str) -> str:
    return f"{meta.get(f'{which}_b', 0)} bytes"


def _entry_line(entry: EntryView) -> _Line:
    where = f"entry {entry.index}" if entry.index is not None else "not in the tree yet"
    parts = ", ".join(part.label + _MARKS.get(part.state, "") for part in entry.parts)
    said = f"{utc(entry.ts)} UTC, {where}, {entry.node}/{entry.nseq}; {parts}"
    problems = "".join(f"\n{part.label}: {part.why}" for part in entry.parts if part.why)
    return entry.kind, said + problems


_MARKS: Final = {SEALED: " (sealed)", DESTROYED: " (destroyed)", DAMAGED: " (DAMAGED)"}


def _reading_line(entry: EntryView, now: float) -> _Line:
    by = entry.meta.get("by") or {}
    who = by.get("sudo_user") or by.get("os_user") or "somebody"
    verified = "" if by.get("verified") else ", not verified"
    return str(entry.meta.get("action", "?")), f"{utc(entry.ts)} UTC ({ago(entry.ts, now)}) by {who}{verified}"
