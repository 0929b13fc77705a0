"""Every journey ends with the laws read over its whole trace."""

from collections.abc import Iterator

import pytest

from tests.simulator import World


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    caplog.set_level("DEBUG")
    made = World()
    yield made
    made.check_laws(caplog.get_records("call"))
