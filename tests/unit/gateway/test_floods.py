"""A scanner fills counters, not the log."""

from lawgate.domain.errors import Code
from lawgate.gateway.floods import Floods


def test_one_entry_per_cause_and_period() -> None:
    floods = Floods(1000.0)
    for _ in range(500):
        floods.count(Code.CREDENTIAL_MISSING)
    floods.count(Code.CREDENTIAL_INVALID)
    drafts = floods.take(1060.0)
    assert [dict(draft.public) for draft in drafts] == [
        {"code": "credential_invalid", "n": 1, "since": 1000},
        {"code": "credential_missing", "n": 500, "since": 1000},
    ]
    assert all(not draft.parts for draft in drafts)
    assert floods.take(1120.0) == []


def test_what_could_not_be_recorded_counts_again() -> None:
    floods = Floods(1000.0)
    floods.count(Code.CREDENTIAL_MISSING)
    floods.put_back(floods.take(1060.0))
    floods.count(Code.CREDENTIAL_MISSING)
    (draft,) = floods.take(1120.0)
    assert dict(draft.public) == {"code": "credential_missing", "n": 2, "since": 1000}
