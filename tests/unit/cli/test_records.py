import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from lawgate.cli import exits
from tests.unit.cli.commands import Shell
from tests.unit.operations.world import KEPT, NOW, ORIGINAL, World, answered, begun, exchange_id, refused, streamed

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def busy(world: World) -> World:
    world.record(answered(1, NOW), refused(2, NOW + 10), streamed(3, NOW + 20), begun(4, NOW + 30))
    world.integrate()
    return world


# --- list


def test_a_table_for_people(lawgate: Shell, busy: World) -> None:
    done = lawgate("records", "list", "--config", busy.config)
    assert done.code == 0
    heading, *rows = done.out.splitlines()
    assert heading.split()[:3] == ["EXCHANGE", "WHEN", "OUTCOME"]
    assert [row.split()[0] for row in rows] == [exchange_id(number) for number in (4, 3, 2, 1)]
    assert "purpose_none" in rows[2]
    assert "(intent_recorded)" in rows[0]


def test_at_eighty_columns_no_id_is_cut_and_no_line_is_too_long(
    lawgate: Shell, busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = lawgate("records", "list", "--config", busy.config).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line[:32] for line in lines[1:]] == [exchange_id(number) for number in (4, 3, 2, 1)]
    assert all("…" not in line for line in lines)


def test_one_object_a_line_for_programs(lawgate: Shell, busy: World) -> None:
    rows = lawgate("records", "list", "--json", "--config", busy.config).objects
    assert [row["exchange_id"] for row in rows] == [exchange_id(number) for number in (4, 3, 2, 1)]
    assert [row["outcome"] for row in rows] == [None, "answered", "refused", "answered"]
    assert all({"state", "ts", "purpose", "connection", "code"} <= set(row) for row in rows)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--outcome", "refused"), [2]),
        (("--principal", "https://idp.example|anna", "--limit", "1"), [4]),
        (("--principal", "https://idp.example|otto"), []),
        (("--purpose", "answer-customers", "--connection", "support-llm"), [4, 3, 2, 1]),
        (("--since", "2026-09-21T14:13:40", "--until", "2026-09-21T14:13:45"), [3]),
        (("--since", "1000 days"), [4, 3, 2, 1]),
    ],
)
def test_queries(lawgate: Shell, busy: World, words: tuple[str, ...], found: list[int]) -> None:
    rows = lawgate("records", "list", "--json", "--config", busy.config, *words).objects
    assert [row["exchange_id"] for row in rows] == [exchange_id(number) for number in found]


def test_the_list_is_an_entry(lawgate: Shell, busy: World) -> None:
    lawgate("records", "list", "--config", busy.config, "--outcome", "refused")
    (meta,) = busy.metas("access")
    assert (meta["action"], meta["rows"], meta["query"]) == ("list", 1, {"outcome": "refused", "limit": 50})


def test_people_are_told_when_there_may_be_more(lawgate: Shell, world: World) -> None:
    world.record(*[refused(number, NOW + number) for number in range(51)])
    done = lawgate("records", "list", "--config", world.config)
    assert done.out.count("\n") == 51
    assert "newest 50" in done.err
    assert len(lawgate("records", "list", "--json", "--config", world.config).objects) == 51


def test_an_empty_store_says_so(lawgate: Shell, world: World) -> None:
    done = lawgate("records", "list", "--config", world.config)
    assert (done.code, done.out, done.err) == (0, "", "No exchange fits.\n")


@pytest.mark.parametrize("words", [("--since", "soon"), ("--limit", "0"), ("--principal", "anna")])
def test_a_query_that_cannot_be_read(lawgate: Shell, world: World, words: tuple[str, ...]) -> None:
    assert lawgate("records", "list", "--config", world.config, *words).code == exits.USAGE


def test_without_a_store_there_is_nothing_to_read(lawgate: Shell, tmp_path: Path) -> None:
    done = lawgate("records", "list", "--config", tmp_path / "none.yaml")
    assert done.code == exits.CONFIGURATION
    (tmp_path / "lawgate.yaml").write_text("store: {evidence: e, keys: k}\n", encoding="utf-8")
    done = lawgate("records", "list", "--config", tmp_path / "lawgate.yaml")
    assert done.code == exits.STORE
    assert "lawgate init" in done.err


# --- show


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_original_is_ever_shown(lawgate: Shell, busy: World, number: int, form: tuple[str, ...]) -> None:
    done = lawgate("records", "show", exchange_id(number), "--config", busy.config, *form)
    assert done.code == 0
    assert exchange_id(number) in done.out
    assert ORIGINAL not in done.out
    assert KEPT not in done.out


def test_programs_get_one_object(lawgate: Shell, busy: World) -> None:
    found = lawgate("records", "show", exchange_id(1), "--json", "--config", busy.config).object
    intent, outcome = found["entries"]
    assert (intent["kind"], outcome["kind"], found["outcome"]) == ("intent", "outcome", "answered")
    assert intent["meta"]["grounds"]["lawful_basis"] == "6-1-b"
    assert (
        json.loads(found["bodies"]["request"]["text"])["messages"][0]["content"] == "Write to [EMAIL] or call [PHONE]"
    )


def test_the_reading_is_an_entry_before_it_is_shown(lawgate: Shell, busy: World) -> None:
    lawgate("records", "show", exchange_id(1), "--config", busy.config)
    (meta,) = busy.metas("access")
    assert (meta["action"], meta["exchange"]) == ("show", exchange_id(1))
    assert "by" in meta
    assert "READ BEFORE" in lawgate("records", "show", exchange_id(1), "--config", busy.config).out


def test_nothing_is_shown_when_the_reading_cannot_be_recorded(busy: World) -> None:
    """A full disk: no file of this process may grow."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    done = subprocess.run(
        [sys.executable, "-m", "lawgate", "records", "show", exchange_id(1), "--config", str(busy.config)],
        preexec_fn=no_room,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stdout) == (exits.STORE, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("lawgate: ")
    assert busy.entries("access") == []


def test_an_exchange_that_is_not_there(lawgate: Shell, busy: World) -> None:
    done = lawgate("records", "show", exchange_id(99), "--config", busy.config)
    assert (done.code, done.out) == (exits.FOUND, "")


def test_a_damaged_part_is_shown_as_such_and_is_a_finding(lawgate: Shell, busy: World) -> None:
    busy.tamper("UPDATE entries SET parts = substr(parts, 1, 60) || x'00' || substr(parts, 62) WHERE idx = 0")
    done = lawgate("records", "show", exchange_id(1), "--config", busy.config)
    assert done.code == exits.FOUND
    assert "DAMAGED" in done.out


# --- verify and proof


def test_one_exchange_is_verified(lawgate: Shell, busy: World) -> None:
    done = lawgate("records", "verify", exchange_id(3), "--config", busy.config)
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["ok"] * 6
    assert busy.entries("access") == [], "nothing was shown, so nothing was read"


def test_a_changed_exchange_fails(lawgate: Shell, busy: World) -> None:
    busy.tamper("UPDATE entries SET parts = (SELECT parts FROM entries WHERE idx = 3) WHERE idx = 0")
    done = lawgate("records", "verify", exchange_id(1), "--config", busy.config)
    assert done.code == exits.FOUND
    assert "FAILED" in done.out
    found = lawgate("records", "verify", exchange_id(1), "--json", "--config", busy.config)
    assert (found.code, found.object["ok"]) == (exits.FOUND, False)


def test_what_proof_prints_verifies_offline(lawgate: Shell, busy: World, tmp_path: Path) -> None:
    done = lawgate("records", "proof", exchange_id(1), "--out", tmp_path / "out", "--config", busy.config)
    assert done.code == 0
    for path in (busy.place.paths.evidence, busy.place.paths.keys):
        path.rename(tmp_path / f"gone-{path.name}")
    lines = done.out.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert lawgate(*line.split()[1:]).code == 0


def test_programs_get_the_files(lawgate: Shell, busy: World, tmp_path: Path) -> None:
    found = lawgate(
        "records", "proof", exchange_id(2), "--json", "--out", tmp_path / "o", "--config", busy.config
    ).object
    assert [proof["kind"] for proof in found["proofs"]] == ["refusal"]
    assert Path(found["vkey"]).is_file()
    assert (
        lawgate("records", "proof", exchange_id(2), "--out", tmp_path / "o", "--config", busy.config).code
        == exits.STORE
    )
