"""What the Leases say to one replica: who is there, who is to have which shard, and which Leases are stale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.lease import Lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, ReplaceLease

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from appconfig_operator.core.sharding.observed_leases import ObservedLeases

RENEWALS = 3
"""How often a Lease is renewed in its duration: one renewal may get lost."""

MARGIN_SHARE, LEAST_MARGIN_SECONDS = 0.2, 1.0
"""How much earlier a holder stops than others take over: for clocks that differ in their rate, and time to stop."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica, as it knows itself.

    Attributes
    ----------
    identity
        Its name, no other's ever.
    shards
        How many shards it splits the sources into.
    duration
        Seconds that its Leases last.
    """

    identity: str
    shards: int
    duration: int

    @property
    def valid(self) -> float:
        """For how many seconds, from before a renewal was sent, it may rely on a Lease."""
        return self.duration - max(MARGIN_SHARE * self.duration, LEAST_MARGIN_SECONDS)

    @property
    def pace(self) -> float:
        """Seconds between two renewals."""
        return self.duration / RENEWALS


class Membership:
    """What a replica makes of the Leases that it has seen."""

    def __init__(self, me: Replica, observed: ObservedLeases) -> None:
        self._me = me
        self._observed = observed
        self._members: list[str] = []
        self._owners: dict[int, str] = {}

    def members(self) -> list[str]:
        """Return the replicas that are alive, with this one, and split the sources into as many shards."""
        others = {
            lease.holder
            for lease in self._observed
            if lease.shard is None and lease.holder and not self.mismatched(lease) and not self._observed.expired(lease)
        }
        return sorted(others | {self._me.identity})

    def owners(self) -> dict[int, str]:
        """Return who is to have each shard."""
        members = self.members()
        if members != self._members:
            self._members, self._owners = members, assign(self._me.shards, members)
        return self._owners

    def mismatched(self, lease: Lease) -> bool:
        """Return whether somebody holds a Lease who splits the sources into another number of shards."""
        return lease.holder not in {"", self._me.identity} and lease.shards != self._me.shards

    def mismatched_replicas(self) -> list[str]:
        """Return the names of the Leases that such replicas hold, whether they have expired or not."""
        return sorted(lease.name for lease in self._observed if self.mismatched(lease))

    def others(self) -> Iterator[Lease]:
        """Go through the Leases that others hold."""
        return (lease for lease in self._observed if lease.holder not in {"", self._me.identity})

    def fences(self) -> Iterator[Lease]:
        """Go through the expired Leases of replicas with another number of shards, which are to be set free.

        It is a fence: a replica cannot renew a Lease that was written since, when it comes back.
        """
        return (lease for lease in self._observed if self.mismatched(lease) and self._observed.expired(lease))

    def stale_leases(self) -> Iterator[Lease]:
        """Go through the Leases that nobody needs: of replicas that are gone, and of shards that there are no more."""
        for lease in self._observed:
            others = lease.holder != self._me.identity and (not lease.holder or self._observed.expired(lease))
            if others and (lease.shard is None or lease.shard >= self._me.shards):
                yield lease

    def unclaimed_leases(self, held: Container[int]) -> Iterator[Lease]:
        """Go through the Leases that name this replica and are not relied on: an answer was lost, or came late."""
        for lease in self._observed:
            if lease.holder == self._me.identity and lease.shard is not None and lease.shard not in held:
                yield lease

    def claim(self, name: str) -> CreateLease | ReplaceLease | None:
        """Return the write that makes a Lease this replica's, or `None` while another has it."""
        mine, there = Lease(name, self._me.identity, self._me.shards, self._me.duration), self._observed.get(name)
        if there is None:
            return CreateLease(mine)
        if there.holder not in {"", self._me.identity} and not self._observed.expired(there):
            return None
        turn = there.transitions + 1
        return ReplaceLease(replace(mine, transitions=turn, uid=there.uid, version=there.version))
