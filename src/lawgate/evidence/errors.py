"""The root of what this package raises about its input; each module adds one class of its own."""


class EvidenceInputError(ValueError):
    """Evidence, or an argument meant to become evidence, breaks its written format."""
