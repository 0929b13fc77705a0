"""What an operation cannot do, beside what the store itself cannot."""

from lawgate.domain.errors import LawgateError


class NotFoundError(LawgateError):
    """What was asked for by its id does not exist."""


class KeyRequestError(LawgateError):
    """An API key that was asked for cannot be made."""


class UnreadableError(LawgateError):
    """What was to be verified cannot be read."""
