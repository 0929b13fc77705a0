"""The state table as a Mermaid diagram, so that the documentation cannot drift from the code."""

from lawgate.exchange._state import DURABLE, FINAL, TABLE, State


def mermaid() -> str:
    """A ``stateDiagram-v2`` of every row; durable states are marked, final ones end."""
    lines = ["stateDiagram-v2", "    direction TB", f"    [*] --> {State.RECEIVED.name}"]
    for state, rows in TABLE.items():
        arrows: dict[State, list[str]] = {}
        for event, (target, _) in rows.items():
            arrows.setdefault(target, []).append(event.__name__)
        lines += [
            f"    {state.name} --> {target.name}: {' / '.join(names)}"
            for target, names in arrows.items()
            if target is not state or len(rows) > 1
        ]
    lines += [f"    {state.name} --> [*]" for state in State if state in FINAL]
    lines.append("    classDef durable stroke-width:3px")
    lines.append(f"    class {','.join(state.name for state in State if state in DURABLE)} durable")
    return "\n".join(lines) + "\n"


def effects_table() -> str:
    """Every row with its effects as a Markdown table."""
    lines = ["| state | event | next | effects |", "| --- | --- | --- | --- |"]
    for state, rows in TABLE.items():
        for event, (target, effects) in rows.items():
            todo = ", ".join(effect.__name__ for effect in effects) or "-"
            lines.append(f"| {state.name} | {event.__name__} | {target.name} | {todo} |")
    return "\n".join(lines) + "\n"
