from pathlib import Path

import pytest

from tests.unit.operations.world import World, made_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made_world(tmp_path / "gateway")
