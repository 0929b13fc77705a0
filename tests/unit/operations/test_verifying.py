import shutil
from pathlib import Path

import pytest

from lawgate.evidence.verify import Check
from lawgate.operations.errors import UnreadableError
from lawgate.operations.proving import Export, export_proofs
from lawgate.operations.verifying import Exported, Verification, verify_copy, verify_files, verify_place
from lawgate.operations.visit import Visit
from tests.unit.operations.world import ROOT, World, answered, exchange_id, refused, streamed


@pytest.fixture
def busy(world: World) -> World:
    world.record(refused(0), answered(1), streamed(2))
    world.integrate()
    return world


def failing(verification: Verification) -> set[str]:
    return {check.name for check in verification.report.checks if not check.ok}


def test_an_untouched_store_passes_content_included(busy: World) -> None:
    found = verify_place(busy.place)
    assert found.report.ok
    assert (found.report.entries, found.report.signed_size, found.left_out) == (5, 5, ())
    assert "content" in {check.name for check in found.report.checks}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE entries SET leaf = replace(leaf, '\"ts\":179', '\"ts\":178') WHERE idx = 1",
            {"tree", "chain", "columns"},
        ),
        ("DELETE FROM entries WHERE idx = 2", {"tree", "sequence", "indexes"}),
        ("DELETE FROM entries WHERE idx = 4", {"tree"}),
        ("UPDATE entries SET parts = (SELECT parts FROM entries WHERE idx = 3) WHERE idx = 1", {"parts", "content"}),
        ("UPDATE frames SET ciphertext = zeroblob(length(ciphertext))", {"content"}),
    ],
)
def test_tampering_is_found(busy: World, statement: str, expected: set[str]) -> None:
    busy.tamper(statement)
    assert failing(verify_place(busy.place)) >= expected


def test_one_flipped_bit_of_a_sealed_part_is_found(busy: World) -> None:
    busy.tamper("UPDATE entries SET parts = substr(parts, 1, 99) || x'00' || substr(parts, 101) WHERE idx = 1")
    assert failing(verify_place(busy.place)) & {"content", "parts"}


def test_a_rollback_to_an_older_copy_shows_against_the_pin(busy: World, tmp_path: Path) -> None:
    old = busy.copied(tmp_path / "old")
    busy.record(refused(3))
    busy.integrate()
    shutil.rmtree(busy.place.paths.evidence)
    shutil.copytree(old.place.paths.evidence, busy.place.paths.evidence)
    found = verify_place(busy.place)
    assert failing(found) == {"tree"}
    assert any("6 entries were signed and 5 are there" in check.detail for check in found.report.checks)


def test_a_rollback_of_both_shows_against_a_checkpoint_kept_elsewhere(busy: World, tmp_path: Path) -> None:
    old = busy.copied(tmp_path / "old")
    busy.record(refused(3))
    busy.integrate()
    kept = busy.place.paths.checkpoint.read_bytes()
    assert verify_place(old.place).report.ok
    assert failing(verify_place(old.place, [kept])) == {"tree"}


def test_a_copy_is_verified_without_any_key(busy: World, tmp_path: Path) -> None:
    paths = busy.place.paths
    public = tmp_path / "public"
    public.mkdir()
    for path in (paths.vkey, paths.pinned):
        shutil.copy(path, public)
    found = verify_copy(paths.evidence, keys=public, key_file=None, vkey=None)
    assert found.report.ok
    assert ["content" in line for line in found.left_out] == [True]


def test_a_copy_is_verified_with_the_public_key_alone_and_says_what_that_leaves_open(busy: World) -> None:
    paths = busy.place.paths
    found = verify_copy(paths.evidence, keys=None, key_file=None, vkey=paths.vkey)
    assert found.report.ok
    assert any("rollback" in line for line in found.left_out)
    busy.tamper("DELETE FROM entries WHERE idx = 4")
    assert failing(verify_copy(paths.evidence, keys=None, key_file=None, vkey=paths.vkey)) >= {"tree"}


def test_a_copy_with_its_key_file_is_opened(busy: World) -> None:
    paths = busy.place.paths
    found = verify_copy(paths.evidence, keys=paths.keys, key_file=busy.place.kek_file, vkey=None)
    assert (found.report.ok, found.left_out) == (True, ())


def test_another_logs_key_fails(busy: World, tmp_path: Path) -> None:
    other = made(tmp_path)
    found = verify_copy(busy.place.paths.evidence, keys=None, key_file=None, vkey=other.place.paths.vkey)
    assert "signature" in failing(found)


def made(folder: Path) -> World:
    from tests.unit.operations.world import made_world

    return made_world(folder / "other")


def test_what_cannot_be_read_is_not_verified(busy: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        verify_copy(tmp_path / "none", keys=None, key_file=None, vkey=busy.place.paths.vkey)
    busy.place.kek_file.unlink()
    with pytest.raises(UnreadableError, match="key file"):
        verify_place(busy.place)


# --- exported files


@pytest.fixture
def export(busy: World, tmp_path: Path) -> Export:
    async def work(visit: Visit) -> Export:
        return await export_proofs(visit, ROOT, exchange_id(1), tmp_path / "out")

    return busy.visit(work)


def bad(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.ok}


def files(export: Export, number: int = 0) -> Exported:
    each = export.proofs[number]
    return Exported(export.vkey, export.checkpoint, each.proof, each.leaf)


def test_exported_files_hold(export: Export) -> None:
    for number in range(2):
        checks = verify_files(files(export, number))
        assert [check.name for check in checks] == ["signature", "leaf", "inclusion", "checkpoint"]
        assert bad(checks) == set()


def test_a_changed_leaf_fails(export: Export) -> None:
    leaf = export.proofs[0].leaf
    leaf.write_bytes(leaf.read_bytes().replace(b'"ts":179', b'"ts":178'))
    assert bad(verify_files(files(export))) == {"inclusion"}


def test_another_entrys_proof_fails(export: Export) -> None:
    mixed = Exported(export.vkey, None, export.proofs[0].proof, export.proofs[1].leaf)
    assert bad(verify_files(mixed)) == {"inclusion"}


def test_a_changed_checkpoint_fails(export: Export) -> None:
    note = export.checkpoint.read_bytes()
    export.checkpoint.write_bytes(note.replace(b"\n5\n", b"\n6\n", 1))
    assert export.checkpoint.read_bytes() != note
    assert bad(verify_files(files(export))) == {"signature", "checkpoint"}


def test_an_older_checkpoint_is_another_one(busy: World, export: Export) -> None:
    busy.integrate()
    export.checkpoint.write_bytes(busy.place.paths.checkpoint.read_bytes())
    assert bad(verify_files(files(export))) == {"checkpoint"}


def test_another_logs_key_fails_all_that_is_signed(export: Export, tmp_path: Path) -> None:
    other = made(tmp_path).place.paths.vkey
    mixed = Exported(other, export.checkpoint, export.proofs[0].proof, export.proofs[0].leaf)
    assert bad(verify_files(mixed)) == {"signature", "inclusion"}


@pytest.mark.parametrize("name", ["checkpoint", "proof", "leaf", "vkey"])
def test_garbage_fails_and_raises_nothing(export: Export, name: str, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(bytes(range(256)) * 4)
    given = files(export)
    parts = {field: getattr(given, field) for field in ("vkey", "checkpoint", "proof", "leaf")}
    assert bad(verify_files(Exported(**(parts | {name: garbage}))))


def test_a_file_that_is_not_there_cannot_be_read(export: Export, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot be read"):
        verify_files(Exported(export.vkey, tmp_path / "none"))
