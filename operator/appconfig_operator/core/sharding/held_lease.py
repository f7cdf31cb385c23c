"""A Lease that a replica holds, and for how long it may rely on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from appconfig_operator.core.sharding.lease import Lease

NEVER = float("-inf")


@dataclass(slots=True)
class HeldLease:
    """A Lease that this replica holds, from gaining to losing it.

    Attributes
    ----------
    lease
        As last seen.
    until
        Up to when it may rely on it. It moves with each renewal, and may be read from any thread.
    due
        When to renew it.
    handed_over
        Whether its sessions were handed over, so that it may be released.
    """

    lease: Lease
    until: float
    due: float
    handed_over: bool = False


class LeaseGuard(Protocol):
    """The right to poll the sources of a shard and to write for them, while its Lease is valid."""

    def remaining(self) -> float:
        """Return for how many more seconds. Zero or less: it has lapsed, and may come back."""
