"""An approval says which hold, by whom and when, and cannot be changed."""

import pytest

from lawgate.domain.approval import Approval


def test_an_approval_cannot_gain_an_approver() -> None:
    approval = Approval("h1", ("lead",), 1_790_000_000)
    with pytest.raises(AttributeError):
        approval.approvers = ("lead", "second")  # type: ignore[misc]  # that is what is tested
    assert approval == Approval("h1", ("lead",), 1_790_000_000)
    assert approval != Approval("h2", ("lead",), 1_790_000_000)
