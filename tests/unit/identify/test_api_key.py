from dataclasses import replace

import pytest

from lawgate.domain.errors import Code, RefusedError
from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify.api_key import ApiKey, generate, is_api_key, parse, verify
from lawgate.ports import ApiKeyRow

NOW = 1_800_000_000
KEY = generate(bytes(range(12)), bytes(range(32)))
ROW = ApiKeyRow(KEY.id, KEY.secret_hash, "billing-batch", "Finance", "answer-customers", ("support",), NOW, NOW + 60)


def refused(row: ApiKeyRow | None, key: ApiKey = KEY, now: float = NOW) -> tuple[Code, str, str | None]:
    with pytest.raises(RefusedError) as caught:
        verify(row, key, now)
    assert key.secret not in f"{caught.value.refusal}"
    return caught.value.refusal.code, caught.value.refusal.message, caught.value.refusal.detail


def test_a_key_survives_its_text() -> None:
    assert KEY.text.startswith(f"lgk_{KEY.id}_")
    assert len(KEY.text) == 66
    assert parse(KEY.text) == KEY
    assert is_api_key(KEY.text)
    assert not is_api_key("eyJhbGciOiJSUzI1NiJ9.e30.AA")


def test_the_form_is_a_promise_to_secret_scanners() -> None:
    assert KEY.text == "lgk_abcdefghijkl_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3sJBiY"


def test_every_secret_bit_counts() -> None:
    secrets = {generate(bytes(12), (1 << bit).to_bytes(32, "big")).secret for bit in range(256)}
    assert len(secrets) == 256
    assert {len(secret) for secret in secrets} == {43}
    assert len(generate(b"\xff" * 12, b"\xff" * 32).text) == 66


@pytest.mark.parametrize(("id_length", "secret_length"), [(11, 32), (12, 31), (12, 0)])
def test_too_little_randomness_is_our_bug(id_length: int, secret_length: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        generate(bytes(id_length), bytes(secret_length))


@pytest.mark.parametrize("at", range(66))
def test_any_mistyped_character_is_noticed(at: int) -> None:
    wrong = "b" if KEY.text[at] != "b" else "c"
    with pytest.raises(RefusedError):
        parse(KEY.text[:at] + wrong + KEY.text[at + 1 :])


@pytest.mark.parametrize("text", ["", "lgk_", KEY.text[:-1], KEY.text + "0", KEY.text.upper(), "lgk_" + "ä" * 62])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        parse(text)


def test_a_good_key_is_its_service_principal_with_one_purpose() -> None:
    assert verify(ROW, KEY, NOW) == Principal(
        issuer="lawgate:api-key",
        subject="billing-batch",
        credential=CredentialKind.API_KEY,
        groups=("support",),
        expires_at=NOW + 60,
        name="billing-batch",
        client=KEY.id,
        purpose="answer-customers",
    )


def test_unknown_wrong_and_revoked_look_the_same_to_the_caller() -> None:
    other = generate(bytes(range(12)), bytes(32))
    answers = {
        refused(None)[:2],
        refused(ROW, other)[:2],
        refused(replace(ROW, id="a" * 12))[:2],
        refused(replace(ROW, revoked_at=NOW - 1))[:2],
        refused(replace(ROW, revoked_at=NOW + 999))[:2],
        refused(replace(ROW, secret_hash=b""))[:2],
    }
    assert len(answers) == 1
    assert answers.pop()[0] is Code.CREDENTIAL_INVALID


def test_expiry_is_told_to_a_holder_of_the_secret_only() -> None:
    assert refused(ROW, now=NOW + 60)[0] is Code.CREDENTIAL_EXPIRED
    assert refused(ROW, generate(bytes(range(12)), bytes(32)), NOW + 60)[0] is Code.CREDENTIAL_INVALID
    assert refused(replace(ROW, revoked_at=NOW), now=NOW + 60)[0] is Code.CREDENTIAL_INVALID


def test_a_repr_has_no_secret() -> None:
    assert KEY.secret not in repr(KEY)
    assert repr(KEY.secret_hash) not in repr(ROW)
