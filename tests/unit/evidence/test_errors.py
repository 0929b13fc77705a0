import pytest

from lawgate.evidence.canonical import CanonicalError
from lawgate.evidence.checkpoint import NoteError
from lawgate.evidence.envelope import EnvelopeError
from lawgate.evidence.errors import EvidenceInputError
from lawgate.evidence.leaf import LeafError
from lawgate.evidence.merkle import ProofError
from lawgate.evidence.parts import PartError
from lawgate.evidence.tiles import TileError


@pytest.mark.parametrize(
    "error", [CanonicalError, NoteError, EnvelopeError, LeafError, ProofError, PartError, TileError]
)
def test_one_except_catches_what_the_package_raises_about_its_input(error: type[Exception]) -> None:
    assert issubclass(error, EvidenceInputError)
    assert issubclass(error, ValueError)
