"""Only asymmetric algorithms verify here."""

from lawgate.identify.algorithms import ALGORITHMS, CURVE_ALGORITHMS, RSA_ALGORITHMS


def test_every_algorithm_belongs_to_a_kind_of_key_and_none_is_symmetric() -> None:
    assert RSA_ALGORITHMS.union(*CURVE_ALGORITHMS.values()) == ALGORITHMS
    assert not {name for name in ALGORITHMS if name.startswith("HS") or name == "none"}
