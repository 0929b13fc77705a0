"""Public conformance vectors for the tree's proofs, read where they are kept beside the checkout."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from lawgate.evidence.merkle import ProofError, verify_consistency, verify_inclusion

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "merkle"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the public vectors are not in ../shared/vectors/merkle")


def vectors(kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((VECTORS / kind).rglob("*.json"))]


def octets(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def fails(verify: Any, *arguments: Any) -> bool:
    try:
        verify(*arguments)
    except ProofError:
        return True
    return False


def test_inclusion() -> None:
    found = vectors("inclusion")
    for vector in found:
        path = [octets(item) for item in vector["proof"] or []]
        arguments = vector["leafIdx"], vector["treeSize"], octets(vector["leafHash"]), path, octets(vector["root"])
        assert fails(verify_inclusion, *arguments) is vector["wantErr"], vector
    assert len(found) > 90


def test_consistency() -> None:
    found = vectors("consistency")
    for vector in found:
        path = [octets(item) for item in vector["proof"] or []]
        arguments = vector["size1"], vector["size2"], octets(vector["root1"]), octets(vector["root2"]), path
        assert fails(verify_consistency, *arguments) is vector["wantErr"], vector
    assert len(found) > 90
