"""Effects are orders: frozen, all of them known, and each one that is not for approvals is carried out."""

import pytest

from lawgate.domain.errors import Code, Refusal
from lawgate.exchange import effects as do
from lawgate.gateway.drive import _PERFORM

NO = Refusal(Code.POLICY_REFUSED, "No.")
NOT_BUILT_YET = {do.RecordHold, do.DropBody, do.AnnounceHold}
IN_THE_PUMP = {do.JournalWindow, do.ReleaseWindow}


def test_every_effect_is_listed_once() -> None:
    declared = {each for each in vars(do).values() if isinstance(each, type) and issubclass(each, do.Effect)}
    assert set(do.EFFECTS) == declared - {do.Effect}
    assert len(do.EFFECTS) == len(set(do.EFFECTS))


def test_every_effect_has_someone_who_performs_it() -> None:
    assert set(_PERFORM) | IN_THE_PUMP | NOT_BUILT_YET == set(do.EFFECTS)


@pytest.mark.parametrize("effect", [do.SendRefusal(NO), do.CountRefusal(NO), do.CountGap(NO), do.AbortAnswer(NO)])
def test_an_order_cannot_be_changed_on_its_way(effect: do.SendRefusal) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        effect.refusal = Refusal(Code.INTERNAL, "Another.")  # type: ignore[misc]  # that is what is tested
