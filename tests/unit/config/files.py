"""A small valid file for the tests of the configuration, and ways to spoil it."""

from pathlib import Path

from lawgate.config.document import Document, parse_document
from lawgate.config.load import Report, check

VALID = """\
version: 1
store: {evidence: data, keys: keys}
controller: {name: Northwind, contact: privacy@northwind.example}
identity:
  - {issuer: https://login.example, audience: lawgate}
connections:
  llm:
    protocol: openai
    upstream: https://llm.example/v1
    recipient: {name: LLM GmbH, role: processor, country: DE, contract: DPA-1}
purposes:
  answer:
    title: Answer customers
    allow: {groups: [support], connections: [llm]}
    lawful_basis: 6-1-b
"""

DETECTORS = frozenset({"EMAIL", "IBAN", "PAYMENT_CARD"})


def spoiled(old: str, new: str, text: str = VALID) -> str:
    assert text.count(old) == 1, f"{old!r} must be there exactly once"
    return text.replace(old, new)


def written(directory: Path, text: str | bytes, name: str = "lawgate.yaml") -> Path:
    path = directory / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def report(directory: Path, text: str | bytes, **env: str) -> Report:
    return check(written(directory, text), env=env, detectors=DETECTORS)


def errors(directory: Path, text: str | bytes, **env: str) -> list[str]:
    """The errors as people read them, without the directory."""
    return [str(problem).replace(f"{directory}/", "") for problem in report(directory, text, **env).errors]


def warnings(directory: Path, text: str | bytes, **env: str) -> list[str]:
    return [str(problem).replace(f"{directory}/", "") for problem in report(directory, text, **env).warnings]


def document(text: str) -> Document:
    return parse_document("f.yaml", text.encode())
