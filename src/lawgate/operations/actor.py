"""Who gives a command on this machine, as the operating system says it.

Rule 1: the name is that of the process's real user id; the environment (``LOGNAME``, ``USER``) cannot change it.
Rule 2: nobody verified it: until operators sign in, every entry says so.
"""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lawgate.domain.identity import CredentialKind

ISSUER: Final = "lawgate:os-user"
"""Issuer of principals that are operating-system users; no configured issuer can be called so (it is no URL)."""
SHOWN_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Actor:
    """A user of the operating system. ``sudo_user`` is what ``sudo`` says about who stands behind them."""

    name: str
    uid: int
    sudo_user: str | None = None

    @property
    def principal(self) -> str:
        """``issuer|subject``, as for any other principal; what entries are found by."""
        return f"{ISSUER}|{self.sudo_user or self.name}"

    def meta(self) -> dict[str, Any]:
        """What an entry says about them, in its sealed part."""
        return {
            "os_user": self.name,
            "uid": self.uid,
            "sudo_user": self.sudo_user,
            "credential": CredentialKind.OS_USER.value,
            "verified": False,
        }


def current_actor(environ: Mapping[str, str]) -> Actor:
    """Who runs this process."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user that has no name
        name = f"uid {uid}"
    behind = "".join([char for char in environ.get("SUDO_USER", "") if char.isprintable()])[:SHOWN_MAX]
    return Actor(name, uid, behind or None)
