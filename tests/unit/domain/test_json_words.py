import re

from lawgate.domain.json_words import COUNTS, MEMBER_NAMES, VALUES


def test_words_are_identifiers_that_no_person_has() -> None:
    assert all(re.fullmatch(r"[a-zA-Z]+[a-zA-Z0-9_.]*", word) for word in MEMBER_NAMES | VALUES)
    assert not any(re.search(r"[0-9]{3}|@", word) for word in MEMBER_NAMES | VALUES)


def test_values_are_words_and_not_names_of_people() -> None:
    assert {"user", "assistant", "stop"} <= VALUES
    assert not {"anna", "may", "will", "mark"} & {value.lower() for value in VALUES}


def test_counts_are_members_that_protocols_have() -> None:
    assert COUNTS <= MEMBER_NAMES
    assert not {"id", "user", "content", "input", "phone"} & COUNTS
