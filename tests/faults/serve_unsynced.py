"""``lawgate`` with a store that never syncs: what a test must notice (see ``test_power_cuts.py``).

The durability is an argument of ``open_store`` that no configuration can set; this hands it in.
"""

from functools import partial

from lawgate.cli.app import main
from lawgate.store.opening import open_store
from lawgate.store.sqlite import Durability
from lawgate.wiring import node

vars(node)["open_store"] = partial(open_store, durability=Durability.OFF)

if __name__ == "__main__":
    main()
