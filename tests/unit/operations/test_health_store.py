import os
from pathlib import Path

import pytest

from lawgate.operations.finding import Finding, Health
from lawgate.operations.health_store import disk_findings, filesystem_of, store_findings, sync_finding
from tests.unit.operations.world import NOW, World, answered, refused


def found(world: World, now: float = NOW) -> dict[str, Finding]:
    """The worst finding of each name."""
    order = list(Health)
    worst: dict[str, Finding] = {}
    for finding in store_findings(world.place, now):
        if finding.name not in worst or order.index(finding.health) > order.index(worst[finding.name].health):
            worst[finding.name] = finding
    return worst


def bad(world: World, now: float = NOW) -> set[str]:
    return {name for name, finding in found(world, now).items() if finding.health in {"failed", "warning"}} - VOLATILE


VOLATILE = {"evidence disk", "keys disk", "evidence sync", "keys sync"}
"""What depends on the machine that runs the tests."""


def test_a_fresh_store_is_well(world: World) -> None:
    assert bad(world) == set()
    assert set(found(world)) >= {"key file", "user", "keys", "store", "clock", "integrator", "checkpoint"}


def test_a_key_file_that_others_can_read_is_a_failure_with_its_mend(world: World) -> None:
    world.place.kek_file.chmod(0o644)
    assert found(world)["key file"].health == "failed"
    assert "chmod 600" in found(world)["key file"].found


def test_a_lost_key_file_or_database_is_a_failure(world: World) -> None:
    world.place.kek_file.unlink()
    assert bad(world) == {"key file", "store"}


def test_a_missing_store_is_a_failure_and_never_an_exception(world: World) -> None:
    for path in sorted(world.place.paths.evidence.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    world.place.paths.evidence.rmdir()
    assert bad(world) == {"user"}
    assert found(world)["evidence disk"].health == "failed"
    assert found(world)["store"].health == "skipped"


def test_a_clock_behind_the_log_is_a_failure(world: World) -> None:
    world.record(refused(1))
    world.integrate()
    assert found(world, NOW - 60)["clock"].health == "failed"
    assert found(world, NOW + 60)["clock"].health == "ok"


def test_entries_that_nobody_integrates_are_a_warning(world: World) -> None:
    world.record(answered(1))
    assert found(world, NOW + 1)["integrator"].health == "ok"
    late = found(world, NOW + 60)["integrator"]
    assert (late.health, late.mend) == ("warning", "start the gateway, or read its log if it runs")
    world.integrate()
    assert found(world, NOW + 60)["integrator"].health == "ok"


def test_a_checkpoint_that_is_missing_changed_or_behind_is_told(world: World) -> None:
    path = world.place.paths.checkpoint
    empty = path.read_bytes()
    world.record(refused(1))
    world.integrate()
    path.write_bytes(empty)
    os.utime(path, (NOW - 60, NOW - 60))
    assert found(world)["checkpoint"].health == "warning"
    path.write_bytes(b"nothing signed")
    assert found(world)["checkpoint"].health == "failed"
    path.unlink()
    assert found(world)["checkpoint"].health == "failed"


def test_another_user_is_told_and_nothing_is_opened(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("not on this platform: only the superuser can give a directory away")
    os.chown(world.place.paths.evidence, 12345, -1)
    findings = found(world)
    assert findings["user"].health == "failed"
    assert "#12345" in findings["user"].found
    assert findings["store"].health == "skipped"


def test_a_directory_is_left_as_it_was(tmp_path: Path) -> None:
    assert next(finding.name for finding in disk_findings("evidence", tmp_path)) == "evidence disk"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert sync_finding("evidence sync", path).health == "failed"
    assert next(disk_findings("evidence", path)).health == "failed"


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\nshort\n", encoding="utf-8")
    assert filesystem_of(tmp_path / "evidence", mounts) == "tmpfs"
    assert filesystem_of(Path("/"), mounts) == "ext4"
    assert filesystem_of(tmp_path, tmp_path / "none") is None
