"""A configuration becomes what exchanges use."""

from pathlib import Path

from lawgate.config.load import load_config
from lawgate.config.settings import Config, IssuerSettings
from lawgate.domain.limits import Limits
from lawgate.idp.oidc import OidcIssuer
from lawgate.ports import ApiKeyRow
from lawgate.upstream.pool import UpstreamPool
from lawgate.wiring.assembling import Assembled, assemble, mask_key
from tests.unit.config.files import VALID, spoiled, written

INDEX_KEY = bytes(range(32))
SECOND = """\
  train:
    title: Train staff
    allow: {groups: [staff], connections: [llm]}
    lawful_basis: 6-1-b
    mask: {request: hmac, answer: replace}
"""


class NoKeys:
    def lookup(self, key_id: str) -> ApiKeyRow | None:
        raise AssertionError(key_id)


def loaded(directory: Path, text: str = VALID, **env: str) -> Config:
    return load_config(written(directory, text), env=env)


def assembled(config: Config, issuers: dict[IssuerSettings, OidcIssuer] | None = None) -> Assembled:
    known = {} if issuers is None else issuers
    pool = UpstreamPool(Limits())
    return assemble(config, pool=pool, api_keys=NoKeys(), index_key=INDEX_KEY, issuers=known)


async def test_routes_hold_the_purposes_of_their_connection(tmp_path: Path) -> None:
    config = loaded(tmp_path, VALID + SECOND)
    in_force = assembled(config).in_force
    assert set(in_force.routes) == {"llm"}
    assert set(in_force.routes["llm"].purposes) == {"answer", "train"}
    assert in_force.digest == config.digest
    assert in_force.policy is config.policy


async def test_what_is_kept_as_it_is_is_withheld_nowhere(tmp_path: Path) -> None:
    purposes = assembled(loaded(tmp_path, VALID + SECOND)).in_force.routes["llm"].purposes
    answered = {name: purpose.grounds.purpose.mask_answer for name, purpose in purposes.items()}
    for name, purpose in purposes.items():
        assert bool(purpose.withhold) == (answered[name] is not None), name
    assert purposes["train"].withhold == {"logprobs", "top_logprobs"}


async def test_pseudonyms_are_the_same_after_a_restart_and_other_for_another_key(tmp_path: Path) -> None:
    config = loaded(tmp_path, VALID + SECOND)
    masked = [
        assembled(config).in_force.routes["llm"].purposes["train"].request_masker.edits("anna@mail.example")[0]
        for _ in range(2)
    ]
    assert masked[0] == masked[1]
    assert masked[0].operator == "hmac"
    assert mask_key(INDEX_KEY) != mask_key(bytes(32))
    assert INDEX_KEY not in mask_key(INDEX_KEY)


async def test_a_profile_is_compiled_once(tmp_path: Path) -> None:
    purposes = assembled(loaded(tmp_path, VALID + SECOND + SECOND.replace("train:", "learn:"))).in_force.routes["llm"]
    assert purposes.purposes["train"].request_masker is purposes.purposes["learn"].request_masker


async def test_issuers_that_did_not_change_keep_their_keys(tmp_path: Path) -> None:
    issuers: dict[IssuerSettings, OidcIssuer] = {}
    assembled(loaded(tmp_path), issuers)
    (before,) = issuers.values()
    assembled(loaded(tmp_path, spoiled("title: Answer customers", "title: Answer")), issuers)
    assert list(issuers.values()) == [before]
    assembled(loaded(tmp_path, spoiled("https://login.example", "https://other.example")), issuers)
    assert len(issuers) == 2
    for each in issuers.values():
        await each.aclose()


async def test_the_targets_are_those_of_the_connections(tmp_path: Path) -> None:
    (target,) = assembled(loaded(tmp_path)).targets
    assert (target.host, target.port) == ("llm.example", 443)


async def test_a_credential_goes_to_the_upstream_and_nowhere_else(tmp_path: Path) -> None:
    text = spoiled("    upstream:", "    credential: env:LLM_KEY\n    upstream:")
    config = loaded(tmp_path, text, LLM_KEY="sk-secret")
    made = assembled(config)
    assert "sk-secret" not in f"{config!r}{config.public_view()}{made!r}"
