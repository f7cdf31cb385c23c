"""The Leases that a replica holds: the member Lease that shows it is there, and those of its shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.held_lease import NEVER, HeldLease
from appconfig_operator.core.sharding.setbacks import RETRY_SECONDS

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
        Those of its shards, also the ones that have lapsed and may be had back.
    """

    def __init__(self, me: Replica) -> None:
        self._me = me
        self.member: HeldLease | None = None
        self.shards: dict[int, HeldLease] = {}

    def __iter__(self) -> Iterator[HeldLease]:
        """Go through all."""
        yield from self.shards.values()
        if self.member is not None:
            yield self.member

    def get(self, lease: Lease) -> HeldLease | None:
        """Return what is held of a Lease."""
        return self.member if lease.shard is None else self.shards.get(lease.shard)

    def written(self, lease: Lease, sent: float) -> HeldLease:
        """Return what an answer to a write gives.

        It is valid from when the request was sent: others may have seen the Lease long before the answer is here.
        """
        return HeldLease(lease, until=sent + self._me.valid, due=sent + self._me.pace)

    def renewed(self, held_lease: HeldLease, lease: Lease, *, sent: float, now: float) -> None:
        """Take in that a held Lease was written."""
        if lease.version == held_lease.lease.version:
            # Nothing has changed, by a clock that stands still: nobody could see it.
            held_lease.due = now + RETRY_SECONDS
            return
        written = self.written(lease, sent)
        held_lease.lease, held_lease.until, held_lease.due = lease, written.until, written.due

    def postpone(self, name: str, until: float) -> None:
        """Renew the others first: this renewal failed."""
        for held_lease in self:
            if held_lease.lease.name == name:
                held_lease.due = until

    def observe_member(self, lease: Lease | None) -> None:
        """Take in what a list says of the member Lease: `None` when this replica does not hold it."""
        if lease is None or self.member is None:
            # If there is one all the same, it was created after all, and the answer lost.
            self.member = None if lease is None else HeldLease(lease, NEVER, NEVER)
        else:
            self.member.lease = lease

    def observe_shards(self, observed: ObservedLeases) -> list[int]:
        """Take in what a list says of the shards, and return those that somebody else has had since."""
        ended = []
        for shard, held_lease in self.shards.items():
            lease = observed.get(held_lease.lease.name)
            if lease is None or lease.term != held_lease.lease.term:
                ended.append(shard)
            else:
                held_lease.lease = lease
        return ended

    def end(self, shard: int) -> HeldLease:
        """Let a shard go. Whoever still relies on its Lease does so no more."""
        held_lease = self.shards.pop(shard)
        held_lease.until = NEVER
        return held_lease
