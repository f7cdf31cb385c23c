"""What the Leases mean to one replica: who is alive, who should have which shard, and which Leases are stale."""

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
"""How often a Lease is renewed within its duration: one renewal may get lost."""

MARGIN_SHARE, MIN_MARGIN_SECONDS = 0.2, 1.0
"""How much earlier a holder stops than others take over: clocks differ in their rate, and stopping takes time."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica, as it knows itself.

    Attributes
    ----------
    identity
        Its name, unique for all time.
    shards
        How many shards it splits the sources into.
    duration
        Seconds that its Leases last.
    """

    identity: str
    shards: int
    duration: int

    @property
    def validity(self) -> float:
        """For how many seconds, from when a renewal was sent, it may rely on a Lease."""
        return self.duration - max(MARGIN_SHARE * self.duration, MIN_MARGIN_SECONDS)

    @property
    def renewal_interval(self) -> float:
        """Seconds between two renewals."""
        return self.duration / RENEWALS


class Membership:
    """Members and shards, by the Leases that a replica has observed."""

    def __init__(self, me: Replica, observed: ObservedLeases) -> None:
        self._me = me
        self._observed = observed
        self._members: list[str] = []
        self._owners: dict[int, str] = {}

    def members(self) -> list[str]:
        """Return the live replicas, including this one, that split the sources into the same number of shards."""
        others = {
            lease.holder
            for lease in self._observed
            if lease.shard is None and lease.holder and not self.mismatched(lease) and not self._observed.expired(lease)
        }
        return sorted(others | {self._me.identity})

    def owners(self) -> dict[int, str]:
        """Return the member that should have each shard."""
        members = self.members()
        if members != self._members:
            self._members, self._owners = members, assign(self._me.shards, members)
        return self._owners

    def mismatched(self, lease: Lease) -> bool:
        """Return whether the holder of a Lease splits the sources into a different number of shards."""
        return lease.holder not in {"", self._me.identity} and lease.shards != self._me.shards

    def mismatched_replicas(self) -> list[str]:
        """Return the names of the Leases that such replicas hold, whether they have expired or not."""
        return sorted(lease.name for lease in self._observed if self.mismatched(lease))

    def others(self) -> Iterator[Lease]:
        """Iterate over the Leases that others hold."""
        return (lease for lease in self._observed if lease.holder not in {"", self._me.identity})

    def fences(self) -> Iterator[Lease]:
        """Iterate over the expired Leases of replicas with a different number of shards, to be set free.

        That fences them: a replica that comes back cannot renew a Lease that was written since.
        """
        return (lease for lease in self._observed if self.mismatched(lease) and self._observed.expired(lease))

    def stale_leases(self) -> Iterator[Lease]:
        """Iterate over the Leases that no one needs: of replicas that are gone, and of shards that no longer exist."""
        for lease in self._observed:
            others = lease.holder != self._me.identity and (not lease.holder or self._observed.expired(lease))
            if others and (lease.shard is None or lease.shard >= self._me.shards):
                yield lease

    def unclaimed_leases(self, held: Container[int]) -> Iterator[Lease]:
        """Iterate over the Leases that name this replica and that it does not rely on: an answer was lost or late."""
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
