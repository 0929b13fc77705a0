import shutil
from pathlib import Path

import pytest

from lawgate.cli import exits
from tests.unit.cli.commands import Shell
from tests.unit.operations.world import World, answered, exchange_id, refused, streamed


@pytest.fixture
def busy(world: World) -> World:
    world.record(refused(0), answered(1), streamed(2))
    world.integrate()
    return world


def test_a_whole_store(lawgate: Shell, busy: World) -> None:
    done = lawgate("verify", "--config", busy.config)
    assert done.code == 0
    *checks, entries, root = done.out.splitlines()
    assert {line.split()[0] for line in checks} == {"ok"}
    assert {"chain", "tree", "tiles", "signature", "parts", "content"} <= {line.split()[1] for line in checks}
    assert entries == "5 entries, all of them signed"
    assert root.startswith("root ")
    assert busy.entries("access") == [], "nothing was shown, so nothing was read"


@pytest.mark.parametrize(
    ("statement", "failed"),
    [
        ("UPDATE entries SET leaf = CAST(replace(leaf, '\"ts\":179', '\"ts\":178') AS BLOB) WHERE idx = 1", "tree"),
        ("DELETE FROM entries WHERE idx = 4", "tree"),
        ("UPDATE entries SET parts = (SELECT parts FROM entries WHERE idx = 3) WHERE idx = 1", "content"),
    ],
)
def test_tampering_is_told_line_by_line(lawgate: Shell, busy: World, statement: str, failed: str) -> None:
    busy.tamper(statement)
    done = lawgate("verify", "--config", busy.config)
    assert done.code == exits.FOUND
    assert failed in {line.split()[1] for line in done.out.splitlines() if line.startswith("FAILED")}


def test_a_rollback_is_told(lawgate: Shell, busy: World, tmp_path: Path) -> None:
    old = busy.copied(tmp_path / "old")
    busy.record(refused(3))
    busy.integrate()
    kept = shutil.copy(busy.place.paths.checkpoint, tmp_path / "kept")
    assert lawgate("verify", "--config", old.config).code == 0
    done = lawgate("verify", "--config", old.config, "--checkpoint", kept)
    assert done.code == exits.FOUND
    assert "6 entries were signed and 5 are there" in done.out
    old.place.paths.pinned.write_bytes(busy.place.paths.pinned.read_bytes())
    assert lawgate("verify", "--config", old.config).code == exits.FOUND


def test_programs_get_an_object(lawgate: Shell, busy: World) -> None:
    found = lawgate("verify", "--json", "--config", busy.config).object
    assert (found["ok"], found["entries"], found["signed"], found["not_checked"]) == (True, 5, 5, [])
    busy.tamper("DELETE FROM entries WHERE idx = 2")
    done = lawgate("verify", "--json", "--config", busy.config)
    assert (done.code, done.object["ok"]) == (exits.FOUND, False)


def test_a_copy_with_the_public_key_alone(lawgate: Shell, busy: World) -> None:
    paths = busy.place.paths
    done = lawgate("verify", "--evidence", paths.evidence, "--vkey", paths.vkey)
    assert done.code == 0
    assert "not checked: content" in done.err
    assert "not checked: pinned checkpoint" in done.err


def test_a_copy_with_its_keys(lawgate: Shell, busy: World) -> None:
    paths = busy.place.paths
    copy = ("verify", "--evidence", paths.evidence, "--keys", paths.keys)
    assert "content" in lawgate(*copy).err
    opened = lawgate(*copy, "--key-file", busy.place.kek_file)
    assert (opened.code, opened.err) == (0, "")
    assert "content" in opened.out


def test_exported_files(lawgate: Shell, busy: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lawgate("records", "proof", exchange_id(1), "--out", out, "--config", busy.config)
    given = ("verify", "--vkey", out / "log.vkey", "--checkpoint", out / "checkpoint")
    assert lawgate(*given).code == 0
    proof = ("--proof", out / "01-intent.tlog-proof", "--leaf", out / "01-intent.leaf.json")
    done = lawgate(*given, *proof)
    assert done.code == 0
    assert "the leaf is entry 1 of the 5" in done.out
    (out / "01-intent.leaf.json").write_bytes((out / "02-outcome.leaf.json").read_bytes())
    assert lawgate(*given, *proof).code == exits.FOUND
    assert lawgate(*given, *proof, "--json").object["ok"] is False


@pytest.mark.parametrize(
    "words",
    [
        ["--proof", "p", "--leaf", "l"],
        ["--proof", "p", "--vkey", "v"],
        ["--leaf", "l", "--vkey", "v"],
        ["--vkey", "v"],
        ["--vkey", "v", "--checkpoint", "a", "--checkpoint", "b"],
        ["--evidence", "e"],
        ["--evidence", "e", "--keys", "k", "--vkey", "v"],
        ["--evidence", "e", "--vkey", "v", "--key-file", "k"],
        ["--keys", "k"],
        ["--key-file", "k"],
    ],
)
def test_a_command_line_that_says_too_little_or_too_much(lawgate: Shell, words: list[str]) -> None:
    assert lawgate("verify", *words).code == exits.USAGE


def test_what_cannot_be_read_is_a_code_of_its_own(lawgate: Shell, busy: World, tmp_path: Path) -> None:
    paths = busy.place.paths
    unreadable: list[list[str | Path]] = [
        ["--config", tmp_path / "none.yaml"],
        ["--evidence", tmp_path / "none", "--vkey", paths.vkey],
        ["--evidence", paths.evidence, "--vkey", tmp_path / "none"],
        ["--vkey", paths.vkey, "--checkpoint", tmp_path / "none"],
    ]
    for words in unreadable:
        done = lawgate("verify", *words)
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("lawgate: ")
    busy.place.kek_file.write_bytes(b"{}")
    assert lawgate("verify", "--config", busy.config).code == 3
