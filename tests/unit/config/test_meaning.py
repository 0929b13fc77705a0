# ruff: noqa: E501  each row is one slip and what is said of it
from datetime import date
from pathlib import Path

import pytest

from lawgate.config.load import check
from tests.unit.config.files import VALID, errors, spoiled, warnings, written

RULES = "version: 1\nrules: "
MASKING = "version: 1\nmasking: "


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # references
        ("connections: [llm]", "connections: [lmm]", "14:46 purposes.answer.allow.connections[0]: lmm is not a connection of this file, did you mean llm?"),
        ("6-1-b", "6-1-b\n    mask: {answer: redcat}", "16:20 purposes.answer.mask.answer: redcat is not a masking profile of this file, did you mean redact?"),
        ("version: 1", RULES + "[{name: r, if: {purposes: answers}, then: refuse}]", "2:34 rules[0].if.purposes[0]: answers is not a purpose of this file, did you mean answer?"),
        ("version: 1", RULES + "[{name: r, if: {connections: [llm, x]}, then: refuse}]", "rules[0].if.connections[1]: x is not a connection of this file"),
        ("version: 1", RULES + "[{name: r, if: {detectors: EMIAL}, then: refuse}]", "rules[0].if.detectors[0]: EMIAL is not a detector, did you mean EMAIL?"),
        ("version: 1", MASKING + "{profiles: {p: {default: keep, PAYMENT_CRD: redact}}}", "2:41 masking.profiles.p.PAYMENT_CRD: is not a detector, did you mean PAYMENT_CARD?"),
        ("version: 1", MASKING + "{profiles: {p: {EMAIL: redact}}}", "2:22 masking.profiles.p: has no `default`"),
        ("version: 1", MASKING + "{profiles: {p: {}}}", "masking.profiles.p: has no `default`"),
        # lawful basis (Art. 6, 9, 10)
        ("6-1-b", "6-1-c", "purposes.answer.law: is missing: 6-1-c rests on a provision of law; name it"),
        ("6-1-b", "6-1-e", "purposes.answer.law: is missing: 6-1-e rests on"),
        ("6-1-b", "6-1-f", "purposes.answer.assessment: is missing: 6-1-f needs the balancing test"),
        ("6-1-b", "6-1-b\n    special_categories: [9-2-h, 9-2-c, 9-2-j]", "purposes.answer.law: is missing: 9-2-h, 9-2-j rests on"),
        ("6-1-b", "6-1-b\n    data: {categories: [contact, Health]}", "purposes.answer.special_categories: is missing: health is a special category (Art. 9(1))"),
        ("6-1-b", "6-1-b\n    data: {categories: criminal}", "purposes.answer.law: is missing: criminal data (Art. 10) rests on"),
        # transfers (Chapter V)
        ("country: DE", "country: US", "connections.llm.recipient.safeguard: is missing: US is outside the EEA (Art. 44); one of adequacy, scc, bcr, derogation"),
        ("country: DE", "country: CH", "CH is outside the EEA"),
        ("country: DE", "country: UK", "recipient.country: must be the two capital letters of ISO 3166-1, such as DE, did you mean GB?"),
        # retention
        ("6-1-b", "6-1-b\n    retention: {content: 2 years, evidence: 1 year}", "purposes.answer.retention.evidence: must be at least as long as `content`"),
        ("6-1-b", "6-1-b\n    retention: {content: 2 years}", "purposes.answer.retention.evidence: must be at least as long as `content`"),
        # names
        ("  llm:", "  LLM v1:", "7:3 connections.LLM v1: must be lower-case letters, digits, '-' and '_'"),
        ("  llm:", "  ../llm:", "connections.../llm: must be lower-case"),
        ("  answer:", "  Answer:", "did you mean answer?"),
        # addresses
        ("https://llm.example", "http://llm.example", "connections.llm.upstream: must be https, or `allow_cleartext: true`"),
        ("https://login.example", "http://login.example", "identity[0].issuer: must be https: keys that come in clear can be swapped"),
        ("https://login.example", "login.example", "identity[0].issuer: is not an address such as"),
        ("protocol: openai", "protocol: openai\n    client_key: k.pem", "connections.llm: needs `client_certificate` and `client_key` together"),
        ("version: 1", "version: 1\nlisten: {data: 127.0.0.1:1, control: 127.0.0.1:1}", "listen.control: is the address of `data` too"),
        # stores
        ("keys: keys", "keys: data", "store.keys: must not be, hold or lie in the evidence's directory"),
        ("keys: keys", "keys: data/keys", "store.keys: must not be, hold or lie"),
        ("evidence: data", "evidence: keys/data", "store.keys: must not be, hold or lie"),
        ("keys: keys", "keys: keys, kek_file: data/kek.json", "store.kek_file: must not lie in the evidence's directory"),
        ("keys: keys", "keys: ./data/../data", "store.keys: must not be, hold or lie"),
        # identity
        ("audience: lawgate", "audience: lawgate, groups_claim: a..b", "claim path"),
        ("audience: lawgate", "audience: lawgate, algorithms: [HS256]", "identity[0].algorithms[0]: HS256 is not one of"),
        ("audience: lawgate", "audience: lawgate, algorithms: [none]", "identity[0].algorithms[0]: none is not one of"),
        ("audience: lawgate}", "audience: a}\n  - {issuer: https://login.example, audience: b}", "identity[1].issuer: is issuer 1 of this list already"),
        ("audience: lawgate", "audience: lawgate, leeway_s: 1 hour", "leeway of 0 to 300 seconds"),
        # rules
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: hold}]", "rules[0].approvers: is missing"),
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: refuse, approvers: {groups: g}}]", "rules[0].approvers: is only for `then: hold`"),
        ("version: 1", RULES + "[{name: r, if: {}, then: refuse}]", "rules[0].if: has no condition; for a rule that always applies write `risk_at_least: 0`"),
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: hodl}]", "rules[0].then: hodl is not one of permit, hold, refuse, did you mean hold?"),
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: refuse}, {name: r, if: {tools: true}, then: refuse}]", "rules[1].name: r is the name of an earlier rule"),
        ("version: 1", RULES + "[{name: r, if: {connection: llm}, then: refuse}]", "rules[0].if.connection: is not a key here, did you mean connections?"),
        # detectors
        ("version: 1", MASKING + "{detectors: [{name: X, pattern: '[0-9]+', category: c}]}", "masking.detectors[0].pattern: repeats without end by"),
        ("version: 1", MASKING + "{detectors: [{name: EMAIL, pattern: 'x', category: c}]}", "masking.detectors[0].name: EMAIL is built in"),
        ("version: 1", MASKING + "{detectors: [{name: X, pattern: 'x', category: c}, {name: X, pattern: 'y', category: c}]}", "masking.detectors[1].name: X is in this list already"),
        ("version: 1", MASKING + "{detectors: [{name: X, pattern: '(a{1,9}){1,9}', category: c}]}", "masking.detectors[0].pattern: can be tried in too many ways"),
        ("version: 1", RULES + "[{name: r, if: {operations: chat.completion}, then: refuse}]", "did you mean chat.completions?"),
        ("protocol: openai", "protocol: openai\n    proxy: https://proxy:3128", "connections.llm.proxy: must be http://host:port"),
        # limits
        ("version: 1", "version: 1\nlimits: {header_b_max: 1 KiB}", "limits: header_b_max must not be below request_line_b_max"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_error(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = errors(tmp_path, spoiled(old, new))
    assert len([problem for problem in found if said in problem]) == 1, found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("6-1-b", "6-1-e\n    law: SGB V section 284"),
        ("6-1-b", "6-1-f\n    assessment: LIA-2026-3"),
        ("6-1-b", "6-1-b\n    special_categories: [9-2-f]\n    data: {categories: health}"),
        ("country: DE", "country: US, safeguard: scc"),
        ("country: DE", "country: NO"),
        ("https://llm.example/v1", "http://127.0.0.1:8000"),
        ("https://llm.example/v1", "http://llm:8000\n    allow_cleartext: true"),
        ("https://login.example", "http://127.0.0.1:9000"),
        ("version: 1", RULES + "[{name: r, if: {risk_at_least: 0}, then: refuse}]"),
        ("version: 1", MASKING + "{profiles: {replace: {default: redact}}}"),
        ("version: 1", MASKING + "{profiles: {p: {default: keep, OWN: hmac}}, detectors: [{name: OWN, pattern: 'x[0-9]', category: c}]}"),
        ("version: 1", "version: 1\nlisten: {data: '127.0.0.1:0', control: '127.0.0.1:0'}"),
        ("  - {issuer: https://login.example, audience: lawgate}", "  []"),
    ],
)  # fmt: skip
def test_what_is_meant_well_passes(tmp_path: Path, old: str, new: str) -> None:
    assert errors(tmp_path, spoiled(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("country: DE", "country: IN, safeguard: adequacy", "safeguard: no adequacy decision for IN is known to this version"),
        (", contract: DPA-1", "", "connections.llm.recipient: names no `contract`, which a processor needs (Art. 28(3))"),
        ("role: processor, country: DE, contract: DPA-1", "role: joint_controller, country: DE", "the arrangement of joint controllers (Art. 26)"),
        ("https://llm.example/v1", "http://llm:8000\n    allow_cleartext: true", "upstream: sends personal data in clear"),
        ("audience: lawgate", "audience: lawgate, allow_cleartext: true", None),
        ("https://login.example, ", "http://login.example, allow_cleartext: true, ", "identity[0].issuer: fetches keys in clear"),
        ("version: 1", "version: 1\nlisten: {data: 0.0.0.0:8443}", "listen.data: takes tokens in clear"),
        ("version: 1", "version: 1\nlisten: {control: '[::]:9443'}", "listen.control: is open to other machines"),
        ("protocol: openai", "protocol: openai\n    allow_not_inspected: [application/json]", "lets application/json pass unread where it cannot be read"),
        ("6-1-b", "6-1-b\n    undeclared_special_category: refuse", "undeclared_special_category: has no effect yet"),
        ("6-1-b", "6-1-b\n    data: {categories: [helth]}", "helth is taken for an ordinary category, did you mean health?"),
        ("6-1-b", "6-1-b\n    data: {categories: [contact, financial, identifier]}", None),
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: hold, approvers: {groups: g}}]", "refused with approval_unavailable"),
        ("version: 1", RULES + "[{name: r, if: {stream: true}, then: permit}]", "only records a match"),
        ("version: 1", RULES + "[{name: r, if: {groups: suport}, then: refuse}]", "no purpose allows the group suport, did you mean support?"),
    ],
)  # fmt: skip
def test_what_is_unwise_is_a_warning_and_no_error(tmp_path: Path, old: str, new: str, said: str | None) -> None:
    text = spoiled(old, new)
    assert errors(tmp_path, text) == []
    found = warnings(tmp_path, text)
    assert found == [] if said is None else any(said in problem for problem in found), found


def test_a_plain_file_has_no_warnings(tmp_path: Path) -> None:
    assert warnings(tmp_path, VALID) == []


@pytest.mark.parametrize(("today", "count"), [(date(2027, 1, 30), 0), (date(2027, 1, 31), 1), (date(2028, 1, 1), 1)])
def test_an_observation_that_is_over_is_a_warning(tmp_path: Path, today: date, count: int) -> None:
    path = written(tmp_path, spoiled("version: 1", "version: 1\nobserve: until 2027-01-31"))
    assert len(check(path, env={}, today=today).warnings) == count


def test_detectors_are_not_checked_where_they_are_not_known(tmp_path: Path) -> None:
    path = written(tmp_path, spoiled("version: 1", MASKING + "{profiles: {p: {default: keep, WHATEVER: redact}}}"))
    assert check(path, env={}).usable
