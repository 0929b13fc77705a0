"""Our own vectors are current, we agree with them, and a verifier that shares no code with us does too."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lawgate.evidence import canonical, parts
from lawgate.evidence.checkpoint import open_checkpoint
from lawgate.evidence.proof import verify_proof
from lawgate.evidence.verify import verify_chain

VECTORS = Path(__file__).resolve().parent
SPECIFICATION = VECTORS.parents[1] / "docs" / "spec" / "evidence-format.md"
VERIFIER = VECTORS / "independent_verifier.py"
SECTIONS: dict[str, Any] = json.loads((VECTORS / "evidence.json").read_text(encoding="ascii"))


def independent(file: Path) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    return run.returncode, run.stdout


def test_the_file_is_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate", VECTORS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.build() == (VECTORS / "evidence.json").read_text(encoding="ascii")


def test_the_independent_verifier_agrees() -> None:
    status, output = independent(VECTORS / "evidence.json")
    assert status == 0, output
    assert "BAD" not in output
    assert output.count("ok ") > 50


def test_the_independent_verifier_shares_no_code_with_us() -> None:
    text = VERIFIER.read_text(encoding="ascii")
    imported = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert {line.split()[1].split(".")[0] for line in imported} <= sys.stdlib_module_names


def test_the_examples_of_the_specification_are_those_of_the_vectors() -> None:
    lines = [line.strip() for line in SPECIFICATION.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    assert SECTIONS["log"]["leaves"][2] in lines
    assert set(SECTIONS["log"]["checkpoint"].splitlines()[:5]) - {""} <= set(lines)


def changed(path: str, value: Any) -> dict[str, Any]:
    sections: dict[str, Any] = json.loads(json.dumps(SECTIONS))
    target: Any = sections
    *way, last = path.split("/")
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    key: Any = int(last) if isinstance(target, list) else last
    assert target[key] != value
    target[key] = value
    return sections


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("part/commitment", "00" * 32),
        ("frames/plaintexts/1", "00"),
        ("wrap/wrapping_key", "00" * 32),
        ("tree/roots/7", "00" * 32),
        ("tree/inclusion/2/index", 5),
        ("tree/consistency/1/path/0", "00" * 32),
        ("log/leaves/3", SECTIONS["log"]["leaves"][3].replace("refusal", "refused")),
        ("log/checkpoint", SECTIONS["log"]["checkpoint"].replace("\n7\n", "\n6\n")),
        ("log/log_vkey", SECTIONS["log"]["witness_vkey"]),
        ("log/disclosures/2/1/plaintext", "00"),
        ("log/proof/index", 3),
        ("log/tombstone/opening", "00"),
    ],
)
def test_the_independent_verifier_sees_a_change(path: str, value: object, tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(changed(path, value)), encoding="ascii")
    status, output = independent(file)
    assert (status, "BAD" in output) == (1, True)


def test_the_story_verifies() -> None:
    log = SECTIONS["log"]
    heads = [open_checkpoint(log[name].encode(), log["log_vkey"])[0] for name in ("older_checkpoint", "checkpoint")]
    report = verify_chain([leaf.encode() for leaf in log["leaves"]], heads)
    assert report.ok, report
    assert (report.entries, report.signed_size, report.open_intents) == (7, 7, 1)
    leaf = log["leaves"][log["proof"]["index"]].encode()
    verified = verify_proof(log["proof"]["text"].encode(), leaf, log["log_vkey"], [log["witness_vkey"]], quorum=1)
    assert verified.checkpoint == heads[1]


def test_the_sealed_vectors_open() -> None:
    part = {name: value for name, value in SECTIONS["part"].items() if name in ("entry", "number")}
    opened = parts.open_sealed(
        ciphertext=bytes.fromhex(SECTIONS["part"]["ciphertext"]),
        secret=bytes.fromhex(SECTIONS["part"]["secret"]),
        **part,
    )
    assert opened.hex() == SECTIONS["part"]["plaintext"]
    frames = SECTIONS["frames"]
    series = parts.open_series(
        series=frames["series"],
        frames=[bytes.fromhex(frame) for frame in frames["frames"]],
        secret=bytes.fromhex(frames["secret"]),
    )
    assert (series.plaintext.hex(), series.complete) == ("".join(frames["plaintexts"]), True)
    wrap = {name: bytes.fromhex(value) for name, value in SECTIONS["wrap"].items()}
    del wrap["wrapping_key"]
    secret = wrap.pop("secret")
    assert parts.unwrap(**wrap) == secret


@pytest.mark.parametrize("item", SECTIONS["canonical"]["rejected"], ids=lambda item: item["why"])
def test_the_rejected_spellings_are_rejected(item: dict[str, str]) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.decode(item["text"].encode())
