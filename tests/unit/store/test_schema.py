"""The formats on disk. A change to a script here breaks stores that exist: add a script instead."""

from hashlib import sha256

import pytest

from lawgate.store.schema import ACCESS, EVIDENCE, JOURNAL, KEYS
from lawgate.store.sqlite import Schema

RELEASED = {
    "journal": ["89dfd5e39921c78c"],
    "evidence": ["c14b5cc744849056"],
    "keys": ["f930bf44b57f09e8"],
    "access": ["11e41578b8155147"],
}


@pytest.mark.parametrize("schema", [JOURNAL, EVIDENCE, KEYS, ACCESS], ids=lambda schema: schema.kind)
def test_scripts_that_were_released_do_not_change(schema: Schema) -> None:
    words = [" ".join(script.split()) for script in schema.scripts]
    digests = [sha256(script.encode()).hexdigest()[:16] for script in words]
    assert digests[: len(RELEASED[schema.kind])] == RELEASED[schema.kind]
    assert schema.format == len(schema.scripts)
