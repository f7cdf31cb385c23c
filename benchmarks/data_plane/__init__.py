"""An AppConfig data plane that costs next to nothing: MiniStack searches all deployments at each poll."""

from benchmarks.data_plane.client import DataPlane
from benchmarks.data_plane.record import Call, Operation, Outcome

__all__ = ["Call", "DataPlane", "Operation", "Outcome"]
