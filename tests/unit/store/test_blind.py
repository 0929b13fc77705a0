from lawgate.store.blind import BLIND_B, blind_principal, blind_subject

KEY = bytes(range(32))


def test_equal_values_are_equal_and_others_are_not() -> None:
    blinded = {blind_subject(KEY, value) for value in ("email=a@x", "phone=a@x", "a@x", "email=b@x", "=a@x")}
    assert len(blinded) == 4  # without a type, and with an empty one, is the same
    assert blind_subject(KEY, "email=a@x") == blind_subject(KEY, "email=a@x")


def test_type_and_value_cannot_run_into_each_other() -> None:
    assert blind_subject(KEY, "a=bc") != blind_subject(KEY, "ab=c")


def test_another_key_gives_other_values() -> None:
    assert blind_principal(KEY, "alice") != blind_principal(bytes(32), "alice")
    assert len(blind_principal(KEY, "alice")) == BLIND_B == 16


def test_a_principal_is_no_subject_of_the_same_text() -> None:
    assert blind_principal(KEY, "alice") != blind_subject(KEY, "alice")


def test_text_that_is_not_utf8_has_a_place_too() -> None:
    assert len(blind_subject(KEY, "email=\udcff")) == BLIND_B
