import pytest

from lawgate.mask.sync import SyncPoints

SYNC = SyncPoints()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("word", 0),
        ("word ", 5),
        ("Hello, wor", 7),
        ("text ", 0),  # "ext 12" may follow
        ("text a", 5),
        ("text 1", 0),
        ("12 apples", 3),
        ("12 ", 0),
        ("12 ext", 0),
        ("12 34", 0),
        ("1111\n1111", 0),
        ("ab12 west", 0),
        ("ab12 west ", 0),
        ("ab12 west 1", 0),
        ("ab12 west x", 10),
        ("ab12 abna ", 0),
        ("ab12 abna 1", 0),
        ("a12 abna ", 9),
        ("AB CD", 0),
        ("AB cd", 3),
        ("AB\n", 3),
        ("1. Next", 3),
        ("1    2", 5),
        ("a@b:c/d'e", 0),
        ("中文。中", 3),
        ("中文", 0),
        ("a\tb", 2),
        ("a“b", 2),
    ],
)
def test_sync_points(text: str, place: int) -> None:
    assert SYNC.last(text, 0) == place


def test_only_later_places_are_looked_at() -> None:
    assert SYNC.last("a, b", 2) == 3
    assert SYNC.last("a, b", 3) == 0


def test_characters_of_further_forms_are_no_sync_points() -> None:
    assert SyncPoints([","]).last("a,b", 0) == 0
    assert SyncPoints([r"[\s\S]"]).last("a, b\n", 0) == 0
