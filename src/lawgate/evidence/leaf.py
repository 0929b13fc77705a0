"""The leaf: the part of an entry that anyone may see.

Rule 1: canonical JSON of at most 65535 bytes (a C2SP entry bundle counts them in 16 bits).
Rule 2: no member names a person; everything that says who, what or why is in a sealed part.
Rule 3: hashes are written in lower-case hexadecimal.
Rule 4: a node counts its leaves from ``FIRST_NSEQ`` without a gap, and each leaf holds the RFC 6962
leaf hash of the node's previous leaf, the first one ``GENESIS_PREV``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lawgate.evidence import canonical
from lawgate.evidence.canonical import INTEGER_LIMIT, JsonValue
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.merkle import EMPTY_ROOT

VERSION: Final = 1
FIRST_NSEQ: Final = 0
GENESIS_PREV: Final = bytes(32)
LEAF_SIZE_MAX: Final = 0xFFFF
PARTS_MAX: Final = 0xFFFF

MEMBERS: Final = frozenset({"v", "t", "id", "ts", "node", "nseq", "nprev", "ret", "pn", "pr"})
"""Members that every leaf has; ``extra`` may use any other name."""

# One match for the four names of a leaf: none of the classes holds a line feed, so the join is unambiguous.
_NAMES = re.compile(
    r"[a-z][a-z0-9_.-]{0,31}\n[0-9a-f]{32}\n[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\n[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
).fullmatch
_EXTRA_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}").fullmatch
_HASH = re.compile(r"[0-9a-f]{64}").fullmatch


_REFERENCE_MAX: Final = 64
"""Characters of an id that another entry is referred to by; longer ones are counted before they are taken."""


class LeafError(EvidenceInputError):
    """A leaf lacks a member, has one of another type, or says something impossible."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf says; ``ts`` is in whole seconds since the epoch, hashes are 32 bytes.

    ``kind`` is the member ``t``, ``retention`` is ``ret``, ``parts_count`` is ``pn`` and
    ``parts_root`` is ``pr``. An outcome's ``extra`` holds ``re``, the id of its intent.
    """

    kind: str
    id: str
    ts: int
    node: str
    nseq: int
    nprev: bytes
    retention: str
    parts_count: int
    parts_root: bytes
    extra: Mapping[str, str | int] = field(default_factory=dict)


def encode_leaf(leaf: Leaf) -> bytes:
    """The leaf's bytes; raises ``LeafError`` or ``CanonicalError``."""
    return spell_leaf(
        leaf.kind,
        leaf.id,
        leaf.ts,
        leaf.node,
        leaf.nseq,
        leaf.nprev,
        leaf.retention,
        leaf.parts_count,
        leaf.parts_root,
        leaf.extra,
    )


def spell_leaf(  # noqa: PLR0913, PLR0917 - runs for every entry: a Leaf in between costs as much as the spelling
    kind: str,
    identifier: str,
    ts: int,
    node: str,
    nseq: int,
    nprev: bytes,
    retention: str,
    parts_count: int,
    parts_root: bytes,
    extra: Mapping[str, str | int],
) -> bytes:
    """``encode_leaf`` of the members one by one, checked as strictly."""
    _check_names(kind, identifier, node, retention)
    _check_numbers(ts, nseq, parts_count, nprev, parts_root)
    reference = ""
    if extra:
        _check_extra(extra)
        reference = _reference(extra)
    # Names and hashes that passed need no escapes, and these members stand in order: this is their canonical spelling.
    data = (
        f'{{"id":"{identifier}","node":"{node}","nprev":"{nprev.hex()}","nseq":{nseq},"pn":{parts_count},'
        f'"pr":"{parts_root.hex()}",{reference}"ret":"{retention}","t":"{kind}","ts":{ts},"v":{VERSION}}}'
    ).encode("ascii")
    return data if not extra or reference else _with_extra(data, extra)


def _reference(extra: Mapping[str, str | int]) -> str:
    """The member that an outcome has, if it is the only extra one and needs no escapes."""
    intent = extra.get("re")
    short = len(extra) == 1 and type(intent) is str and len(intent) <= _REFERENCE_MAX and intent.isalnum()
    return f'"re":"{intent}",' if short else ""


def _with_extra(data: bytes, extra: Mapping[str, str | int]) -> bytes:
    """A leaf with any other members, which may stand anywhere and be long."""
    members = canonical.decode(data)
    members.update(extra)
    data = canonical.spell(members)
    if len(data) > LEAF_SIZE_MAX:
        message = f"a leaf of {len(data)} bytes, more than the {LEAF_SIZE_MAX} allowed; move what is long into a part"
        raise LeafError(message)
    return data


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf strictly; raises ``CanonicalError`` or ``LeafError``."""
    if len(data) > LEAF_SIZE_MAX:
        message = f"a leaf of {len(data)} bytes, more than the {LEAF_SIZE_MAX} allowed"
        raise LeafError(message)
    return leaf_of(canonical.decode(data))


def leaf_of(members: Mapping[str, JsonValue]) -> Leaf:
    """The leaf that decoded members describe; raises ``LeafError``."""
    if _number(members, "v") != VERSION:
        message = f"not a leaf of version {VERSION}"
        raise LeafError(message)
    leaf = Leaf(
        kind=_text(members, "t"),
        id=_text(members, "id"),
        ts=_number(members, "ts"),
        node=_text(members, "node"),
        nseq=_number(members, "nseq"),
        nprev=_hash(members, "nprev"),
        retention=_text(members, "ret"),
        parts_count=_number(members, "pn"),
        parts_root=_hash(members, "pr"),
        extra=_extra(members),
    )
    _check_names(leaf.kind, leaf.id, leaf.node, leaf.retention)
    _check_numbers(leaf.ts, leaf.nseq, leaf.parts_count, leaf.nprev, leaf.parts_root)
    return leaf


def _check_names(kind: str, identifier: str, node: str, retention: str) -> None:
    if _NAMES(f"{kind}\n{identifier}\n{node}\n{retention}") is None:
        message = (
            "a leaf needs t (lower case, 32 at most), id (32 hexadecimal digits), "
            "node (letters, digits, ._:-, 64 at most) and ret (letters, digits, ._-, 32 at most)"
        )
        raise LeafError(message)


def _check_numbers(ts: int, nseq: int, parts_count: int, nprev: bytes, parts_root: bytes) -> None:
    if type(ts) is not int or type(nseq) is not int or type(parts_count) is not int:
        message = "ts, nseq and pn are integers"
        raise LeafError(message)
    if not 0 <= ts < INTEGER_LIMIT or not 0 <= nseq < INTEGER_LIMIT:
        message = "ts and nseq lie between 0 and 2**53"
        raise LeafError(message)
    if not 0 <= parts_count <= PARTS_MAX:
        message = f"an entry has at most {PARTS_MAX} parts"
        raise LeafError(message)
    if len(nprev) != len(GENESIS_PREV) or len(parts_root) != len(EMPTY_ROOT):
        message = "nprev and pr are hashes of 32 bytes"
        raise LeafError(message)
    if (parts_count == 0) != (parts_root == EMPTY_ROOT):
        message = "pr is the root of no parts exactly when pn is 0"
        raise LeafError(message)


def _check_extra(extra: Mapping[str, object]) -> None:
    for name, value in extra.items():
        if name in MEMBERS or _EXTRA_NAME(name) is None:
            message = "the name of an extra member is taken or is not lower-case ASCII of at most 32"
            raise LeafError(message)
        if isinstance(value, str):
            fits = canonical.is_plain_text(value)
        else:
            fits = isinstance(value, int) and not isinstance(value, bool) and -INTEGER_LIMIT < value < INTEGER_LIMIT
        if not fits:
            message = f"the extra member {name} is neither printable ASCII nor an integer below 2**53"
            raise LeafError(message)


def _text(members: Mapping[str, JsonValue], name: str) -> str:
    value = members.get(name)
    if type(value) is not str:
        message = f"the member {name} is missing or not a string"
        raise LeafError(message)
    return value


def _number(members: Mapping[str, JsonValue], name: str) -> int:
    value = members.get(name)
    if type(value) is not int:
        message = f"the member {name} is missing or not an integer"
        raise LeafError(message)
    return value


def _hash(members: Mapping[str, JsonValue], name: str) -> bytes:
    value = _text(members, name)
    if _HASH(value) is None:
        message = f"the member {name} is not a hash of 64 lower-case hexadecimal digits"
        raise LeafError(message)
    return bytes.fromhex(value)


def _extra(members: Mapping[str, JsonValue]) -> dict[str, str | int]:
    extra: dict[str, str | int] = {}
    for name, value in members.items():
        if name in MEMBERS:
            continue
        if not isinstance(value, (str, int)):
            message = "an extra member is neither a string nor an integer"
            raise LeafError(message)
        extra[name] = value
    if extra:
        _check_extra(extra)
    return extra
