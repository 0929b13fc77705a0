from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.proof import verify_proof
from lawgate.evidence.verify import Check
from lawgate.operations.errors import NotFoundError
from lawgate.operations.proving import Export, export_proofs, verify_exchange
from lawgate.operations.visit import Visit
from tests.unit.operations.world import ROOT, World, answered, exchange_id, refused, streamed


def checked(world: World, number: int) -> dict[str, Check]:
    async def work(visit: Visit) -> list[Check]:
        return verify_exchange(visit.reader, visit.paths, visit.reader.exchange(exchange_id(number)))

    return {check.name: check for check in world.visit(work)}


def failing(world: World, number: int) -> set[str]:
    return {name for name, check in checked(world, number).items() if not check.ok}


def exported(world: World, number: int, out: Path) -> Export:
    async def work(visit: Visit) -> Export:
        return await export_proofs(visit, ROOT, exchange_id(number), out)

    return world.visit(work)


@pytest.fixture
def busy(world: World) -> World:
    world.record(refused(0), answered(1), streamed(2), answered(3))
    world.integrate()
    return world


@pytest.mark.parametrize("number", range(4))
def test_an_untouched_exchange_passes_every_check(busy: World, number: int) -> None:
    assert failing(busy, number) == set()


def test_what_is_not_signed_yet_is_said(world: World) -> None:
    world.record(answered(1))
    check = checked(world, 1)["inclusion"]
    assert not check.ok
    assert "not under a signed checkpoint yet" in check.detail


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE entries SET leaf = replace(leaf, '\"ts\":179', '\"ts\":178') WHERE idx = 1",
            {"leaf", "chain", "inclusion"},
        ),
        ("UPDATE entries SET leaf = x'7b7d' WHERE idx = 1", {"leaf", "chain", "inclusion", "parts", "outcomes"}),
        ("UPDATE entries SET parts = x'90' WHERE idx = 1", {"parts"}),
        ("UPDATE entries SET parts = x'c1' WHERE idx = 1", {"parts", "content"}),
        ("UPDATE entries SET ts = ts + 1 WHERE idx = 1", {"leaf"}),
        ("DELETE FROM entries WHERE idx = 0", {"chain"}),
        ("DELETE FROM entries WHERE idx = 3", {"chain"}),
        ("DELETE FROM entries WHERE idx = 1", {"chain", "outcomes"}),
    ],
)
def test_tampering_with_an_exchange_or_its_neighbours_is_found(busy: World, statement: str, found: set[str]) -> None:
    busy.tamper(statement)
    assert failing(busy, 1) == found


def test_a_swapped_part_is_found(busy: World) -> None:
    """Another entry's sealed parts under this leaf."""
    busy.tamper("UPDATE entries SET parts = (SELECT parts FROM entries WHERE idx = 5) WHERE idx = 1")
    assert failing(busy, 1) == {"parts", "content"}


def test_exported_files_verify_with_the_public_key_alone(busy: World, tmp_path: Path) -> None:
    export = exported(busy, 2, tmp_path / "out")
    assert [each.kind for each in export.proofs] == ["intent", "outcome"]
    vkey = export.vkey.read_text(encoding="utf-8").strip()
    for each in export.proofs:
        held = verify_proof(each.proof.read_bytes(), each.leaf.read_bytes(), vkey)
        assert held.index == each.index
        assert each.proof.read_bytes().endswith(export.checkpoint.read_bytes())


def test_an_export_is_an_entry_and_waits_for_the_signature(world: World, tmp_path: Path) -> None:
    world.record(refused(1))
    exported(world, 1, tmp_path / "out")
    (meta,) = world.metas("access")
    assert (meta["action"], meta["exchange"], meta["entries"]) == ("proof", exchange_id(1), 1)


def test_an_export_overwrites_nothing(busy: World, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"")
    with pytest.raises(EvidenceError, match="not empty"):
        exported(busy, 1, tmp_path)
    assert (tmp_path / "mine").read_bytes() == b""


def test_an_exchange_that_is_not_there_is_said(busy: World, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        exported(busy, 9, tmp_path / "out")
