"""Lawgate: a gateway in front of AI inference endpoints that leaves GDPR evidence for every request."""

__version__ = "0.1.0"
