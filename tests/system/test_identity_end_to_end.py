"""Tokens of a real provider at a real gateway, while keys rotate and the provider goes down."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from lawgate.identify.issuer import LEEWAY_S
from tests.gateway_process import PREAMBLE, GatewayProcess
from tests.system.conftest import RECIPIENT, chat_json, curl, entries_of
from tests.system.model_server import ModelServer
from tests.system.oidc_provider import OidcProvider, running_provider

_CONFIGURATION = """\
identity:
  - {{issuer: "{issuer}", audience: lawgate, groups_claim: {claim}, leeway_s: {leeway_s}}}
connections:
  llm: {{protocol: openai, upstream: "{model}/v1", {recipient}}}
purposes:
  answer: {{title: Answer, allow: {{groups: [{group}], connections: [llm]}}, lawful_basis: 6-1-b}}
"""


def configuration(
    issuer: str, model: ModelServer, *, claim: str = "groups", group: str = "support", leeway_s: int = LEEWAY_S
) -> str:
    return PREAMBLE + _CONFIGURATION.format(
        issuer=issuer, model=model.url, claim=claim, group=group, leeway_s=leeway_s, recipient=RECIPIENT
    )


def ask(gateway: GatewayProcess, token: str) -> tuple[int, str]:
    """Status and code of one chat request."""
    answer = curl(
        f"{gateway.data_url}/llm/v1/chat/completions",
        "-H",
        f"Authorization: Bearer {token}",
        "-H",
        "content-type: application/json",
        "-d",
        chat_json("hello"),
    )
    return answer.status, "" if answer.status == 200 else answer.json["error"]["code"]


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """One that may be rotated and stopped."""
    with running_provider("ES256") as running:
        yield running


class Load:
    """Requests one after the other on some threads, each with the token that is current just then."""

    def __init__(self, gateway: GatewayProcess, token: str) -> None:
        self.token = token
        self.seen: Counter[tuple[int, str]] = Counter()
        self._gateway = gateway
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def more(self, count: int = 10) -> None:
        """Wait until so many more requests were answered."""
        with self._lock:
            wanted = sum(self.seen.values()) + count
        self._gateway.wait_until(lambda: sum(self.seen.values()) >= wanted, "no answers come", timeout_s=20)

    def _run(self) -> None:
        while not self._ended.is_set():
            found = ask(self._gateway, self.token)
            with self._lock:
                self.seen[found] += 1


def test_a_rotation_under_load_fails_no_request(provider: OidcProvider, model: ModelServer, tmp_path: Path) -> None:
    old = provider.token("support-desk")
    with GatewayProcess(tmp_path, configuration(provider.issuer, model)) as gateway:
        with Load(gateway, old) as load:
            load.more()
            provider.rotate(keep=True)
            load.more()
            load.token = provider.token("support-desk")
            assert load.token.split(".")[0] != old.split(".")[0], "it names the new key"
            load.more(20)
        assert set(load.seen) == {(200, "")}
        assert ask(gateway, old) == (200, ""), "the old key is published still"


def test_a_provider_that_is_down(provider: OidcProvider, model: ModelServer, tmp_path: Path) -> None:
    with GatewayProcess(tmp_path / "first", configuration(provider.issuer, model)) as first:
        assert ask(first, provider.token("support-desk")) == (200, "")
        provider.down()
        try:
            # A token that the gateway has never seen, of a key that it knows.
            assert ask(first, provider.token("claims-desk")) == (200, "")
            with GatewayProcess(tmp_path / "second", configuration(provider.issuer, model)) as second:
                token = provider.token("support-desk")
                answer = curl(f"{second.data_url}/llm/v1/models", "-H", f"Authorization: Bearer {token}")
                assert (answer.status, answer.json["error"]["code"]) == (503, "identity_unavailable")
                assert answer.headers["retry-after"] == "5"
                assert answer.headers["x-should-retry"] == "true"
                assert entries_of(second, answer.exchange) == []
                provider.down(False)
                second.wait_until(lambda: ask(second, token) == (200, ""), "it does not recover", timeout_s=15)
        finally:
            provider.down(False)


def test_nested_groups(provider: OidcProvider, model: ModelServer, tmp_path: Path) -> None:
    text = configuration(provider.issuer, model, claim="realm_access.roles", group="claims")
    with GatewayProcess(tmp_path, text) as gateway:
        assert ask(gateway, provider.token("claims-desk")) == (200, "")
        assert ask(gateway, provider.token("support-desk")) == (403, "purpose_none")
        assert ask(gateway, provider.token("no-groups")) == (403, "groups_unknown")


def test_groups_that_nobody_knows_refuse(gateway: GatewayProcess, oidc_provider: OidcProvider) -> None:
    """An overage (many-groups) names an address in the token: it is never called."""
    for client in ("unknown-groups", "many-groups"):
        assert ask(gateway, oidc_provider.token(client)) == (403, "groups_unknown")
    assert ask(gateway, oidc_provider.token("no-groups")) == (403, "purpose_none")


def test_a_token_for_another_audience(gateway: GatewayProcess, oidc_provider: OidcProvider) -> None:
    assert ask(gateway, oidc_provider.token("support-desk", "urn:billing")) == (401, "credential_invalid")


def test_a_token_of_another_issuer(gateway: GatewayProcess, provider: OidcProvider) -> None:
    assert ask(gateway, provider.token("support-desk")) == (401, "credential_invalid")


def test_an_id_token_is_no_access_token(gateway: GatewayProcess, oidc_provider: OidcProvider) -> None:
    now = int(time.time())
    claims = {"sub": "support-desk", "aud": "lawgate", "iat": now, "exp": now + 300, "groups": ["support"]}
    more = {"client_id": "support-desk", "jti": "1"}
    assert ask(gateway, oidc_provider.sign("JWT", **claims)) == (401, "credential_invalid")
    assert ask(gateway, oidc_provider.sign("JWT", **claims, **more)) == (401, "credential_invalid")
    # The same claims as an access token are good: it was the type that was refused.
    assert ask(gateway, oidc_provider.sign("at+jwt", **claims, **more)) == (200, "")


def test_a_token_expires(model: ModelServer, tmp_path: Path) -> None:
    with (
        running_provider(lifetime_s=3) as provider,
        GatewayProcess(tmp_path, configuration(provider.issuer, model, leeway_s=1)) as gateway,
    ):
        token = provider.token("support-desk")
        assert ask(gateway, token) == (200, ""), "and it is in the cache now"
        gateway.wait_until(lambda: ask(gateway, token) != (200, ""), "the token never expires", timeout_s=15)
        assert ask(gateway, token) == (401, "credential_expired")
        assert ask(gateway, provider.token("support-desk")) == (200, "")


def test_an_altered_token(gateway: GatewayProcess, token: str) -> None:
    head, body, signature = token.split(".")
    for altered in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature[:-8]}AAAAAAAA", f"{token}x"):
        assert ask(gateway, altered) == (401, "credential_invalid")
