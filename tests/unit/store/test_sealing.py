import pytest

from lawgate.evidence.parts import PartError
from lawgate.ports import PartDraft
from lawgate.store.group import PartRow
from lawgate.store.keys import HeldKey
from lawgate.store.pool import BucketPair
from lawgate.store.sealing import PART_RANDOM_B, ExchangeKeys, KeyPair, open_part, part_context, seal_parts

ENTRY = "ab" * 16
OWNER, CONTENT, EVIDENCE = HeldKey(1, b"o" * 32), HeldKey(2, b"c" * 32), HeldKey(3, b"e" * 32)
DRAFTS = (PartDraft("meta", b"who"), PartDraft("request", b"what", content=True))
RANDOM = bytes(range(PART_RANDOM_B * 2))


def sealed() -> list[PartRow]:
    return seal_parts(ENTRY, DRAFTS, ExchangeKeys(OWNER, 0), BucketPair(CONTENT, EVIDENCE), RANDOM)


def test_parts_open_under_their_two_keys() -> None:
    meta, request = sealed()
    assert (meta.bucket, request.bucket, meta.owner) == (3, 2, 1)
    assert open_part(ENTRY, 0, meta, KeyPair(OWNER.key, EVIDENCE.key))[0] == b"who"
    assert open_part(ENTRY, 1, request, KeyPair(OWNER.key, CONTENT.key))[0] == b"what"


@pytest.mark.parametrize(
    ("entry", "number", "keys"),
    [
        ("cd" * 16, 0, KeyPair(OWNER.key, EVIDENCE.key)),
        (ENTRY, 1, KeyPair(OWNER.key, EVIDENCE.key)),
        (ENTRY, 0, KeyPair(OWNER.key, CONTENT.key)),
        (ENTRY, 0, KeyPair(CONTENT.key, EVIDENCE.key)),
        (ENTRY, 0, KeyPair(EVIDENCE.key, OWNER.key)),
    ],
)
def test_a_part_opens_nowhere_else_and_under_no_other_keys(entry: str, number: int, keys: KeyPair) -> None:
    with pytest.raises(PartError):
        open_part(entry, number, sealed()[0], keys)


def test_no_random_byte_is_used_twice() -> None:
    first, second = sealed()
    assert first.wrap[:12] == RANDOM[44:56]
    assert second.wrap[:12] == RANDOM[100:112]
    assert first.ciphertext[:12] == RANDOM[32:44]
    assert second.ciphertext[:12] == RANDOM[88:100]


def test_the_context_names_place_and_keys() -> None:
    assert part_context("e", 1, 2, 3) == b"e/1/2/3"
