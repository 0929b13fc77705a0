"""Protocols: bytes to text tracks and back; pure."""
