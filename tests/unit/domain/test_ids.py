"""Ids of one kind are the same text at run time."""

from lawgate.domain.ids import ConnectionName, EntryId, ExchangeId, KeyId, NodeName, PurposeName


def test_a_new_type_costs_nothing() -> None:
    for kind in (ExchangeId, EntryId, NodeName, PurposeName, ConnectionName):
        assert kind("a") == "a"
    assert KeyId(7) == 7
