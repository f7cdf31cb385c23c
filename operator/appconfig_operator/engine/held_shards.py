"""The shards that this replica holds: which polls of their sources may begin, and which are under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.engine.lanes import QueuedPoll


@dataclass(slots=True, eq=False)
class HeldShard:
    """A shard that this replica holds.

    Attributes
    ----------
    guard
        Its Lease.
    draining
        Whether no more polls may begin.
    polls
        Polls under way.
    parked
        Polls whose turn came while the Lease had lapsed.
    """

    guard: LeaseGuard
    draining: bool = False
    polls: int = 0
    parked: list[QueuedPoll] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether polls may begin."""
        return not self.draining and self.guard.remaining() > 0
