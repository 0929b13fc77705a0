"""Ports are types only; what they carry is frozen, and credentials do not show."""

import inspect

import pytest

from lawgate import ports
from lawgate.domain.ids import EntryId, ExchangeId
from lawgate.ports import ApiKeyRow, EntryDraft, Gap, IndexRow, PartDraft, Presented, RecordedEntry, RetentionClass

CARRIED = [
    PartDraft("meta", b"{}"),
    RetentionClass(30, 365),
    IndexRow(),
    EntryDraft("intent", 1, RetentionClass(30, 365), ()),
    RecordedEntry(EntryId("ab"), "n", 1, bytes(32)),
    Gap(1, 2, 3),
]


@pytest.mark.parametrize("value", CARRIED, ids=lambda value: type(value).__name__)
def test_what_crosses_a_port_is_frozen(value: object) -> None:
    for name in type(value).__slots__:  # type: ignore[attr-defined]  # every one of them has slots
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_a_credential_does_not_show() -> None:
    assert "secret" not in repr(Presented("secret", "authorization"))
    row = ApiKeyRow("id", b"secret", "svc", "team", "p", (), 1, 2)
    assert "secret" not in repr(row)


def test_retention_is_named_by_its_numbers_only() -> None:
    assert RetentionClass(30, 365).label == "c30e365"


def test_drafts_share_nothing() -> None:
    one, other = (EntryDraft("intent", 1, RetentionClass(1, 1), ()) for _ in range(2))
    assert one.public is not other.public
    assert one.index == other.index == IndexRow()


def test_a_protocol_here_has_no_behaviour() -> None:
    """Types only: every method of a protocol is its docstring and nothing else."""
    found = [each for _, each in inspect.getmembers(ports, inspect.isclass) if getattr(each, "_is_protocol", False)]
    names = {each.__name__ for each in found}
    assert {"Recorder", "Upstream", "UpstreamAnswer", "Identifier", "WindowJournal", "KeyWrapper", "LogStore"} <= names
    for each in found:
        for name, method in vars(each).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                assert method.__code__.co_consts[0] == method.__doc__, f"{each.__name__}.{name}"
                assert not method.__code__.co_names, f"{each.__name__}.{name} does something"


def test_an_exchange_id_is_text() -> None:
    assert IndexRow(exchange=ExchangeId("ab")).exchange == "ab"
