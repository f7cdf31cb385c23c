"""The Leases as a replica has seen them, and since when each has not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appconfig_operator.core.sharding.lease import Lease


DEAF_SHARE = 0.5
"""Who had no list for this part of a Lease's duration starts counting again. When the API server comes back, nobody has
renewed for long, and who is first must not take all the shards, and end the sessions, of others that are as alive as
itself.
"""


class ObservedLeases:
    """What lists and own writes have shown.

    All times are seconds of this replica's monotonic clock. Clocks of others are never looked at: what they write of
    the time says nothing here.

    Parameters
    ----------
    default_duration
        Seconds that a Lease of this replica lasts, and one that does not say.
    """

    def __init__(self, default_duration: float) -> None:
        self._default = default_duration
        self._leases: dict[str, Lease] = {}
        self._since: dict[str, float] = {}
        self._sent = float("-inf")

    def take_in(self, leases: Iterable[Lease], *, sent: float, arrived: float) -> None:
        """Take in a list.

        Parameters
        ----------
        leases
            All Leases of the operator.
        sent, arrived
            When it was asked for, and when the answer was there.
        """
        before = {} if sent - self._sent > DEAF_SHARE * self._default else self._leases
        since = self._since
        self._leases = {lease.name: lease for lease in leases}
        self._since = {
            name: since[name] if name in before and before[name].version == lease.version else arrived
            for name, lease in self._leases.items()
        }
        self._sent = sent

    def wrote(self, lease: Lease, *, arrived: float) -> None:
        """Take in the answer to a write."""
        self._leases[lease.name] = lease
        self._since[lease.name] = arrived

    def deleted(self, name: str) -> None:
        """Take in that a Lease is gone."""
        self._leases.pop(name, None)

    def get(self, name: str) -> Lease | None:
        """Return a Lease, or `None` when there is none."""
        return self._leases.get(name)

    def __iter__(self) -> Iterator[Lease]:
        """Go through all."""
        return iter(list(self._leases.values()))

    def expires(self, lease: Lease) -> float:
        """Return when a Lease expires, if it is not renewed."""
        return self._since[lease.name] + (self._default if lease.duration is None else lease.duration)

    def expired(self, lease: Lease) -> bool:
        """Return whether a Lease had expired when the last list was asked for, and was still there unchanged.

        Not by the time of now: who hears nothing for a while must not take that for the silence of the others.
        """
        return self.expires(lease) <= self._sent
