"""What single steps of a governed request cost, in this process and without waiting.

Rule 1: the steps are called as the gateway calls them, with what the gateway's configuration became.
Rule 2: thread time, so that a busy machine counts less; the median of many short runs.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lawgate.config.load import load_config
from lawgate.decide.rule import DecisionInput
from lawgate.decide.verdict import decide
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.domain.message import Direction
from lawgate.evidence.parts import KEY_SIZE, NONCE_SIZE, seal, wrap_with, wrapping_key
from lawgate.exchange.content import inspect
from lawgate.identify.cache import TokenCache
from lawgate.identify.jwt import parse_token, verified_claims
from lawgate.mask.detectors import NAMES
from lawgate.mask.engine import compile_detection
from lawgate.mask.masker import Masker
from lawgate.wire.content_type import ContentKind
from lawgate.wire.protocol import wire_for
from tests import token_mint
from tests.bench.bodies import request_body, whole_answer
from tests.bench.stage import PURPOSE, configuration

CONNECTION: Final = "chat"
NOW: Final = token_mint.NOW
CALLER: Final = Principal(token_mint.ISSUER, "support-desk", CredentialKind.OIDC, ("support",), NOW + 3600)


@dataclass(frozen=True)
class Part:
    """CPU microseconds of one call."""

    step: str
    cpu_us: float


def single_steps(folder: Path, *, runs: int, calls: int) -> list[Part]:
    """Each step in turn."""
    return [Part(name, _cpu_us(call, runs, calls)) for name, call in _steps(folder).items()]


def _cpu_us(call: Callable[[], object], runs: int, calls: int) -> float:
    call()
    took = []
    for _ in range(runs):
        before = time.thread_time_ns()
        for _ in range(calls):
            call()
        took.append(time.thread_time_ns() - before)
    return statistics.median(took) / calls / 1000


def _steps(folder: Path) -> dict[str, Callable[[], object]]:
    file = folder / "lawgate.yaml"
    file.write_text(configuration(idp=1, whole=1, events=1), encoding="utf-8")
    config = load_config(file, env={}, detectors=NAMES)
    purpose, connection = config.purposes[PURPOSE], config.connections[CONNECTION]
    assert purpose.mask_request is not None
    masker = Masker(compile_detection(), config.profiles[purpose.mask_request], bytes(32))
    request, answer, wire = request_body(), whole_answer(), wire_for(connection.protocol)
    given = DecisionInput(CALLER, PURPOSE, CONNECTION, "chat.completions", "m", {"EMAIL": 1}, len(request), NOW)
    steps: dict[str, Callable[[], object]] = {
        "find and mask in a request of 1.5 kB": lambda: inspect(request, ContentKind.JSON, masker),
        "find and mask in an answer of 1 kB": lambda: inspect(
            answer, ContentKind.JSON, masker, Direction.ANSWER, skip=wire.skip, withhold=wire.withhold
        ),
        "decide": lambda: decide(config.policy, given),
        "seal a part of 1.5 kB and wrap its key": lambda: _seal(request),
    }
    return steps | _token_steps()


def _seal(plaintext: bytes) -> object:
    secret, nonce = bytes(KEY_SIZE), bytes(NONCE_SIZE)
    sealed = seal(entry="0" * 32, number=1, label="request", plaintext=plaintext, secret=secret, nonce=nonce)
    return sealed, wrap_with(_WRAPPING, secret=secret, context=b"0/1/2/3", nonce=nonce)


_WRAPPING: Final = wrapping_key(bytes(KEY_SIZE), bytes(KEY_SIZE))


def _token_steps() -> dict[str, Callable[[], object]]:
    token = token_mint.token("ES256")
    keys = token_mint.key_set(token_mint.jwk("ES256"))
    cache = TokenCache()
    cache.put(token, CALLER, NOW + 300, NOW)
    return {
        "know a token again": lambda: cache.get(token, NOW + 1),
        "verify a token (ES256) the first time": lambda: verified_claims(parse_token(token), keys, token_mint.POLICY),
    }
