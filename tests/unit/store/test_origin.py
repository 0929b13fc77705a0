from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lawgate.domain.errors import EvidenceError
from lawgate.evidence.checkpoint import note_sign, open_note
from lawgate.store.files import StorePaths, read_vkey
from lawgate.store.origin import create_signing_key, require_origin, seed_from_pem


@pytest.mark.parametrize("origin", ["northwind.example/lawgate/1", "lawgate.local/0a1b2c", "a/B_c~d.e-f"])
def test_origins_that_serve(origin: str) -> None:
    assert require_origin(origin) == origin


@pytest.mark.parametrize(
    "origin", ["", "northwind.example", "https://x.example/1", "x.example/a b", "x.example/a+b", "x/a\n", "X.example/1"]
)
def test_origins_that_do_not(origin: str) -> None:
    with pytest.raises(EvidenceError, match="host and a path"):
        require_origin(origin)


def test_key_and_vkey_belong_together_and_the_key_is_private(tmp_path: Path) -> None:
    paths = StorePaths(tmp_path / "evidence", tmp_path)
    create_signing_key(paths, "a.example/1")
    assert paths.signing_key.stat().st_mode & 0o777 == 0o600
    seed = seed_from_pem(paths.signing_key, paths.signing_key.read_bytes())
    assert open_note(note_sign(b"text\n", "a.example/1", seed), [read_vkey(paths)]).text == b"text\n"
    with pytest.raises(FileExistsError):
        create_signing_key(paths, "a.example/1")


def test_what_is_no_ed25519_key_is_refused_without_quoting_it() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (b"", b"-----BEGIN PRIVATE KEY-----\nsecret\n", other):
        with pytest.raises(EvidenceError, match="not an Ed25519 private key") as caught:
            seed_from_pem(Path("log-signing.key"), pem)
        assert "secret" not in str(caught.value)
