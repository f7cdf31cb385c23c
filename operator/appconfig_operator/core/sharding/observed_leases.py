"""The Leases as a replica observed them, and since when each is unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appconfig_operator.core.sharding.lease import Lease


SILENCE_SHARE = 0.5
"""A replica that had no list for this part of a Lease's duration starts counting again.

When the API server comes back, no one has renewed for long. Whoever is first must not take the shards of others that
are as alive as itself, and end their sessions.
"""


class ObservedLeases:
    """What lists and the replica's own writes returned.

    All times are seconds of this replica's monotonic clock. The times that others write into Leases are ignored.

    Parameters
    ----------
    default_duration
        Seconds that a Lease of this replica lasts, and any other that has no duration.
    """

    def __init__(self, default_duration: float) -> None:
        self._default = default_duration
        self._leases: dict[str, Lease] = {}
        self._since: dict[str, float] = {}
        self._sent = float("-inf")

    def listed(self, leases: Iterable[Lease], *, sent: float, arrived: float) -> None:
        """Record a list.

        Parameters
        ----------
        leases
            All Leases of the operator.
        sent, arrived
            When the request was sent, and when the answer arrived.
        """
        before = {} if sent - self._sent > SILENCE_SHARE * self._default else self._leases
        since = self._since
        self._leases = {lease.name: lease for lease in leases}
        self._since = {
            name: since[name] if name in before and before[name].version == lease.version else arrived
            for name, lease in self._leases.items()
        }
        self._sent = sent

    def wrote(self, lease: Lease, *, arrived: float) -> None:
        """Record the answer to a write."""
        self._leases[lease.name] = lease
        self._since[lease.name] = arrived

    def deleted(self, name: str) -> None:
        """Record that a Lease was deleted."""
        self._leases.pop(name, None)

    def get(self, name: str) -> Lease | None:
        """Return a Lease, or `None` when there is none."""
        return self._leases.get(name)

    def __iter__(self) -> Iterator[Lease]:
        """Iterate over all."""
        return iter(list(self._leases.values()))

    def expires(self, lease: Lease) -> float:
        """Return when a Lease expires, if it is not renewed."""
        return self._since[lease.name] + (self._default if lease.duration is None else lease.duration)

    def expired(self, lease: Lease) -> bool:
        """Return whether a Lease had expired when the last list was requested, and the list still had it unchanged.

        The present time does not count: a replica that hears nothing for a while must not take that for the silence of
        the others.
        """
        return self.expires(lease) <= self._sent
