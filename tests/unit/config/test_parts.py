from lawgate.config.parts import find_parts
from tests.unit.config.files import VALID, document, spoiled


def test_a_valid_file_has_all_its_parts() -> None:
    parts = find_parts(document(VALID))
    assert parts.store is not None
    assert parts.listen is not None
    assert (set(parts.connections), set(parts.purposes), list(parts.identity)) == ({"llm"}, {"answer"}, [0])
    assert {"replace", "keep"} <= parts.profile_names


def test_a_faulty_section_is_absent_but_its_name_is_declared() -> None:
    parts = find_parts(document(spoiled("protocol: openai", "protocol: 5")))
    assert parts.connections == {}
    assert parts.connection_names == {"llm"}


def test_sections_of_the_wrong_kind_are_simply_absent() -> None:
    parts = find_parts(
        document("store: 1\nconnections: [1]\nidentity: {a: 1}\nrules: x\nlimits: []\nobserve: 5\nlisten:\n")
    )
    assert (parts.store, parts.listen, parts.observe) == (None, None, None)
    assert (parts.connections, parts.identity, parts.rules, parts.limits) == ({}, {}, {}, {})


def test_lines_of_profiles_are_listed() -> None:
    parts = find_parts(document("masking: {profiles: {p: {default: keep, IBAN: redact}, q: 1}}"))
    assert parts.profile_detectors == (("p", "IBAN"), ("p", "default"))
    assert {"p", "q"} <= parts.profile_names
