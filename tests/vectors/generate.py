"""Writes ``evidence.json``, the vectors of the evidence format: ``python tests/vectors/generate.py``.

Rule 1: every run writes the same bytes. Secrets are SHA-256 of a name, times are constants.
Rule 2: what a vector holds is enough to check it without Lawgate; bytes are lower-case hexadecimal,
except where the format itself is text.
Rule 3: sealed vectors hold a zstd frame built here by hand (one raw block), because compressors of
different versions write different frames. Whoever opens them must accept any frame.
"""

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lawgate.evidence import canonical, parts, tiles
from lawgate.evidence.checkpoint import COSIGNATURE_V1, Checkpoint, cosign, encode_checkpoint, note_sign, vkey
from lawgate.evidence.leaf import GENESIS_PREV, Leaf, encode_leaf
from lawgate.evidence.merkle import Frontier, consistency_path, inclusion_path, leaf_hash, root_of
from lawgate.evidence.proof import Proof, encode_proof

FILE = Path(__file__).with_name("evidence.json")
ORIGIN = "gateway.example/evidence/1"
WITNESS = "witness.example/w1"
START = 1_760_000_000


def named(name: str, size: int = 32) -> bytes:
    return sha256(name.encode()).digest()[:size]


def hexes(items: list[bytes] | tuple[bytes, ...]) -> list[str]:
    return [item.hex() for item in items]


# --- one section a function


def canonical_section() -> dict[str, Any]:
    values: list[dict[str, canonical.JsonValue]] = [
        {},
        {"b": 1, "a": 2, "B": 3, "_": 4, "aa": 5},
        {"max": 2**53 - 1, "min": 1 - 2**53, "zero": 0},
        {"yes": True, "no": False, "list": [1, "two", [], {"z": 0, "a": 0}]},
        {"text": 'quote " backslash \\ slash / tilde ~'},
    ]
    rejected = {
        "white space": '{"a": 1}',
        "order": '{"b":1,"a":1}',
        "a member twice": '{"a":1,"a":1}',
        "an escape that is not needed": '{"a":"\\u0061"}',
        "a float": '{"a":1.0}',
        "an exponent": '{"a":1e3}',
        "minus zero": '{"a":-0}',
        "null": '{"a":null}',
        "2**53": '{"a":9007199254740992}',
        "not ASCII": '{"a":"\u00e9"}',
        "a control character": '{"a":"\\n"}',
        "not an object": "[]",
        "something after it": "{}\n",
    }
    accepted = [{"value": value, "text": canonical.encode(value).decode()} for value in values]
    return {"accepted": accepted, "rejected": [{"why": why, "text": text} for why, text in rejected.items()]}


def raw_envelope(plaintext: bytes) -> bytes:
    """An envelope around one raw zstd block (RFC 8878 section 3.1.1): single segment, size in one byte."""
    assert len(plaintext) < 256
    block = struct.pack("<I", 1 | len(plaintext) << 3)[:3]
    frame = bytes.fromhex("28b52ffd20") + bytes([len(plaintext)]) + block + plaintext
    envelope = struct.pack(">I", len(frame)) + frame
    return envelope + bytes(-len(envelope) % 256)


def encrypted(secret: bytes, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
    key = parts._hmac(secret, b"lawgate/v1/enc\x01")
    return nonce + AESGCM(key).encrypt(nonce, raw_envelope(plaintext), place)


def part_section() -> dict[str, Any]:
    entry, number, label, plaintext = named("entry", 16).hex(), 3, "meta", b'{"purpose":"support"}'
    secret, nonce = named("part secret"), named("part nonce", 12)
    digest = sha256(plaintext).digest()
    place = b"lawgate/seal/v1\x00" + entry.encode() + b"\x00" + struct.pack(">I", number)
    ciphertext = encrypted(secret, nonce, plaintext, place)
    assert parts.open_sealed(entry=entry, number=number, ciphertext=ciphertext, secret=secret) == plaintext
    return {
        "entry": entry,
        "number": number,
        "label": label,
        "plaintext": plaintext.hex(),
        "secret": secret.hex(),
        "encryption_key": parts._hmac(secret, b"lawgate/v1/enc\x01").hex(),
        "salt": parts.commitment_salt(secret).hex(),
        "commitment": parts.commitment(secret, label, digest).hex(),
        "aad": place.hex(),
        "ciphertext": ciphertext.hex(),
    }


def frames_section() -> dict[str, Any]:
    series, secret, label = named("series", 16).hex(), named("frames secret"), "answer"
    plaintexts = [b'{"w":0}\n', b'{"w":1}\n', b'{"w":2}\n']
    digest, frames = parts.FramesDigest(), []
    for number, plaintext in enumerate(plaintexts):
        final = number == len(plaintexts) - 1
        place = b"lawgate/frame/v1\x00" + series.encode() + b"\x00" + struct.pack(">I?", number, final)
        frames.append(encrypted(secret, named(f"frame nonce {number}", 12), plaintext, place))
        digest.update(plaintext)
    return {
        "series": series,
        "label": label,
        "secret": secret.hex(),
        "salt": parts.commitment_salt(secret).hex(),
        "plaintexts": hexes(plaintexts),
        "frames": hexes(frames),
        "commitment": parts.commitment(secret, label, digest.sha256()).hex(),
    }


def wrap_section() -> dict[str, Any]:
    owner, bucket, secret, context = named("owner key"), named("bucket key"), named("part secret"), b"context"
    wrapped = parts.wrap(
        owner_key=owner, bucket_key=bucket, secret=secret, context=context, nonce=named("wrap nonce", 12)
    )
    return {
        "owner_key": owner.hex(),
        "bucket_key": bucket.hex(),
        "wrapping_key": parts.wrapping_key(owner, bucket).hex(),
        "secret": secret.hex(),
        "context": context.hex(),
        "wrapped": wrapped.hex(),
    }


def tree_section() -> dict[str, Any]:
    """Trees over the entries ``entry 0``, ``entry 1`` and so on."""
    hashes = [leaf_hash(b"entry %d" % number) for number in range(600)]
    frontier, roots, wanted = Frontier(), {}, (0, 1, 2, 3, 7, 8, 255, 256, 257, 600)
    for size in range(len(hashes) + 1):
        if size in wanted:
            roots[str(size)] = frontier.root().hex()
        if size < len(hashes):
            frontier.append(hashes[size])
    growth = tiles.grow(0, (), hashes)
    read = tiles.reader_from_tiles(dict(growth.tiles).get, len(hashes))
    inclusion = [(0, 1), (0, 7), (6, 7), (255, 256), (256, 257), (300, 600), (599, 600)]
    consistency = [(1, 2), (3, 7), (4, 7), (7, 8), (256, 257), (257, 600), (600, 600)]
    return {
        "roots": roots,
        "inclusion": [{"index": i, "size": n, "path": hexes(inclusion_path(read, i, n))} for i, n in inclusion],
        "consistency": [{"old": m, "new": n, "path": hexes(consistency_path(read, m, n))} for m, n in consistency],
        "tiles": {path: sha256(content).hexdigest() for path, content in growth.tiles},
        "bundle": tiles.encode_bundle([b"entry 0", b"", b"entry 2"]).hex(),
    }


# --- a small log: two nodes, three exchanges, an erasure

STORY: tuple[tuple[str, str, dict[str, str | int]], ...] = (
    ("gw-1", "intent", {}),
    ("gw-2", "intent", {}),
    ("gw-1", "outcome", {"re": named("log entry 0", 16).hex()}),
    ("gw-1", "refusal", {}),
    ("gw-2", "outcome", {"re": named("log entry 1", 16).hex()}),
    ("gw-1", "erase", {"n": 1, "why": "17(1)(a)", "tr": leaf_hash(named("tombstone") + b"entry/1").hex()}),
    ("gw-2", "intent", {}),
)


def disclosures(index: int) -> list[dict[str, Any]]:
    """The two parts of an entry as someone who may see them would hand them over."""
    plaintexts = {"meta": b'{"entry":%d}' % index, "request": b"body of entry %d" % index}
    secrets = {label: named(f"{label} {index}") for label in plaintexts}
    commitments = [parts.commitment(secrets[label], label, sha256(text).digest()) for label, text in plaintexts.items()]
    return [
        {
            "part": number,
            "label": label,
            "plaintext": plaintexts[label].hex(),
            "salt": parts.commitment_salt(secrets[label]).hex(),
            "path": hexes(parts.part_proof(commitments, number)),
            "commitment": commitments[number].hex(),
        }
        for number, label in enumerate(plaintexts)
    ]


def log_leaves() -> list[bytes]:
    heads: dict[str, tuple[int, bytes]] = {}
    leaves = []
    for index, (node, kind, extra) in enumerate(STORY):
        commitments = [bytes.fromhex(item["commitment"]) for item in disclosures(index)]
        nseq, nprev = heads.get(node, (0, GENESIS_PREV))
        identifier = named(f"log entry {index}", 16).hex()
        root = parts.parts_root(commitments)
        leaf = encode_leaf(
            Leaf(kind, identifier, START + index, node, nseq, nprev, "c30e365", len(commitments), root, extra)
        )
        heads[node] = (nseq + 1, leaf_hash(leaf))
        leaves.append(leaf)
    return leaves


def head_of(hashes: list[bytes]) -> bytes:
    return encode_checkpoint(Checkpoint(ORIGIN, len(hashes), root_of(hashes)))


def public(name: str) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(named(name)).public_key().public_bytes_raw()


def log_section() -> dict[str, Any]:
    leaves = log_leaves()
    hashes = [leaf_hash(leaf) for leaf in leaves]
    older, newer = head_of(hashes[:4]), head_of(hashes)
    note = note_sign(newer, ORIGIN, named("log key")) + cosign(newer, WITNESS, named("witness key"), START + 60)
    read = tiles.reader_from_tiles(dict(tiles.grow(0, (), hashes).tiles).get, len(hashes))
    proof = Proof(2, tuple(inclusion_path(read, 2, len(hashes))), note, b"not authenticated")
    return {
        "log_vkey": vkey(ORIGIN, public("log key")),
        "witness_vkey": vkey(WITNESS, public("witness key"), COSIGNATURE_V1),
        "leaves": [leaf.decode() for leaf in leaves],
        "disclosures": [disclosures(index) for index in range(len(leaves))],
        "older_checkpoint": note_sign(older, ORIGIN, named("log key")).decode(),
        "checkpoint": note.decode(),
        "consistency": hexes(consistency_path(read, 4, len(hashes))),
        "proof": {"index": 2, "text": encode_proof(proof).decode()},
        "tombstone": {"entry": 5, "opening": (named("tombstone") + b"entry/1").hex()},
    }


def build() -> str:
    """The whole file."""
    sections = {
        "canonical": canonical_section(),
        "part": part_section(),
        "frames": frames_section(),
        "wrap": wrap_section(),
        "tree": tree_section(),
        "log": log_section(),
    }
    return json.dumps(sections, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(build(), encoding="ascii")
