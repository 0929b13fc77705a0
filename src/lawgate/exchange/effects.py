"""What to do: the exchange tells the shell.

Rule: an effect is an order, not a question. The shell performs it and reports an event.
"""

from typing import Any

import msgspec

from lawgate.domain.errors import Refusal
from lawgate.ports import EntryDraft


class Effect(msgspec.Struct, frozen=True, gc=False):
    """Something to be done outside the core."""


class Inspect(Effect, frozen=True, gc=False):
    """Read the body, choose the purpose, find the personal data."""


class Decide(Effect, frozen=True, gc=False):
    """Ask the policy."""


class Mask(Effect, frozen=True, gc=False):
    """Apply the purpose's operators to what was found."""


class RecordIntent(Effect, frozen=True, gc=False):
    """Make the intent durable."""

    draft: EntryDraft


class RecordHold(Effect, frozen=True, gc=False):
    """Make the hold durable, body included."""

    draft: EntryDraft


class DropBody(Effect, frozen=True, gc=False):
    """Forget the body: the store has it, and waiting must cost little memory."""


class AnnounceHold(Effect, frozen=True, gc=False):
    """Tell the approvers and, in time, the caller."""


class ForwardUpstream(Effect, frozen=True, gc=False):
    """Send the masked request to the upstream."""


class CancelUpstream(Effect, frozen=True, gc=False):
    """Close the upstream's connection; its answer is not wanted any more."""


class JournalWindow(Effect, frozen=True, gc=False):
    """Make a window of the streamed answer durable."""

    window: Any


class ReleaseWindow(Effect, frozen=True, gc=False):
    """Give a journalled window to the client."""

    window: Any


class RecordOutcome(Effect, frozen=True, gc=False):
    """Make the outcome durable."""

    draft: EntryDraft


class ReleaseEnd(Effect, frozen=True, gc=False):
    """Give the client the rest: a whole answer, a stream's last frame, or the error."""


class AbortAnswer(Effect, frozen=True, gc=False):
    """End the answer without completing it: an error if none was started, else a cut."""

    refusal: Refusal


class RecordRefusal(Effect, frozen=True, gc=False):
    """Make the refusal durable: reason and counts, never a body."""

    draft: EntryDraft


class CountRefusal(Effect, frozen=True, gc=False):
    """Add one to this cause's count of the minute (before anyone was identified)."""

    refusal: Refusal


class CountGap(Effect, frozen=True, gc=False):
    """Add one to the gap that is recorded when the store comes back."""

    refusal: Refusal


class SendRefusal(Effect, frozen=True, gc=False):
    """Answer with the refusal in the protocol's own shape."""

    refusal: Refusal


EFFECTS: tuple[type[Effect], ...] = (
    Inspect,
    Decide,
    Mask,
    RecordIntent,
    RecordHold,
    DropBody,
    AnnounceHold,
    ForwardUpstream,
    CancelUpstream,
    JournalWindow,
    ReleaseWindow,
    RecordOutcome,
    ReleaseEnd,
    AbortAnswer,
    RecordRefusal,
    CountRefusal,
    CountGap,
    SendRefusal,
)
