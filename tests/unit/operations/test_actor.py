import os
import pwd

import pytest

from lawgate.operations.actor import Actor, current_actor


def test_the_name_is_that_of_the_user_id_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    actor = current_actor(os.environ)
    assert actor.uid == os.getuid()
    assert actor.name == pwd.getpwuid(os.getuid()).pw_name


def test_who_stands_behind_sudo_is_said_and_nothing_is_verified() -> None:
    actor = current_actor({"SUDO_USER": "alice"})
    assert actor.meta()["sudo_user"] == "alice"
    assert actor.meta()["verified"] is False
    assert actor.principal == "lawgate:os-user|alice"


def test_a_long_or_unprintable_sudo_user_is_cut() -> None:
    actor = current_actor({"SUDO_USER": "\x1b[31m" + "a" * 500})
    assert actor.sudo_user is not None
    assert actor.sudo_user.isprintable()
    assert len(actor.sudo_user) == 64


def test_without_sudo_the_principal_is_the_user() -> None:
    assert Actor("alice", 1000).principal == "lawgate:os-user|alice"
    assert current_actor({}).sudo_user is None
