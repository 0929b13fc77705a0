import base64
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lawgate.evidence.checkpoint import (
    COSIGNATURE_V1,
    Checkpoint,
    NoteError,
    cosign,
    decode_base64,
    decode_number,
    encode_checkpoint,
    key_id,
    note_sign,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    signature_line,
    vkey,
)

# The example of the Go package golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
    b"\n"
    b"\xe2\x80\x94 PeterNeumann "
    b"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "gateway.example/evidence/1"
WITNESS = "witness.example/w1"


def seed(name: str) -> bytes:
    return sha256(name.encode()).digest()


def public(name: str) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed(name)).public_key().public_bytes_raw()


LOG_KEY = vkey(ORIGIN, public("log"))
WITNESS_KEY = vkey(WITNESS, public("witness"), COSIGNATURE_V1)
HEAD = Checkpoint(ORIGIN, 42, sha256(b"root").digest())
TEXT = encode_checkpoint(HEAD)
NOTE = note_sign(TEXT, ORIGIN, seed("log"))
COSIGNED = NOTE + cosign(TEXT, WITNESS, seed("witness"), 1_760_000_000)


# --- notes


def test_a_note_that_go_signed_opens() -> None:
    opened = open_note(PETER_NOTE, [PETER])
    assert opened.text.startswith(b"If you think")
    assert [(item.name, item.timestamp) for item in opened.signatures] == [("PeterNeumann", None)]
    assert vkey("PeterNeumann", parse_vkey(PETER).public) == PETER


def test_a_cosignature_carries_its_time() -> None:
    opened = open_note(COSIGNED, [LOG_KEY, WITNESS_KEY])
    assert [(item.name, item.timestamp) for item in opened.signatures] == [(ORIGIN, None), (WITNESS, 1_760_000_000)]


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = signature_line("stranger.example", b"abcd", bytes(64))
    same_name = signature_line(ORIGIN, b"abcd", bytes(64))
    assert len(open_note(NOTE + stranger + same_name, [LOG_KEY]).signatures) == 1


def test_a_bad_signature_of_a_known_key_refuses_the_whole_note() -> None:
    forged = signature_line(WITNESS, parse_vkey(WITNESS_KEY).key_id, bytes(72))
    with pytest.raises(NoteError, match="does not verify"):
        open_note(NOTE + forged, [LOG_KEY, WITNESS_KEY])
    assert len(open_note(NOTE + forged, [LOG_KEY]).signatures) == 1


def test_a_second_signature_of_one_key_must_hold_too() -> None:
    again = NOTE + NOTE.partition(b"\n\n")[2]
    assert len(open_note(again, [LOG_KEY]).signatures) == 1
    forged = signature_line(ORIGIN, parse_vkey(LOG_KEY).key_id, bytes(64))
    with pytest.raises(NoteError):
        open_note(NOTE + forged, [LOG_KEY])


def test_no_trusted_signature_no_note() -> None:
    for keys in ([], [WITNESS_KEY], [vkey(ORIGIN, public("another"))]):
        with pytest.raises(NoteError, match="no trusted key"):
            open_note(NOTE, keys)


def test_a_cosignature_is_not_a_signature() -> None:
    # Same key pair under both types: neither line may pass for the other.
    as_witness = vkey(ORIGIN, public("log"), COSIGNATURE_V1)
    signature = base64.b64decode(NOTE.split(b" ")[-1])[4:]
    moved = TEXT + b"\n" + signature_line(ORIGIN, parse_vkey(as_witness).key_id, bytes(8) + signature)
    with pytest.raises(NoteError):
        open_note(moved, [as_witness])


def test_the_time_of_a_cosignature_is_signed() -> None:
    line = COSIGNED.splitlines()[-1].split(b" ")[2]
    raw = bytearray(base64.b64decode(line))
    raw[11] ^= 1
    with pytest.raises(NoteError):
        open_note(NOTE + signature_line(WITNESS, bytes(raw[:4]), bytes(raw[4:])), [LOG_KEY, WITNESS_KEY])


@pytest.mark.parametrize("length", [0, 8, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    line = signature_line(WITNESS, parse_vkey(WITNESS_KEY).key_id, bytes(length))
    with pytest.raises(NoteError):
        open_note(NOTE + line, [LOG_KEY, WITNESS_KEY])


LINE = NOTE.partition(b"\n\n")[2]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT,
        TEXT + b"\n",
        TEXT + b"\n" + LINE[:-1],
        TEXT + b"\n" + LINE.replace(b" ", b"  "),
        TEXT + b"\n" + LINE.replace(b"\xe2\x80\x94", b"-"),
        TEXT + b"\n" + LINE.replace(b"\n", b" \n"),
        TEXT + b"\n" + LINE.replace(b"\n", b"=\n"),
        TEXT + b"\n" + LINE.replace(b"\n", b"\r\n"),
        TEXT + b"\n" + LINE + b"\n",
        TEXT + b"\n" + LINE + b"more\n",
        TEXT + b"\n\n" + LINE,
        TEXT.replace(b"42", b"43") + b"\n" + LINE,
        TEXT.replace(b"\n", b"\r\n") + b"\n" + LINE,
        TEXT + b"\x00\n" + LINE,
        TEXT + b"\n" + LINE + b"\xe2\x80\x94 \xff " + LINE.split(b" ")[-1],
        TEXT + b"\n" + LINE + b"\xe2\x80\x94 short YWJj\n",
        TEXT + b"\n" + LINE + b"\xe2\x80\x94 a+b " + LINE.split(b" ")[-1],
        TEXT + b"\n" + LINE + b"\xe2\x80\x94 a\xe2\x80\x83b " + LINE.split(b" ")[-1],
        TEXT + b"\n" + LINE * 65,
        b"x" * 300_000 + b"\n\n" + LINE,
    ],
)
def test_a_note_in_another_form_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(note, [LOG_KEY])


def test_the_text_may_hold_empty_lines() -> None:
    text = b"first\n\nsecond\n"
    assert open_note(note_sign(text, ORIGIN, seed("log")), [LOG_KEY]).text == text


@pytest.mark.parametrize("text", [b"", b"no newline", b"tab\t\n", b"\xff\n", b"null\x00\n"])
def test_what_cannot_be_a_text_is_not_signed(text: bytes) -> None:
    with pytest.raises(NoteError):
        note_sign(text, ORIGIN, seed("log"))
    with pytest.raises(NoteError):
        cosign(text, WITNESS, seed("witness"), 1)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x00", "\ud800"])
def test_key_names_have_no_spaces_and_no_plus(name: str) -> None:
    with pytest.raises(NoteError):
        vkey(name, bytes(32))
    with pytest.raises(NoteError):
        note_sign(TEXT, name, seed("log"))


def test_a_cosignature_has_a_possible_time() -> None:
    for timestamp in (-1, 2**63):
        with pytest.raises(NoteError):
            cosign(TEXT, WITNESS, seed("witness"), timestamp)


# --- keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b",
        PETER[:-1],
        PETER + "=",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("PeterNeumann", "PeterNeuman"),
        PETER.replace("PeterNeumann", ""),
        PETER.replace("+ARpc", "+\u00e9Rpc"),
        "w+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "w+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
        "w+00000000+",
    ],
)
def test_a_damaged_vkey_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_vkey(text)


def test_a_key_id_depends_on_name_type_and_key() -> None:
    identifiers = {
        key_id("a", bytes(32)),
        key_id("b", bytes(32)),
        key_id("a", bytes(31) + b"\x01"),
        key_id("a", bytes(32), COSIGNATURE_V1),
    }
    assert len(identifiers) == 4
    with pytest.raises(NoteError):
        vkey("a", bytes(32), 2)
    with pytest.raises(NoteError):
        vkey("a", bytes(31))


def test_a_public_key_that_is_no_point_verifies_nothing() -> None:
    with pytest.raises(NoteError):
        open_note(TEXT + b"\n" + signature_line("x", key_id("x", b"\xff" * 32), bytes(64)), [vkey("x", b"\xff" * 32)])


# --- checkpoints


def test_a_checkpoint_is_written_exactly_so() -> None:
    root = base64.b64encode(HEAD.root)
    assert encode_checkpoint(HEAD) == b"gateway.example/evidence/1\n42\n" + root + b"\n"
    extended = replace(HEAD, extensions=("one", "two"))
    assert encode_checkpoint(extended) == TEXT + b"one\ntwo\n"
    for head in (HEAD, extended, replace(HEAD, size=0), replace(HEAD, size=2**63 - 1)):
        assert parse_checkpoint(encode_checkpoint(head)) == head


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"origin": "\ud800"},
        {"size": -1},
        {"size": 2**63},
        {"root": bytes(31)},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"extensions": ("\x07",)},
    ],
)
def test_an_impossible_checkpoint_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(NoteError):
        encode_checkpoint(replace(HEAD, **change))  # type: ignore[arg-type]


ROOT = base64.b64encode(HEAD.root)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n\n",
        b"o\n42\n",
        b"o\n42\n" + ROOT,
        b"\n42\n" + ROOT + b"\n",
        b"o\n042\n" + ROOT + b"\n",
        b"o\n+42\n" + ROOT + b"\n",
        b"o\n-1\n" + ROOT + b"\n",
        b"o\n4_2\n" + ROOT + b"\n",
        b"o\n \n" + ROOT + b"\n",
        b"o\n" + "\u0664\u0662".encode() + b"\n" + ROOT + b"\n",
        b"o\n9223372036854775808\n" + ROOT + b"\n",
        b"o\n" + b"9" * 5000 + b"\n" + ROOT + b"\n",
        b"o\n42\n" + ROOT[:-1] + b"\n",
        b"o\n42\n" + ROOT + b"\n\n",
        b"o\n42\n" + ROOT + b"\nx\n\n",
        b"o\r\n42\r\n" + ROOT + b"\r\n",
        b"\xff\n42\n" + ROOT + b"\n",
        b"o\n42\n" + base64.b64encode(bytes(31)) + b"\n",
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_a_checkpoint_counts_under_its_own_key_only() -> None:
    checkpoint, signatures = open_checkpoint(COSIGNED, LOG_KEY, [WITNESS_KEY])
    assert (checkpoint, len(signatures)) == (HEAD, 2)
    witness_alone = TEXT + b"\n" + cosign(TEXT, WITNESS, seed("witness"), 1)
    with pytest.raises(NoteError, match="did not sign"):
        open_checkpoint(witness_alone, LOG_KEY, [WITNESS_KEY])
    other_name = note_sign(TEXT, "other.example", seed("log"))
    with pytest.raises(NoteError, match="another log"):
        open_checkpoint(other_name, vkey("other.example", public("log")))
    as_witness = TEXT + b"\n" + cosign(TEXT, ORIGIN, seed("log"), 1)
    with pytest.raises(NoteError, match="witness"):
        open_checkpoint(as_witness, vkey(ORIGIN, public("log"), COSIGNATURE_V1))
    no_head = note_sign(b"anything\n", ORIGIN, seed("log"))
    with pytest.raises(NoteError):
        open_checkpoint(no_head, LOG_KEY)


# --- one spelling


@pytest.mark.parametrize("text", [b"YQ", b"YQ=", b"YR==", b"YQ==\n", b" YQ==", b"Y-_=", b"YQ==YQ==", b"\xff", b"===="])
def test_base64_has_one_spelling(text: bytes) -> None:
    assert decode_base64(b"YQ==") == b"a"
    with pytest.raises(NoteError):
        decode_base64(text)


@pytest.mark.parametrize("text", [b"", b"00", b"1 ", b"0x1", b"1e3", b"-0", b"9223372036854775808"])
def test_numbers_have_one_spelling(text: bytes) -> None:
    assert decode_number(b"9223372036854775807") == 2**63 - 1
    with pytest.raises(NoteError):
        decode_number(text)
