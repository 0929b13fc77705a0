"""Names for the identifiers that cross module borders.

Rule 1: an id is random or given by a person, never derived from personal data.
Rule 2: the exchange id is shown to clients; the entry id never is.
"""

from typing import NewType

ExchangeId = NewType("ExchangeId", str)
"""Shown to the caller in ``Lawgate-Exchange-Id``: 32 lower-case hexadecimal digits."""

EntryId = NewType("EntryId", str)
"""Names one entry of the log in its leaf: 32 lower-case hexadecimal digits, never shown to callers."""

KeyId = NewType("KeyId", int)
"""Row of the key database; says nothing about whose key it is."""

NodeName = NewType("NodeName", str)
"""One gateway process (or command) that writes entries under its own sequence."""

PurposeName = NewType("PurposeName", str)
ConnectionName = NewType("ConnectionName", str)
