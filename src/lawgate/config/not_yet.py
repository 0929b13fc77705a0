"""What the design has and this version has not: refused by name, never ignored.

Rule 1: one table, read before anything else is said about a value. Rule 2: whoever builds a row's
capability deletes the row.
"""

from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from lawgate.config.document import Document, Node
from lawgate.config.problem import Finding, Path


class NotYet(NamedTuple):
    """``path`` may hold ``*`` for any key or position; ``value`` is a pattern, ``None`` for the key itself."""

    path: tuple[str, ...]
    value: str | None
    what: str


_LATER_OPERATORS: Final = {
    "token": "pseudonyms that can be turned back need the vault, which is not built yet; use hmac or replace",
    "encrypt": "the operator encrypt is not built yet; use hmac or redact",
    "surrogate": "the operator surrogate is not built yet; use replace",
    "block": "the operator block is not built yet; use a rule: `if: {detectors: [...]}`, `then: refuse`",
}
_CONSENT: Final = (
    "consent must be looked up for each person (Art. 7(1)), and the consent ledger is not built yet, so nothing "
    "could be forwarded; use another basis where one holds"
)

NOT_YET: Final = (
    *(NotYet(("masking", "profiles", "*", "*"), name, what) for name, what in _LATER_OPERATORS.items()),
    *(NotYet(("purposes", "*", "mask", "*"), name, what) for name, what in _LATER_OPERATORS.items()),
    NotYet(("purposes", "*", "lawful_basis"), "6-1-a", _CONSENT),
    NotYet(("purposes", "*", "special_categories", "*"), "9-2-a", _CONSENT),
    NotYet(("rules", "*", "when"), None, "conditions in CEL are not built yet; say it with `if`"),
    NotYet(("connections", "*", "protocol"), "anthropic", "the protocol anthropic is not built yet; use generic"),
    NotYet(("connections", "*", "protocol"), "kserve*", "the protocol KServe is not built yet; use generic"),
    NotYet(("connections", "*", "protocol"), "grpc", "gRPC is not built yet"),
    NotYet(("connections", "*", "protocol"), "mcp", "MCP is not built yet"),
    NotYet(("identity", "*", "type"), "oidc", "`type` is not needed: every issuer is OpenID Connect; remove it"),
    NotYet(("identity", "*", "type"), "saml", "SAML is not built yet; use an OpenID Connect issuer"),
    NotYet(("identity", "*", "type"), "*", "this kind of identity is not built yet; use an OpenID Connect issuer"),
    NotYet(("identity", "*", "saml"), None, "SAML is not built yet; use an OpenID Connect issuer"),
    NotYet(("identity", "*", "introspection"), None, "token introspection is not built yet; use signed tokens"),
    NotYet(("store", "evidence"), "postgres*://*", "the PostgreSQL store is not built yet; use a directory"),
    NotYet(("store", "keys"), "*://*", "keys outside of a directory are not built yet; use a directory"),
    NotYet(("store", "kek_file"), "*://*", "a KMS is not built yet; use a key file"),
    NotYet(("store", "kms"), None, "a KMS is not built yet; use `kek_file`"),
    NotYet(("store", "anchors"), None, "anchors of the log are not built yet"),
    NotYet(("store", "witnesses"), None, "witnesses of the log are not built yet"),
    NotYet(("masking", "analyzers"), None, "outside analyzers are not built yet"),
    NotYet(("notify",), None, "notifications are not built yet"),
    NotYet(("sinks",), None, "export to a SIEM is not built yet"),
    NotYet(("console",), None, "the console is not built yet"),
    NotYet(("rights",), None, "settings of data-subject requests are not built yet"),
)
"""Path, pattern, and the sentence; the first row that fits speaks."""


def refused(document: Document) -> list[Finding]:
    """Everything in the file whose capability is not built yet."""
    findings: dict[Path, Finding] = {}
    for row in NOT_YET:
        for path, node in _matches(document.root, row.path, ()):
            fits = row.value is None or (isinstance(node.value, str) and fnmatchcase(node.value, row.value))
            if fits and path not in findings and not _is_profile(document, path, node):
                findings[path] = Finding(path, row.what, at_key=row.value is None)
    return list(findings.values())


def _matches(node: Node, pattern: tuple[str, ...], path: Path) -> list[tuple[Path, Node]]:
    """The values that stand where ``pattern`` points."""
    if not pattern:
        return [(path, node)]
    found: list[tuple[Path, Node]] = []
    step, *rest = pattern
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            if step in {"*", key}:
                found += _matches(entry.node, tuple(rest), (*path, key))
    elif isinstance(node.value, list) and step == "*":
        for position, item in enumerate(node.value):
            found += _matches(item, tuple(rest), (*path, position))
    return found


def _is_profile(document: Document, path: Path, node: Node) -> bool:
    """A purpose names a profile, and people may call theirs ``token``."""
    if path[0] != "purposes" or "mask" not in path:
        return False
    return document.node(("masking", "profiles", str(node.value))) is not None
