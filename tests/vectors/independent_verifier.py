"""Checks ``evidence.json`` with the standard library alone: ``python independent_verifier.py FILE``.

Written from docs/spec/evidence-format.md, RFC 6962, RFC 8032 and the C2SP pages, apart from the
product and on purpose in another way: trees by their recursive definition, Ed25519 in plain integers.
It decrypts nothing; whoever was given a part checks it by plaintext and salt.

Prints one line a check; exit status 0 when all hold, 1 when one does not.
"""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any


def h(*chunks: bytes) -> bytes:
    return hashlib.sha256(b"".join(chunks)).digest()


# --- RFC 8032 section 5.1: Ed25519 over integers

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def times(n: int, a: Point) -> Point:
    total: Point = (0, 1)
    while n:
        if n % 2:
            total = add(total, a)
        a, n = add(a, a), n // 2
    return total


def point(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number % 2**255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or y >= P or (x == 0 and sign):
        raise ValueError("not a point")
    return (P - x if x % 2 != sign else x, y)


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return s < L and times(s, BASE) == add(point(signature[:32]), times(k, point(public)))


# --- RFC 6962 section 2.1, by the definitions


def half(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def mth(d: list[bytes]) -> bytes:
    """Merkle tree hash over leaf hashes."""
    if len(d) < 2:
        return d[0] if d else h(b"")
    return h(b"\x01", mth(d[: half(len(d))]), mth(d[half(len(d)) :]))


def root_by_path(m: int, n: int, leaf: bytes, path: list[bytes]) -> bytes:
    """What PATH(m, D[n]) leads to: the last hash joins at the top."""
    if n == 1:
        if path:
            raise ValueError("path too long")
        return leaf
    k = half(n)
    if m < k:
        return h(b"\x01", root_by_path(m, k, leaf, path[:-1]), path[-1])
    return h(b"\x01", path[-1], root_by_path(m - k, n - k, leaf, path[:-1]))


def roots_by_growth(m: int, n: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Old and new root out of SUBPROOF(m, D[n], known is not None)."""
    if m == n:
        found = known if known is not None else path[-1]
        if len(path) != (known is None):
            raise ValueError("path too long")
        return found, found
    k = half(n)
    if m <= k:
        old, new = roots_by_growth(m, k, path[:-1], known)
        return old, h(b"\x01", new, path[-1])
    old, new = roots_by_growth(m - k, n - k, path[:-1], None)
    return h(b"\x01", path[-1], old), h(b"\x01", path[-1], new)


# --- C2SP signed notes and checkpoints


def vkey(text: str) -> tuple[str, bytes, int, bytes]:
    name, identifier, key = text.split("+", 2)
    raw = base64.b64decode(key, validate=True)
    if h(name.encode(), b"\n", raw)[:4].hex() != identifier:
        raise ValueError("key id")
    return name, bytes.fromhex(identifier), raw[0], raw[1:]


def signed_text(note: str, key: str) -> str:
    """The note's text, if the key signed it."""
    name, identifier, kind, public = vkey(key)
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        if dash != "\u2014" or (signer, raw[:4]) != (name, identifier):
            continue
        message, signature = text.encode(), raw[4:]
        if kind == 4:
            stamp = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {stamp}\n".encode() + message, signature[8:]
        if ed25519_ok(public, message, signature):
            return text
    raise ValueError("not signed by " + name)


def head(note: str, key: str) -> tuple[int, bytes]:
    origin, size, root = signed_text(note, key).split("\n")[:3]
    if origin != vkey(key)[0]:
        raise ValueError("origin")
    return int(size), base64.b64decode(root, validate=True)


# --- leaves and parts


def spelling(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(fits(name) and fits(item) for name, item in value.items())
    if isinstance(value, list):
        return all(map(fits, value))
    if isinstance(value, str):
        return all(" " <= char <= "~" for char in value)
    return isinstance(value, int) and abs(value) < 2**53


def canonical(text: bytes) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict) or not fits(value) or spelling(value) != text:
        raise ValueError("not canonical")
    return value


def expand(secret: bytes, info: bytes) -> bytes:
    """The first block of HKDF-Expand (RFC 5869 section 2.3)."""
    return hmac.new(secret, info + b"\x01", "sha256").digest()


def commitment(salt: bytes, label: str, plaintext: bytes) -> bytes:
    return h(b"lawgate/part/v1\0", label.encode(), b"\0", salt, h(plaintext))


# --- the checks: each yields (what, whether)

Checks = Iterator[tuple[str, bool]]
x = bytes.fromhex


def check_canonical(section: dict[str, Any]) -> Checks:
    for item in section["accepted"]:
        yield "canonical " + item["text"][:30], canonical(item["text"].encode()) == item["value"]
    for item in section["rejected"]:
        yield "refuses " + item["why"], refused(item["text"].encode())


def check_part(section: dict[str, Any]) -> Checks:
    secret, plaintext = x(section["secret"]), x(section["plaintext"])
    salt = expand(secret, b"lawgate/v1/commit")
    yield "salt of a part", salt == x(section["salt"])
    yield "key of a part", expand(secret, b"lawgate/v1/enc") == x(section["encryption_key"])
    yield "commitment of a part", commitment(salt, section["label"], plaintext) == x(section["commitment"])
    place = section["entry"].encode() + b"\0" + section["number"].to_bytes(4, "big")
    yield "place of a part", b"lawgate/seal/v1\0" + place == x(section["aad"])


def check_frames(section: dict[str, Any]) -> Checks:
    joined = b"".join(map(x, section["plaintexts"]))
    salt = expand(x(section["secret"]), b"lawgate/v1/commit")
    yield "commitment of a series", commitment(salt, section["label"], joined) == x(section["commitment"])


def check_wrap(section: dict[str, Any]) -> Checks:
    extracted = hmac.new(bytes(32), x(section["owner_key"]) + x(section["bucket_key"]), "sha256").digest()
    yield "wrapping key", expand(extracted, b"lawgate/v1/wrap") == x(section["wrapping_key"])


def check_tree(section: dict[str, Any]) -> Checks:
    leaves = [h(b"\x00", b"entry %d" % number) for number in range(600)]
    for size, root in section["roots"].items():
        yield f"root of {size}", mth(leaves[: int(size)]) == x(root)
    for item in section["inclusion"]:
        m, n, path = item["index"], item["size"], [x(one) for one in item["path"]]
        yield f"entry {m} in {n}", root_by_path(m, n, leaves[m], path) == mth(leaves[:n])
    for item in section["consistency"]:
        m, n, path = item["old"], item["new"], [x(one) for one in item["path"]]
        roots = (mth(leaves[:m]), mth(leaves[:n]))
        yield f"growth from {m} to {n}", roots_by_growth(m, n, path, roots[0]) == roots
    above = [mth(leaves[start : start + 256]) for start in (0, 256)]
    tiles = {
        "tile/0/000": leaves[:256],
        "tile/0/001": leaves[256:512],
        "tile/0/002.p/88": leaves[512:],
        "tile/1/000.p/2": above,
    }
    yield "tiles", section["tiles"] == {path: h(*hashes).hex() for path, hashes in tiles.items()}
    yield "bundle", x(section["bundle"]) == b"\0\x07entry 0" + b"\0\0" + b"\0\x07entry 2"


def check_log(section: dict[str, Any]) -> Checks:
    raw = [text.encode() for text in section["leaves"]]
    hashes = [h(b"\0", data) for data in raw]
    leaves = [canonical(data) for data in raw]
    size, root = head(section["checkpoint"], section["log_vkey"])
    yield "checkpoint", (size, root) == (len(hashes), mth(hashes))
    yield "cosignature", signed_text(section["checkpoint"], section["witness_vkey"]).split("\n")[1] == str(size)
    old, old_root = head(section["older_checkpoint"], section["log_vkey"])
    path = [x(one) for one in section["consistency"]]
    yield "the log only grew", roots_by_growth(old, size, path, old_root) == (old_root, root)
    yield "chain", chained(leaves, hashes)
    yield "ids", len({leaf["id"] for leaf in leaves}) == len(leaves)
    intents = [leaf["id"] for leaf in leaves if leaf["t"] == "intent"]
    closed = [leaf["re"] for leaf in leaves if leaf["t"] == "outcome"]
    yield "outcomes", len(set(closed)) == len(closed) and set(closed) <= set(intents)
    for index, (leaf, parts) in enumerate(zip(leaves, section["disclosures"], strict=True)):
        yield f"parts of entry {index}", disclosed(leaf, parts)
    stone = section["tombstone"]
    yield "tombstone", h(b"\0", x(stone["opening"])).hex() == leaves[stone["entry"]]["tr"]
    yield "proof", proved(section["proof"]["text"], raw[section["proof"]["index"]], section["log_vkey"])


def chained(leaves: list[dict[str, Any]], hashes: list[bytes]) -> bool:
    heads: dict[str, tuple[int, str]] = {}
    for leaf, hashed in zip(leaves, hashes, strict=True):
        if (leaf["nseq"], leaf["nprev"]) != heads.get(leaf["node"], (0, "00" * 32)):
            return False
        heads[leaf["node"]] = (leaf["nseq"] + 1, hashed.hex())
    return True


def disclosed(leaf: dict[str, Any], parts: list[dict[str, Any]]) -> bool:
    for part in parts:
        found = commitment(x(part["salt"]), part["label"], x(part["plaintext"]))
        path = [x(one) for one in part["path"]]
        if root_by_path(part["part"], leaf["pn"], h(b"\0", found), path).hex() != leaf["pr"]:
            return False
    return bool(len(parts) == leaf["pn"])


def proved(text: str, entry: bytes, key: str) -> bool:
    top, _, note = text.partition("\n\n")
    magic, _extra, index, *path = top.split("\n")
    size, root = head(note, key)
    hashes = [base64.b64decode(line, validate=True) for line in path]
    found = root_by_path(int(index.removeprefix("index ")), size, h(b"\0", entry), hashes)
    return magic == "c2sp.org/tlog-proof@v1" and found == root


def refused(text: bytes) -> bool:
    try:
        canonical(text)
    except ValueError:
        return True
    return False


CHECKS: dict[str, Callable[[dict[str, Any]], Checks]] = {
    "canonical": check_canonical,
    "part": check_part,
    "frames": check_frames,
    "wrap": check_wrap,
    "tree": check_tree,
    "log": check_log,
}


def main(file: str) -> int:
    with open(file, encoding="ascii") as opened:  # noqa: PTH123 - one builtin less to port
        sections = json.load(opened)
    bad = 0
    for name, check in CHECKS.items():
        try:
            for what, held in check(sections[name]):
                print("ok  " if held else "BAD ", what)
                bad += not held
        except (ValueError, KeyError, IndexError, TypeError) as error:
            print("BAD ", name, type(error).__name__, error)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
