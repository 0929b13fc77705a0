"""A file's path -> `Config`, or every problem of the file in one pass.

Rule 1: the steps run in the order below; a file that is not YAML, or of another version, stops at that.
Rule 2: one fault is one problem: what `not_yet` names, the schema does not complain about again.
Rule 3: nothing is written and no network is used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from lawgate.config import meaning, problem, secret
from lawgate.config.assemble import assemble
from lawgate.config.document import FILE_B_MAX, Document, parse_document
from lawgate.config.explain import explain
from lawgate.config.not_yet import refused
from lawgate.config.parts import Parts, find_parts
from lawgate.config.problem import Finding, InvalidConfigError, Problem, path_text
from lawgate.config.schema import VERSION, FileSection
from lawgate.config.secret import Secrets
from lawgate.config.settings import Config
from lawgate.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found, in the order of the file."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        """Whether `load_config` would take the file."""
        return not self.errors


def load_config(
    path: Path, *, env: Mapping[str, str], detectors: frozenset[str] | None = None, today: date | None = None
) -> Config:
    """The configuration in ``path``, with its secrets resolved; raises ``InvalidConfigError``.

    ``detectors`` are the names of the built-in ones (``None``: not checked); ``today`` (UTC) is for warnings.
    """
    examined = _Examination(path, env, detectors, today, resolve=True)
    examined.run()
    report = examined.report()
    if examined.model is None or report.errors:
        raise InvalidConfigError(report.errors)
    warnings = tuple(str(warning) for warning in report.warnings)
    return assemble(examined.model, path.absolute(), Secrets(examined.secrets), warnings)


def check(
    path: Path,
    *,
    env: Mapping[str, str],
    detectors: frozenset[str] | None = None,
    today: date | None = None,
    resolve: bool = True,
) -> Report:
    """What is wrong or unwise in ``path``. Without ``resolve``, secrets and files it names need not be at hand."""
    examined = _Examination(path, env, detectors, today, resolve=resolve)
    try:
        examined.run()
    except InvalidConfigError as error:
        return Report(error.problems, ())
    return examined.report()


class _Examination:
    """One pass over one file."""

    def __init__(
        self, path: Path, env: Mapping[str, str], detectors: frozenset[str] | None, today: date | None, *, resolve: bool
    ) -> None:
        self._file = str(path)
        self._path = path
        self._directory = path.absolute().parent
        self._env = env
        self._detectors = detectors
        self._today = today
        self._resolve = resolve
        self._problems: dict[bool, set[Problem]] = {False: set(), True: set()}
        self.secrets: dict[str, str] = {}
        self.model: FileSection | None = None

    def run(self) -> None:
        """All steps; raises ``InvalidConfigError`` when nothing more can be said after one of them."""
        # 1. bytes, 2. grammar, 3. version
        document = parse_document(self._file, self._read())
        _require_version(self._file, document)
        # 4. what is not built yet, 5. the schema
        said = refused(document)
        try:
            self.model = FileSection.model_validate(document.plain())
        except ValidationError as error:
            said += [found for found in explain(error, document) if not _concerns(found, said)]
        # 6. meaning, 7. files and secrets
        parts = find_parts(document)
        meant = meaning.findings(parts, detectors=self._detectors, today=self._today)
        self._add(document, [*said, *(found for found in meant if not _concerns(found, said))])
        if self._resolve:
            self._add(document, self._files(parts))
            self._add(document, self._secrets(parts))

    def report(self) -> Report:
        """What has been found."""
        return Report(tuple(sorted(self._problems[False])), tuple(sorted(self._problems[True])))

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(FILE_B_MAX + 1)
        except OSError as error:
            what = f"cannot be read ({error.strerror}); `lawgate init` writes one to start from"
            raise InvalidConfigError([Problem(self._file, 0, 0, "", what)]) from None

    def _add(self, document: Document, findings: Iterable[Finding]) -> None:
        for found in findings:
            mark = document.locate(found.path, at_key=found.at_key)
            where = path_text(found.path)
            self._problems[found.warning].add(
                Problem(self._file, mark.line, mark.column, where, found.what, found.suggestion)
            )

    def _files(self, parts: Parts) -> Iterable[Finding]:
        """Files that must be there, and private keys that only their owner should read."""
        for at, name, private in _named_files(parts):
            path = self._directory / name
            try:
                with path.open("rb"):
                    pass
                if private and secret.is_shared(path):
                    yield Finding(at, "can be read by other users; run: chmod 600", warning=True)
            except OSError as error:
                yield Finding(at, f"cannot be read ({error.strerror})")

    def _secrets(self, parts: Parts) -> Iterable[Finding]:
        for name, connection in parts.connections.items():
            reference = connection.credential
            if reference is None:
                continue
            at = ("connections", name, "credential")
            try:
                self.secrets[reference] = secret.resolve_secret(reference, env=self._env, directory=self._directory)
                if reference.startswith("file:") and secret.is_shared(secret.secret_path(reference, self._directory)):
                    yield Finding(at, "is a file that other users can read; run: chmod 600", warning=True)
            except ConfigurationError as error:
                yield Finding(at, str(error))


def _require_version(file: str, document: Document) -> None:
    """A newer format may mean other things by the same words, so nothing else is said about it."""
    node = document.node(("version",))
    if node is not None and type(node.value) is int and node.value != VERSION:
        mend = "use a newer Lawgate" if node.value > VERSION else f"write version: {VERSION}"
        what = f"is {node.value}, and this Lawgate knows version {VERSION}; {mend}"
        raise InvalidConfigError([Problem(file, *node.mark, "version", what)])


def _concerns(found: Finding, said: list[Finding]) -> bool:
    """Whether a finding is about a place that something has been said of already: at, above or below it."""
    for earlier in said:
        if not earlier.path:
            continue
        meant = (*earlier.path[:-1], earlier.suggestion) if earlier.suggestion else earlier.path
        for path in (earlier.path, meant):
            shorter = min(len(path), len(found.path))
            if path[:shorter] == found.path[:shorter]:
                return True
    return False


def _named_files(parts: Parts) -> Iterable[tuple[problem.Path, str, bool]]:
    """(where, file, whether it is private)."""
    tls = parts.listen.tls if parts.listen else None
    wanted: list[tuple[problem.Path, str | None, bool]] = []
    if tls is not None:
        at: problem.Path = ("listen", "tls")
        wanted += [((*at, "certificate"), tls.certificate, False), ((*at, "key"), tls.key, True)]
        wanted.append(((*at, "client_ca"), tls.client_ca, False))
    for position, issuer in parts.identity.items():
        wanted.append((("identity", position, "ca_file"), issuer.ca_file, False))
    for name, connection in parts.connections.items():
        at = ("connections", name)
        wanted.append(((*at, "ca_file"), connection.ca_file, False))
        wanted.append(((*at, "client_certificate"), connection.client_certificate, False))
        wanted.append(((*at, "client_key"), connection.client_key, True))
    return [(at, name, private) for at, name, private in wanted if name is not None]
