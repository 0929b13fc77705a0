from dataclasses import replace

import pytest

from lawgate.domain.errors import RefusedError
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify.claims import groups_from, principal_from
from tests.token_mint import ABSENT, ISSUER, NOW, POLICY, claims_of


def principal(changes: dict[str, object] | None = None, now: float = NOW) -> Principal:
    return principal_from(claims_of(**(changes or {})), POLICY, now)


def test_claims_become_a_principal() -> None:
    assert principal({"name": "Ada", "email": "ada@northwind.example"}) == Principal(
        issuer=ISSUER,
        subject="u-4711",
        credential=CredentialKind.OIDC,
        groups=("support",),
        expires_at=NOW + 600,
        client="support-desk",
    )


@pytest.mark.parametrize("audience", ["lawgate", ["billing", "lawgate"], ["lawgate"]])
def test_the_gateway_may_be_one_audience_of_several(audience: object) -> None:
    assert principal({"aud": audience}).subject == "u-4711"


@pytest.mark.parametrize(
    ("changes", "client"),
    [
        ({"client_id": "a"}, "a"),
        ({"client_id": ABSENT, "azp": "b"}, "b"),
        ({"client_id": "c", "azp": "c"}, "c"),
        ({"client_id": ABSENT}, None),
    ],
)
def test_the_client_is_named_by_either_claim(changes: dict[str, object], client: str | None) -> None:
    assert principal(changes).client == client


@pytest.mark.parametrize("changes", [{"client_id": "other"}, {"client_id": ABSENT}, {"client_id": ABSENT, "azp": "x"}])
def test_a_client_that_is_not_on_the_list_is_refused(changes: dict[str, object]) -> None:
    policy = replace(POLICY, clients=frozenset({"support-desk"}))
    assert principal_from(claims_of(), policy, NOW).client == "support-desk"
    with pytest.raises(RefusedError):
        principal_from(claims_of(**changes), policy, NOW)


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    assert principal(now=NOW + 629.5).expires_at == NOW + 600
    assert principal({"nbf": NOW + 30, "iat": NOW + 30}).subject == "u-4711"
    with pytest.raises(RefusedError):
        principal(now=NOW + 630)
    earlies: list[dict[str, object]] = [{"nbf": NOW + 30.5}, {"iat": NOW + 31}]
    for early in earlies:
        with pytest.raises(RefusedError):
            principal(early)


def test_dates_may_have_fractions() -> None:
    assert principal({"exp": NOW + 599.9, "iat": NOW - 0.5}).expires_at == NOW + 599


def test_a_long_life_is_refused_unless_the_configuration_allows_it() -> None:
    month = claims_of(exp=NOW + 30 * 86_400)
    with pytest.raises(RefusedError):
        principal_from(month, POLICY, NOW)
    assert principal_from(month, replace(POLICY, lifetime_s_max=31 * 86_400), NOW).subject == "u-4711"


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["a", "b", "a"]}, ("groups",), ("a", "b")),
        ({"groups": "a b"}, ("groups",), ("a b",)),
        ({"groups": []}, ("groups",), ()),
        ({}, ("groups",), None),
        ({"groups": None}, ("groups",), None),
        ({"realm_access": {"roles": ["r"]}}, ("realm_access", "roles"), ("r",)),
        ({"realm_access": {}}, ("realm_access", "roles"), None),
        ({"realm_access.roles": ["r"]}, ("realm_access", "roles"), None),
        ({"https://n.example/groups": ["g"]}, ("https://n.example/groups",), ("g",)),
        ({"resource_access": {"my.app": {"roles": ["r"]}}}, ("resource_access", "my.app", "roles"), ("r",)),
        # Entra: more groups than fit, and where to ask for them.
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}, ("groups",), None),
        ({"_claim_names": {"groups": "src1"}, "groups": ["a"]}, ("groups",), None),
        ({"_claim_names": "odd", "groups": ["a"]}, ("groups",), None),
        ({"_claim_names": {"photo": "src1"}, "groups": ["a"]}, ("groups",), ("a",)),
        ({"hasgroups": True}, ("groups",), None),
        ({"hasgroups": "true", "groups": ["a"]}, ("groups",), None),
        ({"hasgroups": False, "groups": ["a"]}, ("groups",), ("a",)),
        ({"hasgroups": True, "roles": ["r"]}, ("roles",), ("r",)),
    ],
)
def test_groups_are_known_empty_or_unknown(
    claims: dict[str, object], path: tuple[str, ...], groups: tuple[str, ...] | None
) -> None:
    assert groups_from(claims, path) == groups


def test_a_path_through_something_else_than_objects_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        groups_from({"realm_access": ["roles"]}, ("realm_access", "roles"))
    assert caught.value.refusal.detail == "the groups claim is not where the configuration says"


@pytest.mark.parametrize(
    ("value", "name"), [("Ada", "Ada"), ("A\0da", None), (7, None), ("x" * 257, None), ("", None), (ABSENT, None)]
)
def test_a_name_is_kept_only_if_it_is_wanted_and_can_be_shown(value: object, name: str | None) -> None:
    claims = claims_of(**{"https://n.example/name": value})
    assert principal_from(claims, replace(POLICY, name_claim="https://n.example/name"), NOW).name == name
    assert principal_from(claims, POLICY, NOW).name is None


def test_callers_learn_nothing_of_the_token() -> None:
    faulty: list[dict[str, object]] = [{"sub": "x\0secret"}, {"aud": "secret"}, {"exp": "secret"}]
    for changes in faulty:
        with pytest.raises(RefusedError) as caught:
            principal(changes)
        assert "secret" not in f"{caught.value.refusal} {caught.value}"
