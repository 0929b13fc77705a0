from dataclasses import replace
from typing import Any

import pytest

from lawgate.domain.errors import ConfigurationError
from lawgate.identify.issuer import IssuerPolicy, parse_claim_path
from tests.token_mint import POLICY


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("groups", ("groups",)),
        ("realm_access.roles", ("realm_access", "roles")),
        (r"resource_access.my\.client.roles", ("resource_access", "my.client", "roles")),
        (r"a\\b.c", ("a\\b", "c")),
        ("https://northwind.example/groups", ("https://northwind.example/groups",)),
        ("http://schemas.microsoft.com/ws/2008/06/role", ("http://schemas.microsoft.com/ws/2008/06/role",)),
        ("urn:northwind:groups", ("urn:northwind:groups",)),
    ],
)
def test_a_claim_path_is_split_at_its_dots(text: str, path: tuple[str, ...]) -> None:
    assert parse_claim_path(text) == path


@pytest.mark.parametrize("text", ["", ".", "a..b", ".a", "a.", "a\\", r"a\b", ".".join("abcdefghi")])
def test_a_claim_path_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="claim path"):
        parse_claim_path(text)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"issuer": "northwind"}, "not an https URL"),
        ({"audiences": ()}, "audience"),
        ({"audiences": ("lawgate", "")}, "audience"),
        ({"groups_path": ()}, "groups"),
        ({"groups_path": ("a", "")}, "groups"),
        ({"clients": frozenset()}, "clients"),
        ({"algorithms": frozenset()}, "algorithm"),
        ({"algorithms": frozenset({"RS256", "HS256"})}, "may use only"),
        ({"algorithms": frozenset({"none"})}, "may use only"),
        ({"name_claim": ""}, "name"),
        ({"lifetime_s_max": 0}, "lifetime"),
        ({"leeway_s": -1}, "leeway"),
        ({"leeway_s": 301}, "leeway"),
    ],
)
def test_a_policy_that_would_accept_too_much_cannot_be_built(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        replace(POLICY, **change)


def test_a_policy_needs_an_issuer_and_an_audience_only() -> None:
    assert IssuerPolicy("https://a.example", ("lawgate",)).require_at_jwt
