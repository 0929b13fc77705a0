import base64
import json
from pathlib import Path

import pytest

from lawgate.domain.errors import EvidenceError
from lawgate.kms import key_file
from lawgate.kms.key_file import KeyFile, create_key_file, load_key_file


def test_a_created_key_file_is_private_and_opens_again(tmp_path: Path) -> None:
    created = create_key_file(tmp_path / "deep" / "kek.key")
    path = tmp_path / "deep" / "kek.key"
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = load_key_file(path)
    assert loaded.kek_id == created.kek_id
    assert loaded.unwrap(created.wrap(b"k" * 32, b"place"), b"place") == b"k" * 32


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "kek.key"
    create_key_file(path)
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match="not overwritten"):
        create_key_file(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602])
def test_a_key_file_that_others_reach_is_refused_with_the_mend(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kek.key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(EvidenceError, match="chmod 600"):
        load_key_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        json.dumps({"version": 1, "id": "x", "key": "!!!"}).encode(),
        json.dumps({"version": 1, "id": "x", "key": base64.b64encode(b"short").decode()}).encode(),
        json.dumps({"version": 1, "id": 5, "key": base64.b64encode(bytes(32)).decode()}).encode(),
        json.dumps({"version": 2, "id": "x", "key": base64.b64encode(bytes(32)).decode()}).encode(),
        b"\xff\xfe",
    ],
)
def test_what_is_no_key_file_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kek.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(EvidenceError) as caught:
        load_key_file(path)
    assert "kek.key" in str(caught.value)
    assert base64.b64encode(bytes(32)).decode() not in str(caught.value)


def test_a_missing_key_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="restore it from its backup"):
        load_key_file(tmp_path / "kek.key")


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot create"):
        create_key_file(tmp_path / "file" / "kek.key")


def test_a_wrap_opens_only_with_its_key_its_context_and_its_bytes() -> None:
    key, other = KeyFile("kek-a", b"a" * 32), KeyFile("kek-a", b"b" * 32)
    wrapped = key.wrap(b"secret" * 5, b"row 1")
    for holder, data, context in (
        (other, wrapped, b"row 1"),
        (key, wrapped, b"row 2"),
        (key, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"row 1"),
        (key, bytes([wrapped[0] ^ 1]) + wrapped[1:], b"row 1"),
        (key, wrapped[:20], b"row 1"),
        (key, b"", b"row 1"),
    ):
        with pytest.raises(EvidenceError):
            holder.unwrap(data, context)


def test_no_salt_serves_more_wraps_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_file, "WRAPS_PER_SALT_MAX", 3)
    key = KeyFile("kek-a", b"a" * 32)
    wraps = [key.wrap(b"s" * 32, b"") for _ in range(7)]
    salts = [wrap[: key_file.SALT_B] for wrap in wraps]
    assert [salts.count(salt) for salt in dict.fromkeys(salts)] == [3, 3, 1]
    assert {key.unwrap(wrap, b"") for wrap in wraps} == {b"s" * 32}


def test_the_cache_of_subkeys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_file, "WRAPS_PER_SALT_MAX", 1)
    monkeypatch.setattr(key_file, "SUBKEYS_CACHED_MAX", 4)
    key = KeyFile("kek-a", b"a" * 32)
    wraps = [key.wrap(b"%d" % number, b"") for number in range(12)]
    assert [key.unwrap(wrap, b"") for wrap in wraps] == [b"%d" % number for number in range(12)]
    assert len(key._subkeys) <= 4


def test_the_key_itself_is_not_shown() -> None:
    assert repr(KeyFile("kek-a", b"a" * 32)) == "KeyFile('kek-a')"
    with pytest.raises(EvidenceError, match="32 bytes"):
        KeyFile("kek-a", b"short")
