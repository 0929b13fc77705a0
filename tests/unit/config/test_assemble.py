from datetime import date
from pathlib import Path

from lawgate.config.load import load_config
from lawgate.config.settings import Config, ListenAddress
from lawgate.decide.rule import Approvers
from lawgate.domain.decision import Outcome
from lawgate.domain.limits import Limits
from lawgate.domain.processing import Observation, RecordLevel, Retention
from lawgate.mask.custom import CustomDetector
from tests.unit.config.files import VALID, spoiled, written


def loaded(directory: Path, text: str = VALID, **env: str) -> Config:
    return load_config(written(directory, text), env=env)


def test_defaults(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert (config.listen.data, config.listen.control) == (
        ListenAddress("127.0.0.1", 8443),
        ListenAddress("127.0.0.1", 9443),
    )
    assert config.store.kek_file == tmp_path / "keys" / "kek.json"
    assert (config.store.node, config.store.origin, config.log_level) == ("node-1", None, "info")
    purpose = config.purposes["answer"]
    assert purpose.retention == Retention(30, 365)
    assert (purpose.record, purpose.mask_request, purpose.mask_answer) == (RecordLevel.FULL, "replace", "replace")
    assert config.limits == Limits()
    assert config.identity[0].policy.groups_path == ("groups",)
    assert config.identity[0].policy.clients is None
    assert config.identity[0].policy.require_at_jwt


def test_paths_start_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    text = spoiled("protocol: openai", "protocol: openai\n    ca_file: ca.pem").replace("keys: keys", "keys: /abs/keys")
    config = loaded(tmp_path, text)
    assert config.connections["llm"].ca_file == str(tmp_path / "ca.pem")
    assert config.store.keys == Path("/abs/keys")


def test_a_key_in_another_field_has_no_word_before_it(tmp_path: Path) -> None:
    lines = "protocol: openai\n    credential: env:K"
    plain = loaded(tmp_path, spoiled("protocol: openai", lines), K="k").connections["llm"]
    other = loaded(
        tmp_path, spoiled("protocol: openai", f"{lines}\n    credential_header: X-Api-Key"), K="k"
    ).connections["llm"]
    assert (plain.credential_header, plain.credential_scheme) == ("authorization", "Bearer")
    assert (other.credential_header, other.credential_scheme) == ("x-api-key", "")


def test_every_operator_has_a_profile_and_a_file_may_replace_it(tmp_path: Path) -> None:
    text = spoiled("version: 1", "version: 1\nmasking: {profiles: {replace: {default: redact, IBAN: hmac}}}")
    profiles = loaded(tmp_path, text).profiles
    assert set(profiles) == {"redact", "replace", "mask", "hmac", "keep"}
    assert (profiles["replace"].operator("IBAN"), profiles["replace"].operator("EMAIL")) == ("hmac", "redact")
    assert profiles["keep"].operator("IBAN") == "keep"


def test_the_rest_arrives_as_it_was_written(tmp_path: Path) -> None:
    text = spoiled(
        "version: 1",
        "version: 1\nobserve: until 2027-01-31\nlogging: {level: debug}\n"
        "limits: {body_b_max: 1 MiB, total_s_max: 5 min}\n"
        "masking: {detectors: [{name: OWN, pattern: 'x[0-9]', category: identifier}]}\n"
        "rules: [{name: r, if: {models: 'gpt-4*'}, then: hold, approvers: {groups: leads, quorum: 2}}]",
    )
    config = loaded(tmp_path, text)
    assert config.observe == Observation(date(2027, 1, 31))
    assert (config.limits.body_b_max, config.limits.total_s_max) == (1024**2, 300.0)
    assert config.detectors == (CustomDetector("OWN", "x[0-9]", "identifier"),)
    (rule,) = config.rules
    assert (rule.then, rule.condition.models, rule.approvers) == (Outcome.HOLD, ("gpt-4*",), Approvers(("leads",), 2))
    assert config.policy.observe_until > 0
    assert ("answer", "llm") in config.policy.pairs
