"""A real OpenID Connect provider (npm ``oidc-provider``) for system tests.

Rule 1: it skips for one reason only, that this machine has no Node, and never in continuous integration.
Rule 2: packages come once, by ``npm ci`` from the lock file beside the provider; the stamp is the lock's digest.
Rule 3: everything is bounded in time, and the provider ends with its standard input.
"""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

FOLDER: Final = Path(__file__).parent / "oidc"
SECRET: Final = "loopback-only-secret"
INSTALL_TIMEOUT_S: Final = 300
START_TIMEOUT_S: Final = 60
CALL_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A running provider, with the clients that ``oidc/provider.mjs`` lists."""

    issuer: str

    def token(self, client: str, resource: str = "urn:lawgate") -> str:
        """An access token by client credentials (RFC 6749 section 4.4) for a resource (RFC 8707)."""
        form = urlencode({"grant_type": "client_credentials", "resource": resource}).encode()
        basic = b64encode(f"{client}:{SECRET}".encode()).decode()
        request = Request(f"{self.issuer}/token", form, {"Authorization": f"Basic {basic}"})
        with urlopen(request, timeout=CALL_TIMEOUT_S) as answer:
            return str(json.load(answer)["access_token"])

    def sign(self, typ: str, **claims: object) -> str:
        """A token of the provider's own key that it would not issue here: an ID token, one that is long expired."""
        body = json.dumps({"iss": self.issuer, **claims}).encode()
        url = f"{self.issuer}/control/sign?{urlencode({'typ': typ})}"
        with urlopen(Request(url, body), timeout=CALL_TIMEOUT_S) as answer:
            return str(answer.read().decode())

    def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; ``keep`` publishes the old ones still."""
        self._control(f"rotate?keep={int(keep)}")

    def down(self, on: bool = True) -> None:  # noqa: FBT001, FBT002
        """Answer 503 for discovery and keys, until ``down(False)``."""
        self._control(f"down?on={int(on)}")

    def _control(self, what: str) -> None:
        urlopen(Request(f"{self.issuer}/control/{what}", method="POST"), timeout=CALL_TIMEOUT_S).close()


@contextmanager
def running_provider(algorithm: str = "RS256", lifetime_s: int = 600) -> Iterator[OidcProvider]:
    """Start a provider on a free port of loopback and stop it at the end; skips where there is no Node."""
    node = _program("node")
    _install()
    with tempfile.TemporaryFile("w+") as errors:
        command = [node, str(FOLDER / "provider.mjs"), algorithm, str(lifetime_s)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield _ready(process.stdout, errors)
        finally:
            process.stdin.close()
            try:
                process.wait(CALL_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(CALL_TIMEOUT_S)
            process.stdout.close()


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[OidcProvider]:
    """One provider for a whole run; a test that rotates its keys starts its own."""
    with running_provider() as provider:
        yield provider


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("CI"), f"{name} is missing; continuous integration must not skip these tests"
        pytest.skip(f"{name} is not installed here: the real OpenID Connect provider needs Node 20 or later")
    return found


def _install() -> None:
    """Bring the locked packages into the folder, unless that was done; one process at a time."""
    npm = _program("npm")
    wanted = sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "node_modules" / ".lawgate-lock"
    with (FOLDER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
        assert done.returncode == 0, f"npm ci failed: {done.stderr[-2000:]}"
        stamp.write_text(wanted)


def _ready(output: IO[str], errors: IO[str]) -> OidcProvider:
    deadline = time.monotonic() + START_TIMEOUT_S
    said, _, _ = select.select([output], [], [], START_TIMEOUT_S)
    line = output.readline() if said else ""
    if not line:
        errors.seek(0)
        pytest.fail(f"the provider did not start: {errors.read()[-2000:]}")
    provider = OidcProvider(str(json.loads(line)["issuer"]))
    while True:
        try:
            urlopen(f"{provider.issuer}/.well-known/openid-configuration", timeout=CALL_TIMEOUT_S).close()
        except (URLError, OSError):
            assert time.monotonic() < deadline, "the provider does not answer"
            time.sleep(0.05)
        else:
            return provider
