import pytest

from lawgate.config.problem import InvalidConfigError, Problem, nearest, path_text, shown
from lawgate.domain.errors import ConfigurationError


def test_a_problem_is_one_line_that_editors_can_follow() -> None:
    problem = Problem("a.yaml", 3, 7, "rules[0].then", "hodl is not one of permit, hold, refuse", "hold")
    assert str(problem) == "a.yaml:3:7 rules[0].then: hodl is not one of permit, hold, refuse, did you mean hold?"
    assert str(Problem("a.yaml", 0, 0, "", "the file is empty")) == "a.yaml: the file is empty"


def test_the_error_holds_all_problems_in_the_order_of_the_file() -> None:
    late, early = Problem("a", 9, 1, "x", "late"), Problem("a", 2, 5, "y", "early")
    error = InvalidConfigError([late, early])
    assert isinstance(error, ConfigurationError)
    assert error.problems == (early, late)
    assert str(error) == "a:2:5 y: early\na:9:1 x: late"


def test_paths_are_written_as_people_write_them() -> None:
    assert path_text(("rules", 0, "if", "detectors", 2)) == "rules[0].if.detectors[2]"
    assert path_text(()) == ""


@pytest.mark.parametrize(
    ("word", "meant"),
    [("conections", "connections"), ("RULES", "rules"), ("zzz", None), ("", None), ("x" * 9999, None)],
)
def test_the_nearest_name_or_none(word: str, meant: str | None) -> None:
    assert nearest(word, ["connections", "rules"]) == meant


def test_names_are_shown_safely() -> None:
    assert shown("a\x1b[31m\nb") == "a?[31m?b"
    assert shown("x" * 100) == "x" * 60 + "..."
