"""The words of the law, spelled as the law and the vocabulary spell them."""

from types import MappingProxyType

import pytest

from lawgate.domain.processing import (
    Connection,
    LawfulBasis,
    MaskProfile,
    Protocol,
    Purpose,
    Recipient,
    RecipientRole,
    RecordLevel,
    Retention,
    Safeguard,
)

DPV = ("A6-1-a", "A6-1-b", "A6-1-c", "A6-1-d", "A6-1-e", "A6-1-f")
"""The lawful bases of Art. 6(1) in DPV's GDPR extension, version 2.3."""


def test_lawful_bases_are_those_of_article_6_and_of_the_vocabulary() -> None:
    assert [basis.iri for basis in LawfulBasis] == [f"https://w3id.org/dpv/legal/eu/gdpr#{name}" for name in DPV]
    assert [basis.value for basis in LawfulBasis] == [f"6-1-{letter}" for letter in "abcdef"]


def test_safeguards_are_those_of_chapter_v() -> None:
    assert {each.value for each in Safeguard} == {"adequacy", "scc", "bcr", "derogation"}


def test_a_profile_has_an_operator_for_every_detector() -> None:
    profile = MaskProfile("careful", "replace", MappingProxyType({"PAYMENT_CARD": "redact"}))
    assert (profile.operator("PAYMENT_CARD"), profile.operator("EMAIL")) == ("redact", "replace")


def test_a_profile_cannot_be_changed_behind_the_policys_back() -> None:
    profile = MaskProfile("careful", "replace")
    with pytest.raises(TypeError):
        profile.by_detector["EMAIL"] = "keep"  # type: ignore[index]  # that is what is tested


def test_defaults_are_the_careful_ones() -> None:
    recipient = Recipient("LLM GmbH", RecipientRole.PROCESSOR, "DE")
    connection = Connection("llm", Protocol.OPENAI, "https://llm.example", recipient)
    assert connection.allow_not_inspected == ()
    assert connection.cors_origins == ()
    purpose = Purpose("p", "P", LawfulBasis.CONTRACT, (), (), Retention(1, 2))
    assert purpose.undeclared_special_category == "refuse"
    assert purpose.record is RecordLevel.FULL
