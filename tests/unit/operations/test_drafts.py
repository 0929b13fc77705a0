import msgspec

from lawgate.evidence.canonical import spell
from lawgate.operations.drafts import ACCESS_RETENTION, KEY_RETENTION, access_draft, key_draft
from tests.unit.operations.world import NOW, ROOT, exchange_id


def test_a_reading_names_its_exchange_and_is_no_step_of_it() -> None:
    draft = access_draft(ROOT, "show", NOW, exchange=exchange_id(1), details={"opened": ["meta"]})
    assert (draft.kind, draft.retention) == ("access", ACCESS_RETENTION)
    assert (draft.index.exchange, draft.index.state, draft.index.outcome) == (exchange_id(1), None, None)
    assert draft.index.principal == ROOT.principal


def test_who_and_what_stand_in_the_sealed_part_alone() -> None:
    drafts = (
        access_draft(ROOT, "list", NOW, details={"query": {"principal": "idp|anna"}}),
        key_draft(ROOT, "create", NOW, principal="lawgate:api-key|bot", purpose="p", details={"owner": "Anna"}),
    )
    for draft in drafts:
        assert draft.public == {}
        assert b"tester" not in spell(dict(draft.public))
        assert msgspec.json.decode(draft.parts[0].plaintext)["by"]["os_user"] == "tester"


def test_a_key_can_be_found_by_its_principal_and_outlives_records() -> None:
    draft = key_draft(ROOT, "revoke", NOW, principal="lawgate:api-key|bot", purpose="p", details={"key": "k"})
    assert (draft.kind, draft.retention) == ("key", KEY_RETENTION)
    assert (draft.index.principal, draft.index.purpose) == ("lawgate:api-key|bot", "p")
    assert KEY_RETENTION.evidence_d >= 3650
