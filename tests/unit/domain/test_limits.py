from dataclasses import fields

import pytest

from lawgate.domain.errors import ConfigurationError
from lawgate.domain.limits import Limits


@pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_bound_that_bounds_nothing_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_a_head_must_have_room_for_its_request_line() -> None:
    with pytest.raises(ConfigurationError, match="header_b_max"):
        Limits(header_b_max=100, request_line_b_max=101)
