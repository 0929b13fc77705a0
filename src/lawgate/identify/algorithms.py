"""The signature algorithms that can verify here; apart, so that reading a configuration loads no cryptography."""

from typing import Final

RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
CURVE_ALGORITHMS: Final = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),  # RFC 8037 and its successor, RFC 9864
}
ALGORITHMS: Final = RSA_ALGORITHMS.union(*CURVE_ALGORITHMS.values())
"""Every algorithm that can verify here: asymmetric, with hashes of at least 256 bits (RFC 8725 section 3.2)."""
