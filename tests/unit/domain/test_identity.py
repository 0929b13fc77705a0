"""A principal is named by issuer and subject together."""

from dataclasses import replace

import pytest

from lawgate.domain.identity import CredentialKind, Principal

ANNA = Principal("https://idp.example", "anna", CredentialKind.OIDC, ("support",), 2_000_000_000)


def test_the_same_subject_of_two_issuers_is_two_people() -> None:
    assert ANNA.id == "https://idp.example|anna"
    assert ANNA.id != replace(ANNA, issuer="https://other.example").id


def test_no_groups_and_unknown_groups_are_different_things() -> None:
    assert replace(ANNA, groups=()) != replace(ANNA, groups=None)


def test_a_principal_cannot_gain_a_group() -> None:
    with pytest.raises(AttributeError):
        ANNA.groups = ("admin",)  # type: ignore[misc]  # that is what is tested
