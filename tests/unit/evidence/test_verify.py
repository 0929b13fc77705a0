import json
from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lawgate.evidence.checkpoint import Checkpoint, encode_checkpoint, note_sign, vkey
from lawgate.evidence.leaf import GENESIS_PREV, Leaf, encode_leaf
from lawgate.evidence.merkle import EMPTY_ROOT, leaf_hash, root_of
from lawgate.evidence.parts import parts_root
from lawgate.evidence.tiles import grow
from lawgate.evidence.verify import Check, Report, verify_chain, verify_note, verify_parts, verify_tiles

ORIGIN = "gateway.example/evidence/1"


def identifier(number: int) -> str:
    return sha256(b"id %d" % number).hexdigest()[:32]


def leaf(number: int, kind: str = "intent", node: str = "gw-1", **extra: str | int) -> Leaf:
    return Leaf(kind, identifier(number), 1_760_000_000, node, 0, GENESIS_PREV, "c30e365", 1, bytes(32), extra)


def log(leaves: list[Leaf]) -> list[bytes]:
    """Number and chain the leaves per node, as nodes do."""
    heads: dict[str, tuple[int, bytes]] = {}
    entries = []
    for item in leaves:
        nseq, nprev = heads.get(item.node, (0, GENESIS_PREV))
        data = encode_leaf(replace(item, nseq=nseq, nprev=nprev))
        heads[item.node] = (nseq + 1, leaf_hash(data))
        entries.append(data)
    return entries


def head(entries: list[bytes], size: int | None = None) -> Checkpoint:
    size = len(entries) if size is None else size
    return Checkpoint(ORIGIN, size, root_of([leaf_hash(entry) for entry in entries[:size]]))


LEAVES = [
    leaf(0),
    leaf(1, "outcome", re=identifier(0)),
    leaf(2, node="gw-2"),
    leaf(3),
    leaf(4, "refusal"),
    leaf(5, "outcome", re=identifier(3)),
    leaf(6, "outcome", node="gw-2", re=identifier(2)),
    leaf(7),
]
ENTRIES = log(LEAVES)


def failed(report: Report) -> dict[str, int | None]:
    return {check.name: check.first_bad for check in report.checks if not check.ok}


def named(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def test_a_good_log_passes_every_check() -> None:
    report = verify_chain(ENTRIES, [head(ENTRIES)])
    assert report.ok
    assert [check.name for check in report.checks] == [
        "canonical", "leaf", "sequence", "chain", "ids", "outcomes", "tree",
    ]  # fmt: skip
    assert {check.name: check.checked for check in report.checks} == {
        "canonical": 8, "leaf": 8, "sequence": 8, "chain": 8, "ids": 8, "outcomes": 3, "tree": 1,
    }  # fmt: skip
    assert (report.entries, report.signed_size, report.open_intents) == (8, 8, 1)
    assert report.root == head(ENTRIES).root


def test_an_empty_log_passes() -> None:
    report = verify_chain([], [Checkpoint(ORIGIN, 0, EMPTY_ROOT)])
    assert (report.ok, report.entries, report.root) == (True, 0, EMPTY_ROOT)
    assert not verify_chain([], [Checkpoint(ORIGIN, 0, bytes(32))]).ok


def test_older_heads_are_compared_at_their_size() -> None:
    report = verify_chain(ENTRIES, [head(ENTRIES, 3), head(ENTRIES, 7)])
    assert (report.ok, report.signed_size) == (True, 7)
    forked = replace(head(ENTRIES, 3), root=bytes(32))
    report = verify_chain(ENTRIES, [forked, head(ENTRIES, 7)])
    assert (report.ok, report.signed_size) == (False, 7)


def test_two_heads_of_one_size_are_both_compared() -> None:
    report = verify_chain(ENTRIES, [head(ENTRIES), replace(head(ENTRIES), root=bytes(32))])
    assert [check.ok for check in report.checks if check.name == "tree"] == [True, False]


def test_nothing_is_vouched_for_without_a_checkpoint() -> None:
    report = verify_chain(ENTRIES)
    assert (report.ok, report.signed_size) == (True, 0)
    assert "tree" not in {check.name for check in report.checks}


def test_a_changed_entry_shows_in_the_chain_and_in_the_tree() -> None:
    changed = [*ENTRIES]
    changed[3] = ENTRIES[3].replace(b"1760000000", b"1760000001")
    report = verify_chain(changed, [head(ENTRIES)])
    assert failed(report) == {"chain": 4, "tree": None}
    assert "another root" in named(report, "tree").detail


def test_every_flipped_byte_fails_the_tree() -> None:
    for at in range(0, len(ENTRIES[2]), 7):
        data = bytearray(ENTRIES[2])
        data[at] ^= 1
        report = verify_chain([*ENTRIES[:2], bytes(data), *ENTRIES[3:]], [head(ENTRIES)])
        assert not named(report, "tree").ok


def test_a_removed_entry_shows() -> None:
    report = verify_chain(ENTRIES[:4] + ENTRIES[5:], [head(ENTRIES)])
    assert failed(report) == {"sequence": 4, "chain": 4, "tree": None}
    assert named(report, "sequence").failed == 1


def test_a_removed_tail_shows_only_against_a_checkpoint() -> None:
    assert verify_chain(ENTRIES[:-2]).ok
    report = verify_chain(ENTRIES[:-2], [head(ENTRIES)])
    assert failed(report) == {"tree": None}
    assert "the end of the log is missing" in named(report, "tree").detail


def test_swapped_entries_of_one_node_show() -> None:
    swapped = [ENTRIES[0], ENTRIES[3], ENTRIES[2], ENTRIES[1], *ENTRIES[4:]]
    assert {"sequence", "chain"} <= failed(verify_chain(swapped)).keys()


def test_swapped_entries_of_two_nodes_show_in_the_tree() -> None:
    swapped = [ENTRIES[0], ENTRIES[2], ENTRIES[1], *ENTRIES[3:]]
    assert failed(verify_chain(swapped, [head(ENTRIES)])) == {"tree": None}


def test_a_node_must_start_at_the_beginning() -> None:
    late = encode_leaf(replace(leaf(9, node="gw-3"), nseq=5, nprev=b"\x01" * 32))
    assert failed(verify_chain([*ENTRIES, late])) == {"sequence": 8, "chain": 8}


def test_bytes_that_are_no_leaf_are_named_and_still_hashed() -> None:
    spoiled = [*ENTRIES]
    spoiled[4] = b"\xff\x00 not a leaf"
    spoiled[6] = json.dumps(json.loads(ENTRIES[6])).encode()
    report = verify_chain(spoiled, [head(spoiled)])
    assert named(report, "tree").ok
    assert (named(report, "canonical").failed, named(report, "canonical").first_bad) == (2, 4)
    assert named(report, "leaf").checked == 6


def test_a_leaf_of_another_version_is_named() -> None:
    spoiled = [*ENTRIES[:7], ENTRIES[7].replace(b'"v":1', b'"v":2')]
    assert failed(verify_chain(spoiled)) == {"leaf": 7}


def test_a_leaf_too_long_for_a_bundle_is_named() -> None:
    long = ENTRIES[7][:-1] + b',"x":"' + b"x" * (65536 - len(ENTRIES[7]) - 7) + b'"}'
    assert len(long) == 65536
    assert failed(verify_chain([*ENTRIES[:7], long])) == {"leaf": 7}


def test_an_id_that_occurs_twice_is_named() -> None:
    report = verify_chain(log([leaf(0), leaf(1), leaf(0)]))
    assert failed(report) == {"ids": 2}


def test_outcomes_need_their_own_intent() -> None:
    for bad, first in (
        ([leaf(0), leaf(1, "outcome")], 1),
        ([leaf(0), leaf(1, "outcome", re=7)], 1),
        ([leaf(0), leaf(1, "outcome", re="g" * 32)], 1),
        ([leaf(0), leaf(1, "outcome", re=identifier(8))], 1),
        ([leaf(0, "refusal"), leaf(1, "outcome", re=identifier(0))], 1),
        ([leaf(0), leaf(1, "outcome", re=identifier(0)), leaf(2, "outcome", re=identifier(0))], 2),
        ([leaf(1, "outcome", re=identifier(0)), leaf(0)], 0),
    ):
        assert failed(verify_chain(log(bad))) == {"outcomes": first}


def test_another_nodes_outcome_may_come_first() -> None:
    # A peer closed the intent after its node's lease ran out; the integrator may index either first.
    leaves = [leaf(1, "outcome", node="gw-2", re=identifier(0)), leaf(0)]
    report = verify_chain(log(leaves))
    assert (report.ok, report.open_intents) == (True, 0)


def test_the_first_failure_does_not_stop_the_rest() -> None:
    spoiled = [b"", *ENTRIES[1:6], ENTRIES[5], b"\xff", *ENTRIES[6:]]
    report = verify_chain(spoiled, [head(ENTRIES)])
    assert failed(report).keys() == {"canonical", "sequence", "chain", "ids", "outcomes", "tree"}
    assert report.entries == len(spoiled)


# --- the other checks


def test_a_signature_gives_a_checkpoint() -> None:
    seed = bytes(32)
    key = vkey(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    note = note_sign(encode_checkpoint(head(ENTRIES)), ORIGIN, seed)
    check, checkpoint = verify_note(note, key)
    assert (check.ok, checkpoint) == (True, head(ENTRIES))
    check, checkpoint = verify_note(note.replace(b"\n8\n", b"\n7\n"), key)
    assert (check.ok, checkpoint) == (False, None)
    assert "does not verify" in check.detail
    report = verify_chain(ENTRIES).with_checks(check)
    assert not report.ok
    assert report.checks[-1] is check


def test_commitments_are_compared_with_their_leaf() -> None:
    commitments = [bytes([number]) * 32 for number in range(3)]
    data = encode_leaf(replace(leaf(0), parts_count=3, parts_root=parts_root(commitments)))
    assert verify_parts([(data, commitments)]).ok
    bad = [(data, commitments), (data, commitments[:2]), (data, commitments[::-1]), (b"junk", commitments)]
    check = verify_parts(bad)
    assert (check.ok, check.checked, check.failed, check.first_bad) == (False, 4, 3, 1)


def test_tiles_are_compared_with_the_entries() -> None:
    hashes = [leaf_hash(b"%d" % number) for number in range(600)]
    files = dict(grow(0, (), hashes).tiles)
    assert verify_tiles(hashes, files.get).ok
    assert verify_tiles([], lambda _path: None).ok
    for path in files:
        flipped = {**files, path: files[path][:-1] + bytes([files[path][-1] ^ 1])}
        missing = {name: content for name, content in files.items() if name != path}
        for changed in (flipped, missing):
            check = verify_tiles(hashes, changed.get)
            assert not check.ok, path
            assert check.detail
