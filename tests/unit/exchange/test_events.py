"""Events are values: whole, frozen, and all of them known."""

import msgspec
import pytest

from lawgate.exchange import events as on
from tests.properties.test_exchange_walks import SAMPLES


def test_every_event_is_listed_once() -> None:
    declared = [each for each in vars(on).values() if isinstance(each, type) and issubclass(each, on.Event)]
    assert sorted(each.__name__ for each in on.EVENTS) == sorted(
        each.__name__ for each in declared if each is not on.Event
    )


@pytest.mark.parametrize("event", SAMPLES.values(), ids=lambda event: type(event).__name__)
def test_an_event_cannot_be_changed_after_it_happened(event: on.Event) -> None:
    for name in event.__struct_fields__:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(event, name, None)
    assert type(event).__struct_config__.frozen
    assert msgspec.structs.replace(event) == event
