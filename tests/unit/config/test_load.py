"""The whole way from a file to a configuration or to everything that is wrong with it."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lawgate.config.explain import PROBLEMS_MAX
from lawgate.config.load import check, load_config
from lawgate.config.problem import InvalidConfigError
from tests.unit.config.files import VALID, errors, spoiled, warnings, written

WRONG = """\
version: 1
listen: {data: 8443}
store: {evidence: data, keys: data/keys}
controller: {name: Northwind, contct: privacy@northwind.example}
identity:
  - {issuer: https://login.example, audience: lawgate, algorithms: [RS256, HS256]}
connections:
  llm:
    protocol: opnai
    upstream: http://llm.example/v1
    credential: sk-live-51Hxyz
    recipient: {name: LLM Inc, role: procesor, country: US}
  other:
    protocol: generic
    upstream: https://other.example
    recipient: {name: Other Inc, role: processor, country: US, contract: C-1}
purposes:
  answer:
    title: Answer customers
    allow: {groups: [support], connections: [lmm]}
    lawful_basis: 6-1-f
    retention: {content: 2 yers, evidence: 1 year}
  plan:
    title: Plan
    allow: {groups: [hr], connections: [othr]}
    lawful_basis: 6-1-c
    retention: {content: 2 years, evidence: 1 year}
    mask: {request: token}
rules:
  - name: high risk
    if: {risk_at_lest: 60}
    then: hold
  - name: bank data
    if: {detectors: [IBNA], groups: [suport]}
    then: refuse
"""

SAID = """\
lawgate.yaml:2:16 listen.data: must be text, but this is read as a number; put it in quotes
lawgate.yaml:3:31 store.keys: must not be, hold or lie in the evidence's directory: one backup would keep what \
erasure must destroy
lawgate.yaml:4:31 controller.contct: is not a key here, did you mean contact?
lawgate.yaml:6:76 identity[0].algorithms[1]: HS256 is not one of ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, \
PS512, RS256, RS384, RS512, did you mean RS256?
lawgate.yaml:9:15 connections.llm.protocol: opnai is not one of openai, generic, did you mean openai?
lawgate.yaml:11:17 connections.llm.credential: must be a reference to a secret, env:NAME or file:/path, and not the \
secret itself; if a secret stood here, replace it where it was issued
lawgate.yaml:12:38 connections.llm.recipient.role: procesor is not one of processor, joint_controller, controller, \
internal, did you mean processor?
lawgate.yaml:16:16 connections.other.recipient.safeguard: is missing: US is outside the EEA (Art. 44); one of \
adequacy, scc, bcr, derogation
lawgate.yaml:19:5 purposes.answer.assessment: is missing: 6-1-f needs the balancing test; refer to it
lawgate.yaml:20:46 purposes.answer.allow.connections[0]: lmm is not a connection of this file, did you mean llm?
lawgate.yaml:22:26 purposes.answer.retention.content: has the unknown unit yers, did you mean 2 years?
lawgate.yaml:24:5 purposes.plan.law: is missing: 6-1-c rests on a provision of law; name it
lawgate.yaml:25:41 purposes.plan.allow.connections[0]: othr is not a connection of this file, did you mean other?
lawgate.yaml:27:45 purposes.plan.retention.evidence: must be at least as long as `content`: evidence outlives content
lawgate.yaml:28:21 purposes.plan.mask.request: pseudonyms that can be turned back need the vault, which is not built \
yet; use hmac or replace
lawgate.yaml:31:10 rules[0].if.risk_at_lest: is not a key here, did you mean risk_at_least?
lawgate.yaml:34:22 rules[1].if.detectors[0]: IBNA is not a detector, did you mean IBAN?"""


def test_a_transcript_everything_that_is_wrong_in_one_pass(tmp_path: Path) -> None:
    assert "\n".join(errors(tmp_path, WRONG)) == SAID


def test_loading_raises_what_checking_reports(tmp_path: Path) -> None:
    path = written(tmp_path, WRONG)
    with pytest.raises(InvalidConfigError) as caught:
        load_config(path, env={})
    assert caught.value.problems == check(path, env={}).errors
    assert "sk-live" not in str(caught.value)


def test_a_valid_file_loads(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, VALID), env={})
    assert list(config.connections) == ["llm"]
    assert config.path == tmp_path / "lawgate.yaml"
    assert config.warnings == ()


def test_warnings_do_not_stop_and_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, spoiled(", contract: DPA-1", ""))
    assert len(load_config(path, env={}).warnings) == 1


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_says_only_that(tmp_path: Path, version: int) -> None:
    found = errors(tmp_path, f"version: {version}\nnew_key: [1]\n")
    assert len(found) == 1
    assert found[0].startswith(f"lawgate.yaml:1:10 version: is {version}, and this Lawgate knows version 1; ")


def test_a_file_that_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    assert "cannot be read (No such file or directory)" in str(check(tmp_path / "none.yaml", env={}).errors[0])
    assert "cannot be read (Is a directory)" in str(check(tmp_path, env={}).errors[0])


def test_secrets_and_files_that_are_missing_are_named_at_their_place(tmp_path: Path) -> None:
    text = spoiled("protocol: openai", "protocol: openai\n    credential: env:LLM_KEY\n    ca_file: ca.pem")
    mend = "set it, or use file:/path"
    assert errors(tmp_path, text) == [
        f"lawgate.yaml:9:17 connections.llm.credential: the environment variable LLM_KEY is not set; {mend}",
        "lawgate.yaml:10:14 connections.llm.ca_file: cannot be read (No such file or directory)",
    ]
    assert check(tmp_path / "lawgate.yaml", env={}, resolve=False).usable


def test_secret_files_that_others_can_read_are_warnings(tmp_path: Path) -> None:
    for name in ("key", "gw.pem", "gw.key"):
        (tmp_path / name).write_text("k\n")
        (tmp_path / name).chmod(0o644)
    text = spoiled("protocol: openai", "protocol: openai\n    credential: file:key").replace(
        "version: 1", "version: 1\nlisten: {tls: {certificate: gw.pem, key: gw.key}}"
    )
    assert warnings(tmp_path, text) == [
        "lawgate.yaml:2:42 listen.tls.key: can be read by other users; run: chmod 600",
        "lawgate.yaml:10:17 connections.llm.credential: is a file that other users can read; run: chmod 600",
    ]
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "gw.key").chmod(0o600)
    assert warnings(tmp_path, text) == []


def test_a_file_of_slips_is_answered_soon_and_in_short(tmp_path: Path) -> None:
    found = errors(tmp_path, VALID + "".join(f"key-{number}: 1\n" for number in range(15_000)))
    assert len(found) == PROBLEMS_MAX + 1
    assert "and 14800 more problems" in found[0]


def test_the_policy_and_the_connection_agree(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, VALID), env={})
    assert config.policy.grants["llm"][0].purpose is config.purposes["answer"]


WORDS = ("version", "1", "rules", "identity", "no", "connections", "null")
PIECES = st.sampled_from(
    (*":-{}[]'\"|>#?%@~\n\t\x00é", ": ", "- ", "  ", "&a ", "*a", "!!python/name:x ", "---", "<<", "1e999", *WORDS)
)


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(0, len(VALID)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_gets_past_the_error_tree(tmp_path: Path, noise: str, at: int) -> None:
    report = check(written(tmp_path, VALID[:at] + noise + VALID[at:]), env={})
    for problem in (*report.errors, *report.warnings):
        assert "\n" not in str(problem)
        assert problem.line >= 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["listen", "store", "controller", "identity", "connections", "purposes", "masking", "rules", "observe", "limits"]
)


@given(KEYS, VALUES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_gets_past_the_error_tree(tmp_path: Path, key: str, value: object) -> None:
    kept = [part for part in VALID.split("\n") if part]
    start = next((n for n, line in enumerate(kept) if line.startswith(key + ":")), len(kept))
    end = next((n for n in range(start + 1, len(kept)) if not kept[n].startswith(" ")), len(kept))
    text = "\n".join([*kept[:start], f"{key}: {json.dumps(value)}", *kept[end:]]) + "\n"
    path = written(tmp_path, text)
    assert check(path, env={}).usable == _loads(path)


def _loads(path: Path) -> bool:
    try:
        load_config(path, env={})
    except InvalidConfigError:
        return False
    return True
