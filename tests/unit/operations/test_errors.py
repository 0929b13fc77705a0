import pytest

from lawgate.domain.errors import LawgateError
from lawgate.operations import errors


@pytest.mark.parametrize("kind", [errors.NotFoundError, errors.KeyRequestError, errors.UnreadableError])
def test_they_are_errors_of_ours_and_none_is_the_others(kind: type[LawgateError]) -> None:
    others = {errors.NotFoundError, errors.KeyRequestError, errors.UnreadableError} - {kind}
    assert issubclass(kind, LawgateError)
    assert not issubclass(kind, tuple(others))
