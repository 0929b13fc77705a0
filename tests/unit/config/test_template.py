import re
from pathlib import Path

from lawgate.config.load import check, load_config
from lawgate.config.template import template_text
from lawgate.mask.detectors import NAMES
from tests.unit.config.files import written


def test_what_init_writes_is_valid_and_without_warnings(tmp_path: Path) -> None:
    report = check(written(tmp_path, template_text()), env={}, detectors=NAMES)
    assert (report.errors, report.warnings) == ((), ())
    assert load_config(tmp_path / "lawgate.yaml", env={}).connections["support-llm"].credential_ref is None


def test_its_suggestions_are_valid_too(tmp_path: Path) -> None:
    """Each commented line that is a key can be switched on."""
    text = re.sub(r"(?m)^( *)# ([a-z_]+: .*)$", r"\1\2", template_text())
    assert text != template_text()
    report = check(written(tmp_path, text), env={"LLM_API_KEY": "k"}, detectors=NAMES, resolve=False)
    assert report.errors == ()
