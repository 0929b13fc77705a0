"""The transparency log's orchestration: entries get their index, the tree grows, heads are signed."""

from lawgate.log.integrator import Integrator

__all__ = ["Integrator"]
