import json

from lawgate.operations.finding import Health, failed, fine, skipped, warning


def test_each_says_how_it_stands() -> None:
    found = [fine("a", "x"), warning("b", "x", "mend"), failed("c", "x"), skipped("d", "x")]
    assert [finding.health for finding in found] == [Health.OK, Health.WARNING, Health.FAILED, Health.SKIPPED]


def test_programs_get_plain_values() -> None:
    assert json.loads(json.dumps(warning("disk", "full", "free it").view())) == {
        "name": "disk",
        "health": "warning",
        "found": "full",
        "mend": "free it",
    }
