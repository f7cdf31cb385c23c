"""What other threads see of the shards of this replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.held_lease import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appconfig_operator.core.sharding.held_lease import HeldLease


class ShardView:
    """Shards and replicas, as the shard coordinator saw them last. One thread publishes, and any thread may read.

    Parameters
    ----------
    shards
        How many parts the sources are split into.
    monotonic
        Seconds, as the coordinator counts them.
    """

    def __init__(self, shards: int, monotonic: Callable[[], float]) -> None:
        self._shards = shards
        self._monotonic = monotonic
        # Each is replaced as a whole, and never changed.
        self._heartbeat = monotonic()
        self._held_leases: Mapping[int, HeldLease] = {}
        self._active: tuple[int, ...] = ()
        self._members = 0
        self._joined = False

    def beat(self) -> None:
        """Show that the coordinator lives."""
        self._heartbeat = self._monotonic()

    def join(self) -> None:
        """Show that a list of the Leases has this replica's own member Lease in it."""
        self._joined = True

    def publish(self, *, held_leases: Mapping[int, HeldLease], active: Sequence[int], members: int) -> None:
        """Show the Leases of shards that are held, the shards that are polled, and how many replicas are alive."""
        self._held_leases = held_leases
        self._active = tuple(sorted(active))
        self._members = members

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that this replica polls, by their number, without those whose Lease has lapsed."""
        held_leases, now = self._held_leases, self._monotonic()
        return tuple(shard for shard in self._active if shard in held_leases and held_leases[shard].until > now)

    @property
    def members(self) -> int:
        """How many replicas share the shards, with this one. 0: no list of them was seen yet."""
        return self._members

    @property
    def pollers(self) -> int:
        """How many replicas poll at most, and at least 1: those without a shard stand by."""
        return max(1, min(self._members, self._shards))

    @property
    def joined(self) -> bool:
        """Whether a list of the Leases has shown this replica's own member Lease, so others see it, too."""
        return self._joined

    @property
    def age(self) -> float:
        """Seconds since the coordinator last showed that it lives. A call about a Lease that hangs adds to it."""
        return self._monotonic() - self._heartbeat

    @property
    def lapsed(self) -> float:
        """Seconds since the first Lease lapsed that could neither be renewed nor was seen to be lost. 0: none."""
        now = self._monotonic()
        return max([0.0, *(now - until for until in self._ends())])

    @property
    def remaining(self) -> float | None:
        """Seconds until the first of the Leases held lapses, negative when it has. `None`: none is held."""
        now = self._monotonic()
        return min((until - now for until in self._ends()), default=None)

    def _ends(self) -> list[float]:
        """Return until when each held Lease lasts. Each is read once: the coordinator may change it meanwhile."""
        return [until for held_lease in self._held_leases.values() if (until := held_lease.until) != NEVER]
