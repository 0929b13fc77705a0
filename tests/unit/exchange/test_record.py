"""What the entries of an exchange hold, and what they must not."""

import msgspec

from lawgate.domain.message import CutText, Mark
from lawgate.domain.processing import RecordLevel
from lawgate.exchange import record
from lawgate.exchange.facts import AnswerFacts, Facts
from lawgate.ports import EntryDraft
from tests.playbook import ANNA, CUT, GROUNDS, MASKED, NO, PERMIT, PURPOSE, REQUEST, facts


def _facts() -> Facts:
    known = facts()
    known.principal, known.grounds, known.retention = ANNA, GROUNDS, GROUNDS.retention
    known.request, known.masked, known.verdict = REQUEST, MASKED, PERMIT
    return known


def _parts(draft: EntryDraft) -> dict[str, bytes]:
    return {part.label: part.plaintext for part in draft.parts}


def test_an_intent_answers_who_why_and_what_was_masked() -> None:
    meta = msgspec.json.decode(_parts(record.intent_draft(_facts()))["meta"])
    assert meta["caller"]["subject"] == "anna"
    assert meta["grounds"]["lawful_basis"] == "6-1-b"
    assert meta["grounds"]["lawful_basis_iri"].endswith("eu/gdpr#A6-1-b")
    assert meta["grounds"]["recipient"]["contract"] == "DPA-2026-014"
    assert meta["masking"] == {
        "profile": "replace",
        "detection": "dd",
        "operators": {"EMAIL": "replace"},
        "pseudonymised": False,
    }
    assert meta["verdict"]["outcome"] == "permit"
    assert (meta["received_sha256"], meta["forwarded_sha256"]) == ("aa", "bb")


def test_a_body_is_kept_cut_and_its_originals_apart() -> None:
    parts = _parts(record.intent_draft(_facts()))
    assert msgspec.json.decode(parts["request"]) == {
        "text": '{"content":""}',
        "marks": [[12, "EMAIL", "replace", "<EMAIL>"]],
    }
    assert msgspec.json.decode(parts["request-originals"]) == ["anna@example.de"]
    assert b"anna@example.de" not in parts["meta"] + parts["request"]


def test_the_leaf_says_nothing_of_who_or_why() -> None:
    assert record.intent_draft(_facts()).public == {}


def test_levels_drop_originals_and_bodies() -> None:
    masked = record.body_parts(CUT, RecordLevel.MASKED, "request", "request-originals")
    assert [part.label for part in masked] == ["request"]
    assert record.body_parts(CUT, RecordLevel.METADATA, "request", "request-originals") == []


def test_a_refusal_keeps_counts_and_no_body() -> None:
    known = _facts()
    known.refusal, known.refused_at = NO, 1_790_000_003.0
    draft = record.refusal_draft(known)
    assert [part.label for part in draft.parts] == ["meta"]
    meta = msgspec.json.decode(draft.parts[0].plaintext)
    assert (meta["code"], meta["spans"]) == ("policy_refused", {"EMAIL": 1})
    assert b"anna@example.de" not in draft.parts[0].plaintext


def test_an_outcome_refers_to_its_intent() -> None:
    known = _facts()
    known.intent, known.outcome = "ef" * 16, "answered"
    known.answer = AnswerFacts(at=1_790_000_001.5, status=200, cut=CutText("{}"))
    draft = record.outcome_draft(known)
    assert draft.public == {"re": "ef" * 16}
    assert draft.index.outcome == "answered"
    assert msgspec.json.decode(draft.parts[0].plaintext)["total_ms"] == 1500


def test_a_lone_surrogate_does_not_stop_the_record() -> None:
    assert msgspec.json.decode(record.encode_cut(CutText("a\ud800b")))["text"].startswith("a")


def test_a_body_that_is_not_text_is_kept_whole_or_not_at_all() -> None:
    known = _facts()
    known.masked = MASKED.__class__(
        cut=None, forwarded_sha256="b", forwarded_b=3, profile=None, detection="d", opaque=b"\x00\x01\x02"
    )
    assert msgspec.json.decode(_parts(record.intent_draft(known))["request"]) == {"base64": "AAEC"}
    assert PURPOSE.record is RecordLevel.FULL


def test_a_kept_original_is_in_no_part_but_the_originals() -> None:
    kept = CutText("mail ", (Mark(5, "EMAIL", "keep", "anna@example.de"),), ("anna@example.de",))
    for level in (RecordLevel.MASKED, RecordLevel.FULL):
        parts = record.body_parts(kept, level, "request", "request-originals")
        assert b"anna@example.de" not in parts[0].plaintext
        assert msgspec.json.decode(parts[0].plaintext)["marks"] == [[5, "EMAIL", "keep", None]]
