"""Tamper-evident entries that can still forget: leaves, sealed parts, the tree, proofs, verification.

Rule 1: this package stands alone. It imports nothing else of Lawgate and can be lifted out.
Rule 2: it is pure. Time, ids, keys, nonces and stored bytes arrive as arguments.
Rule 3: bytes in, bytes out; a verifier hashes the bytes it was given, never a re-encoding.
Rule 4: whatever comes from outside gives a value or an ``EvidenceInputError``, nothing else.

The written formats are in ``docs/spec/evidence-format.md``.
"""
