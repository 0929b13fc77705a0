from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import EMPTY_ROOT, ProofError
from lawgate.evidence.parts import (
    WRAPPED_SIZE,
    FramesDigest,
    PartError,
    SealedPart,
    commitment,
    commitment_of,
    commitment_salt,
    open_frame,
    open_sealed,
    open_series,
    part_proof,
    parts_root,
    seal,
    seal_frame,
    unwrap,
    unwrap_with,
    verify_part,
    wrap,
    wrap_with,
    wrapping_key,
)

SECRET = sha256(b"secret").digest()
OTHER = sha256(b"other").digest()
NONCE = bytes(range(12))
ENTRY = "00112233445566778899aabbccddeeff"
TEXT = b'{"purpose":"support"}'


def sealed(plaintext: bytes = TEXT, number: int = 0) -> SealedPart:
    return seal(entry=ENTRY, number=number, label="meta", plaintext=plaintext, secret=SECRET, nonce=NONCE)


# --- keys and commitments


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, SECRET, OTHER])
def test_the_salt_is_hkdf_expand(secret: bytes) -> None:
    assert commitment_salt(secret) == HKDFExpand(hashes.SHA256(), 32, b"lawgate/v1/commit").derive(secret)


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, SECRET, OTHER])
def test_the_encryption_key_is_hkdf_expand(secret: bytes) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from lawgate.evidence.envelope import unpack

    part = seal(entry=ENTRY, number=7, label="meta", plaintext=TEXT, secret=secret, nonce=NONCE)
    key = HKDFExpand(hashes.SHA256(), 32, b"lawgate/v1/enc").derive(secret)
    place = b"lawgate/seal/v1\x00" + ENTRY.encode() + b"\x00\x00\x00\x00\x07"
    assert part.ciphertext[:12] == NONCE
    assert unpack(AESGCM(key).decrypt(NONCE, part.ciphertext[12:], place)) == TEXT


def test_the_wrapping_key_is_hkdf() -> None:
    expected = HKDF(hashes.SHA256(), 32, salt=None, info=b"lawgate/v1/wrap").derive(SECRET + OTHER)
    assert wrapping_key(SECRET, OTHER) == expected
    assert wrapping_key(OTHER, SECRET) != expected


def test_the_commitment_is_as_written_in_the_specification() -> None:
    salt, digest = commitment_salt(SECRET), sha256(TEXT).digest()
    expected = sha256(b"lawgate/part/v1\x00meta\x00" + salt + digest).digest()
    assert commitment(SECRET, "meta", digest) == commitment_of(salt, "meta", digest) == expected == sealed().commitment


def test_the_commitment_binds_secret_label_and_plaintext() -> None:
    digest = sha256(TEXT).digest()
    seen = {
        commitment(SECRET, "meta", digest),
        commitment(OTHER, "meta", digest),
        commitment(SECRET, "meta2", digest),
        commitment(SECRET, "meta", sha256(b"").digest()),
    }
    assert len(seen) == 4


@pytest.mark.parametrize("label", ["", "Meta", "a b", "a\x00b", "\u00e9", "a\n", "/a", "x" * 65])
def test_a_label_is_short_plain_ascii(label: str) -> None:
    with pytest.raises(PartError):
        commitment(SECRET, label, bytes(32))


@pytest.mark.parametrize(("secret", "digest"), [(b"", bytes(32)), (bytes(31), bytes(32)), (bytes(32), bytes(20))])
def test_lengths_are_checked_before_committing(secret: bytes, digest: bytes) -> None:
    with pytest.raises(PartError):
        commitment(secret, "meta", digest)


# --- sealing


@pytest.mark.parametrize("plaintext", [b"", TEXT, b"x" * 5000])
def test_a_part_opens_where_it_was_sealed(plaintext: bytes) -> None:
    part = sealed(plaintext)
    assert part.label == "meta"
    assert open_sealed(entry=ENTRY, number=0, ciphertext=part.ciphertext, secret=SECRET) == plaintext
    assert plaintext == b"" or plaintext not in part.ciphertext


@pytest.mark.parametrize(
    ("entry", "number", "secret"),
    [(ENTRY[::-1], 0, SECRET), (ENTRY, 1, SECRET), (ENTRY, 0, OTHER), (ENTRY, 0, b"short")],
)
def test_a_part_opens_nowhere_else(entry: str, number: int, secret: bytes) -> None:
    with pytest.raises(PartError):
        open_sealed(entry=entry, number=number, ciphertext=sealed().ciphertext, secret=secret)


def test_a_changed_or_cut_ciphertext_does_not_open() -> None:
    whole = sealed().ciphertext
    damaged = [whole[:cut] for cut in (0, 1, 11, 12, 13, 27, 28, len(whole) - 1)] + [whole + b"\x00"]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 12, 100, len(whole) - 1)]
    for ciphertext in damaged:
        with pytest.raises(PartError):
            open_sealed(entry=ENTRY, number=0, ciphertext=ciphertext, secret=SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": b""},
        {"nonce": bytes(11)},
        {"nonce": bytes(16)},
        {"secret": bytes(16)},
        {"secret": bytes(33)},
        {"number": -1},
        {"number": 2**32},
        {"entry": ""},
        {"entry": "\u00e9"},
        {"label": ""},
    ],
)
def test_sealing_checks_what_it_is_given(change: dict[str, object]) -> None:
    given = {"entry": ENTRY, "number": 0, "label": "meta", "plaintext": TEXT, "secret": SECRET, "nonce": NONCE}
    with pytest.raises(PartError):
        seal(**{**given, **change})  # type: ignore[arg-type]


def test_nothing_of_a_part_shows_in_an_error() -> None:
    with pytest.raises(PartError) as caught:
        open_sealed(entry=ENTRY, number=0, ciphertext=sealed().ciphertext, secret=OTHER)
    assert OTHER.hex() not in str(caught.value)
    assert ENTRY not in str(caught.value)


# --- frames


def frames(count: int, *, final: bool = True) -> list[bytes]:
    return [
        seal_frame(
            series="s1",
            number=number,
            final=final and number == count - 1,
            plaintext=b"window %d\n" % number,
            secret=SECRET,
            nonce=number.to_bytes(12, "big"),
        )
        for number in range(count)
    ]


def test_a_series_opens_whole_and_says_whether_it_ended() -> None:
    whole = open_series(series="s1", frames=frames(3), secret=SECRET)
    assert (whole.plaintext, whole.complete) == (b"window 0\nwindow 1\nwindow 2\n", True)
    cut = open_series(series="s1", frames=frames(3, final=False), secret=SECRET)
    assert (cut.plaintext, cut.complete) == (whole.plaintext, False)
    assert open_series(series="s1", frames=[], secret=SECRET).complete is False


def test_losing_the_last_frames_shows() -> None:
    assert open_series(series="s1", frames=frames(3)[:2], secret=SECRET).complete is False


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2), (1, 2), (0, 0, 1, 2), (0, 1, 2, 2), (2,), (2, 0)], ids=repr)
def test_frames_cannot_be_moved_dropped_or_repeated(order: tuple[int, ...]) -> None:
    whole = frames(3)
    with pytest.raises(PartError):
        open_series(series="s1", frames=[whole[number] for number in order], secret=SECRET)


@pytest.mark.parametrize(
    ("series", "number", "final", "secret"),
    [("s2", 0, False, SECRET), ("s1", 1, False, SECRET), ("s1", 0, True, SECRET), ("s1", 0, False, OTHER)],
)
def test_a_frame_opens_only_in_its_place(*, series: str, number: int, final: bool, secret: bytes) -> None:
    first = frames(3)[0]
    assert open_frame(series="s1", number=0, final=False, ciphertext=first, secret=SECRET) == b"window 0\n"
    with pytest.raises(PartError):
        open_frame(series=series, number=number, final=final, ciphertext=first, secret=secret)


def test_a_frame_is_no_part_and_a_part_no_frame() -> None:
    with pytest.raises(PartError):
        open_sealed(entry="s1", number=0, ciphertext=frames(2)[0], secret=SECRET)
    with pytest.raises(PartError):
        open_frame(series=ENTRY, number=0, final=False, ciphertext=sealed().ciphertext, secret=SECRET)


def test_the_digest_of_frames_is_that_of_their_plaintexts_joined() -> None:
    digest = FramesDigest()
    assert digest.sha256() == sha256(b"").digest()
    for number in range(3):
        digest.update(b"window %d\n" % number)
    assert digest.count == 3
    opened = open_series(series="s1", frames=frames(3), secret=SECRET)
    assert digest.sha256() == digest.sha256() == sha256(opened.plaintext).digest()


# --- wrapping


def test_a_secret_needs_both_keys_and_its_context() -> None:
    given = {"owner_key": b"\x01" * 32, "bucket_key": b"\x02" * 32, "context": b"e|0|7|9"}
    wrapped = wrap(secret=SECRET, nonce=NONCE, **given)
    assert len(wrapped) == WRAPPED_SIZE
    assert unwrap(wrapped=wrapped, **given) == SECRET
    assert unwrap_with(wrapping_key(b"\x01" * 32, b"\x02" * 32), wrapped=wrapped, context=b"e|0|7|9") == SECRET
    for change in ({"owner_key": b"\x03" * 32}, {"bucket_key": b"\x03" * 32}, {"context": b"e|1|7|9"}):
        with pytest.raises(PartError):
            unwrap(wrapped=wrapped, **{**given, **change})


@pytest.mark.parametrize("wrapped", [b"", bytes(12), bytes(WRAPPED_SIZE), bytes(WRAPPED_SIZE + 1)])
def test_a_damaged_wrap_is_refused(wrapped: bytes) -> None:
    with pytest.raises(PartError):
        unwrap_with(SECRET, wrapped=wrapped, context=b"")


def test_keys_of_other_lengths_are_refused() -> None:
    # Without this, owner "a" with bucket "bc" would share a key with owner "ab" and bucket "c".
    with pytest.raises(PartError):
        wrapping_key(bytes(31), bytes(33))
    with pytest.raises(PartError):
        wrap_with(bytes(16), secret=SECRET, context=b"", nonce=NONCE)
    with pytest.raises(PartError):
        wrap_with(SECRET, secret=bytes(31), context=b"", nonce=NONCE)


# --- disclosure


def test_one_part_can_be_disclosed_without_the_others() -> None:
    plaintexts = [b"part %d" % number for number in range(5)]
    commitments = [commitment(SECRET, f"p/{n}", sha256(text).digest()) for n, text in enumerate(plaintexts)]
    root, salt = parts_root(commitments), commitment_salt(SECRET)
    for number, text in enumerate(plaintexts):
        given = {"label": f"p/{number}", "plaintext": text, "salt": salt, "number": number, "count": 5, "root": root}
        path = part_proof(commitments, number)
        verify_part(path=path, **given)  # type: ignore[arg-type]
        for change in ({"plaintext": b"forged"}, {"label": "p/9"}, {"salt": bytes(32)}, {"number": (number + 1) % 5}):
            with pytest.raises(EvidenceInputError):
                verify_part(path=path, **{**given, **change})  # type: ignore[arg-type]


def test_no_parts_have_the_empty_root_and_no_proofs() -> None:
    assert parts_root([]) == EMPTY_ROOT
    with pytest.raises(ProofError):
        part_proof([], 0)
