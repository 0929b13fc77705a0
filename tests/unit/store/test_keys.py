import itertools
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.kms.key_file import KeyFile
from lawgate.store.buckets import CONTENT, bucket_for
from lawgate.store.keys import HeldKey, KeyDatabase
from lawgate.store.opening import open_keys
from tests.store_world import World


def test_minted_keys_are_durable_distinct_and_open_again(world: World) -> None:
    with world.keys() as keys:
        minted = keys.mint("gw-1", "run", 300) + keys.mint("gw-2", "run", 3)
    assert len({key.id for key in minted}) == len({key.key for key in minted}) == 303
    with world.keys() as keys:
        assert all(keys.owner_key(key.id) == key.key for key in minted)


def test_key_ids_are_never_given_twice(world: World) -> None:
    with world.keys() as keys:
        first = keys.mint("gw-1", "run", 5)
        keys.destroy_owners([key.id for key in first])
        again = keys.mint("gw-1", "run", 5)
    assert {key.id for key in first}.isdisjoint(key.id for key in again)


def test_a_bucket_has_one_key_whoever_asks_first(world: World) -> None:
    bucket = bucket_for(CONTENT, 30, 20_000)
    with world.keys() as one, world.keys() as two:
        assert one.bucket(bucket) == two.bucket(bucket)
        assert one.bucket(bucket_for(CONTENT, 31, 20_000)) != one.bucket(bucket)
        assert one.bucket_key(one.bucket(bucket).id) == one.bucket(bucket).key


def test_the_index_key_stays_the_same(world: World) -> None:
    with world.keys() as one:
        first = one.index_key
    with world.keys() as two:
        assert two.index_key == first
    assert len(first) == 32


def test_another_key_encryption_key_is_refused_at_once(world: World) -> None:
    with pytest.raises(EvidenceError, match="put the right one back"):
        open_keys(world.paths, KeyFile("kek-other", bytes(32)))
    with pytest.raises(EvidenceError, match="does not open"):
        open_keys(world.paths, KeyFile("kek-test", bytes(32)))


def test_rows_cannot_be_swapped(world: World) -> None:
    with world.keys() as keys:
        one, two = keys.mint("gw-1", "run", 2)
    swap = "UPDATE owner_keys SET wrapped = (SELECT wrapped FROM owner_keys WHERE id = {}) WHERE id = {}"
    world.tamper(world.paths.key_database, swap.format(one.id, two.id))
    with world.keys() as keys:
        assert keys.owner_key(one.id) == one.key
        with pytest.raises(EvidenceError, match="was altered"):
            keys.owner_key(two.id)


def raw_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_destroyed_key_leaves_no_copy_on_disk(world: World) -> None:
    with world.keys() as keys:
        minted = keys.mint("gw-1", "run", 64)
    with world.keys() as keys:
        sql = "SELECT wrapped FROM owner_keys WHERE id = ?"
        wrapped = {key.id: keys._db.execute(sql, (key.id,)).fetchone()[0] for key in minted}
        doomed = [key.id for key in minted[::2]]
        keys.destroy_owners(doomed)
        assert keys.truncate_wal()
        assert all(keys.owner_key(key_id) is None for key_id in doomed)
    data = raw_files(world.paths.keys)
    assert [key_id for key_id in doomed if wrapped[key_id][:40] in data] == []
    assert all(wrapped[key.id] in data for key in minted[1::2])


def test_keys_never_lie_in_clear(world: World) -> None:
    with world.keys() as keys:
        minted = keys.mint("gw-1", "run", 64)
        secrets = [key.key for key in minted] + [keys.index_key, keys.bucket(bucket_for(CONTENT, 30, 20_000)).key]
    data = raw_files(world.paths.keys)
    assert [secret for secret in secrets if secret in data] == []


def test_a_sweep_spares_what_is_used(world: World) -> None:
    with world.keys() as keys:
        minted = keys.mint("gw-1", "earlier", 10)
        keys.mint("gw-1", "now", 10)
        keys.mint("gw-2", "earlier", 10)
        (batch,) = keys.unswept("gw-1", "now")
        assert batch == (minted[0].id, minted[-1].id)
        assert keys.sweep(*batch, {minted[3].id}) == 9
        assert keys.owner_key(minted[3].id) == minted[3].key
        assert keys.owner_key(minted[4].id) is None
        assert keys.unswept("gw-1", "now") == []


def test_a_key_database_that_others_can_read_is_refused(world: World) -> None:
    world.paths.key_database.chmod(0o644)
    with pytest.raises(EvidenceError, match="chmod 600"):
        open_keys(world.paths, world.kek)


def test_a_held_key_does_not_show_itself() -> None:
    assert repr(HeldKey(7, b"k" * 32)) == "HeldKey(7)"


def test_a_broken_database_is_reported_with_its_path(world: World) -> None:
    with world.keys() as keys:
        keys._db.execute("DROP TABLE owner_keys")
        for attempt in (lambda: keys.owner_key(1), lambda: keys.mint("gw-1", "run", 1)):
            with pytest.raises(EvidenceError, match=r"keys\.db"):
                attempt()


def test_unrelated_databases_do_not_share_keys(world: World, tmp_path: Path) -> None:
    from tests.store_world import make_world

    other = make_world(tmp_path / "other")
    with world.keys() as one, other.keys() as two:
        pairs = itertools.product(one.mint("gw-1", "r", 4), two.mint("gw-1", "r", 4))
        assert all(a.key != b.key for a, b in pairs)
        assert isinstance(two, KeyDatabase)
