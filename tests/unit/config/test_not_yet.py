from pathlib import Path

import pytest

from lawgate.config.not_yet import NOT_YET, refused
from lawgate.config.problem import path_text
from tests.unit.config.files import VALID, document, errors, spoiled


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("lawful_basis: 6-1-b", "lawful_basis: 6-1-a", "purposes.answer.lawful_basis", "consent ledger"),
        (
            "lawful_basis: 6-1-b",
            "lawful_basis: 6-1-b\n    special_categories: [9-2-a]",
            "purposes.answer.special_categories[0]",
            "consent ledger",
        ),
        ("protocol: openai", "protocol: anthropic", "connections.llm.protocol", "anthropic is not built yet"),
        ("protocol: openai", "protocol: kserve-v2", "connections.llm.protocol", "KServe is not built yet"),
        ("evidence: data", "evidence: postgresql://db/x", "store.evidence", "PostgreSQL store is not built yet"),
        ("keys: keys}", "keys: keys, kek_file: vault://transit/x}", "store.kek_file", "KMS is not built yet"),
        ("audience: lawgate", "audience: lawgate, type: saml", "identity[0].type", "SAML is not built yet"),
        ("audience: lawgate", "audience: lawgate, introspection: x", "identity[0].introspection", "introspection"),
        ("version: 1", "version: 1\nsinks: {splunk: {}}", "sinks", "SIEM"),
        ("6-1-b", "6-1-b\n    mask: {request: token}", "purposes.answer.mask.request", "need the vault"),
        (
            "version: 1",
            "version: 1\nmasking: {profiles: {p: {default: surrogate}}}",
            "masking.profiles.p.default",
            "surrogate is not built yet",
        ),
        (
            "version: 1",
            "version: 1\nrules: [{name: r, when: 'risk > 3', if: {stream: true}, then: refuse}]",
            "rules[0].when",
            "CEL are not built yet",
        ),
    ],
)
def test_what_is_not_built_is_refused_by_name_and_only_once(
    tmp_path: Path, old: str, new: str, path: str, said: str
) -> None:
    found = errors(tmp_path, spoiled(old, new))
    assert len(found) == 1, found
    assert f" {path}: " in found[0]
    assert said in found[0]


@pytest.mark.parametrize("operator", ["token", "encrypt", "surrogate", "block"])
def test_operators_of_later(tmp_path: Path, operator: str) -> None:
    text = spoiled("version: 1", f"version: 1\nmasking: {{profiles: {{p: {{default: keep, IBAN: {operator}}}}}}}")
    (found,) = errors(tmp_path, text)
    assert found.startswith("lawgate.yaml:2:") and "not built yet" in found  # noqa: PT018  one line says both


def test_a_profile_may_have_the_name_of_a_later_operator(tmp_path: Path) -> None:
    text = spoiled("version: 1", "version: 1\nmasking: {profiles: {token: {default: hmac}}}")
    assert errors(tmp_path, text.replace("6-1-b", "6-1-b\n    mask: {request: token}")) == []


def test_a_valid_file_asks_for_nothing_of_it() -> None:
    assert refused(document(VALID)) == []


def test_the_first_row_that_fits_speaks_and_every_row_says_something() -> None:
    (found,) = refused(document("identity: [{type: oidc}]"))
    assert path_text(found.path) == "identity[0].type"
    assert "not needed" in found.what
    assert all(row.what and row.path for row in NOT_YET)
