"""What the fault tests share."""

from collections.abc import Iterator

import pytest

from tests.fault_upstream import FaultUpstream
from tests.faults.crashing import Libraries


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    """The preloaded libraries, compiled once."""
    return Libraries.compile(tmp_path_factory.mktemp("libraries"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultUpstream]:
    """An upstream that misbehaves on demand."""
    with FaultUpstream() as running:
        yield running
