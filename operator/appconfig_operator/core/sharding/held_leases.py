"""The Leases that a replica holds: the member Lease that shows it is alive, and those of its shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.held_lease import NEVER, HeldLease
from appconfig_operator.core.sharding.retries import RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.core.sharding.lease import Lease
    from appconfig_operator.core.sharding.membership import Replica
    from appconfig_operator.core.sharding.observed_leases import ObservedLeases


class HeldLeases:
    """What one replica holds. All times are seconds of its monotonic clock.

    Attributes
    ----------
    member
        Its member Lease, or `None`.
    shards
        Those of its shards, including lapsed ones that it may still get back.
    """

    def __init__(self, me: Replica) -> None:
        self._me = me
        self.member: HeldLease | None = None
        self.shards: dict[int, HeldLease] = {}

    def __iter__(self) -> Iterator[HeldLease]:
        """Iterate over all."""
        yield from self.shards.values()
        if self.member is not None:
            yield self.member

    def get(self, lease: Lease) -> HeldLease | None:
        """Return the Lease as it is held, if it is."""
        return self.member if lease.shard is None else self.shards.get(lease.shard)

    def written(self, lease: Lease, sent: float) -> HeldLease:
        """Return the Lease that a write gives this replica.

        It is valid from when the request was sent: others may have seen it long before the answer arrived.
        """
        return HeldLease(lease, until=sent + self._me.validity, due=sent + self._me.renewal_interval)

    def renewed(self, held_lease: HeldLease, lease: Lease, *, sent: float, now: float) -> None:
        """Record that a held Lease was renewed."""
        if lease.version == held_lease.lease.version:
            # Nothing changed, because the clock stands still: the others do not see a renewal.
            held_lease.due = now + RETRY_SECONDS
            return
        written = self.written(lease, sent)
        held_lease.lease, held_lease.until, held_lease.due = lease, written.until, written.due

    def postpone(self, name: str, until: float) -> None:
        """Renew a Lease later, because a renewal failed: the others come first."""
        for held_lease in self:
            if held_lease.lease.name == name:
                held_lease.due = until

    def observe_member(self, lease: Lease | None) -> None:
        """Record the member Lease as a list has it: `None` when this replica does not hold it."""
        if lease is None or self.member is None:
            # If there is one, it was created, and the answer was lost.
            self.member = None if lease is None else HeldLease(lease, NEVER, NEVER)
        else:
            self.member.lease = lease

    def observe_shards(self, observed: ObservedLeases) -> list[int]:
        """Record the shards as a list has them, and return those that someone else has held since."""
        ended = []
        for shard, held_lease in self.shards.items():
            lease = observed.get(held_lease.lease.name)
            if lease is None or lease.term != held_lease.lease.term:
                ended.append(shard)
            else:
                held_lease.lease = lease
        return ended

    def end(self, shard: int) -> HeldLease:
        """Stop holding a shard. Whoever still has its Lease at hand sees that it has lapsed."""
        held_lease = self.shards.pop(shard)
        held_lease.until = NEVER
        return held_lease
