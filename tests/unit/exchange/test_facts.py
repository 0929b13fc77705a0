"""What every record under a purpose says is encoded once, and says all of it."""

from dataclasses import replace

import msgspec

from lawgate.domain.processing import Purpose, RecordLevel, Safeguard
from lawgate.exchange.facts import UNDECIDED_RETENTION, Grounds, grounds
from tests.playbook import CONNECTION, GROUNDS, PURPOSE, facts


def decoded(made: Grounds) -> dict[str, object]:
    found = msgspec.json.decode(bytes(made.encoded))
    assert isinstance(found, dict)
    return found


def test_the_grounds_name_purpose_basis_recipient_and_policy() -> None:
    said = decoded(GROUNDS)
    assert (said["purpose"], said["lawful_basis"]) == ("answer-customers", "6-1-b")
    assert said["lawful_basis_iri"] == "https://w3id.org/dpv/legal/eu/gdpr#A6-1-b"
    assert said["recipient"] == {
        "name": "LLM GmbH",
        "role": "processor",
        "country": "DE",
        "contract": "DPA-2026-014",
        "safeguard": None,
    }
    assert said["policy"] == "policy-digest"


def test_everything_an_officer_declares_about_a_purpose_is_in_the_record() -> None:
    """What is not in the grounds is who may use it, where, how long it is kept, and the profiles' names."""
    elsewhere = {
        "name",
        "subjects",
        "categories",
        "special_categories",
        "groups",
        "connections",
        "retention",
        "undeclared_special_category",
        "mask_request",
        "mask_answer",
    }
    renamed = {"purpose", "data_subjects", "data_categories", "special_category_conditions"}
    assert set(Purpose.__dataclass_fields__) - elsewhere | renamed <= set(decoded(GROUNDS))


def test_a_safeguard_is_named() -> None:
    abroad = replace(CONNECTION, recipient=replace(CONNECTION.recipient, country="US", safeguard=Safeguard.SCC))
    recipient = decoded(grounds(PURPOSE, abroad, "d"))["recipient"]
    assert isinstance(recipient, dict)
    assert (recipient["country"], recipient["safeguard"]) == ("US", "scc")


def test_retention_is_the_purposes() -> None:
    assert GROUNDS.retention.label == "c30e365"


def test_without_grounds_nothing_of_a_body_is_kept() -> None:
    undecided, decided = facts(), facts()
    decided.grounds = GROUNDS
    assert undecided.retention == UNDECIDED_RETENTION
    assert [each.record_level for each in (undecided, decided)] == [RecordLevel.METADATA, RecordLevel.FULL]


def test_two_exchanges_share_no_list() -> None:
    one, other = facts(), facts()
    one.approvals.append("h1")
    assert other.approvals == []
