"""Rules for every test.

Rule 1: where CI is ``true`` nothing is skipped in silence: a skip fails, unless its reason says that the
platform cannot do it (``not on this platform: ...``) or that public conformance vectors, which are not
part of this repository, are not at hand (``the public vectors are not ...``).
Rule 2: property tests have no deadline, since the machine may be busy, and are repeatable in CI.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

SKIPS_ALLOWED = ("not on this platform:", "the public vectors are not ")
IN_CI = os.environ.get("CI") == "true"

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not IN_CI or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(SKIPS_ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing; this was skipped because: {reason}"
