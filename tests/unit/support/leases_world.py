"""A store of Leases as the API server is one: every write gets a new version, and preconditions hold."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, Failure, ListLeases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.core.sharding.lease import Lease
    from appconfig_operator.core.sharding.lease_requests import Answer, ReplaceLease, Request


@dataclass
class Store:
    """The Leases of one namespace.

    `checks` says whether it heeds the preconditions of a replace: to show what happens without. `refuses` says of which
    requests nothing becomes.
    """

    checks: bool = True
    refuses: Callable[[Request], bool] = lambda _: False
    leases: dict[str, Lease] = field(default_factory=dict)
    versions: Iterator[int] = field(default_factory=itertools.count)

    def carry_out(self, request: Request) -> Answer:
        """Carry out a request, all at once."""
        if self.refuses(request):
            return Failure.UNKNOWN
        if isinstance(request, ListLeases):
            return list(self.leases.values())
        if isinstance(request, CreateLease):
            number = str(next(self.versions))
            there = request.lease.name in self.leases
            return Failure.CONFLICT if there else self._put(replace(request.lease, uid=f"uid-{number}", version=number))
        return self._change(request)

    def _change(self, request: ReplaceLease | DeleteLease) -> Answer:
        lease = request.lease
        there = self.leases.get(lease.name)
        if there is None:
            return Failure.NOT_FOUND
        if self.checks and (there.uid, there.version) != (lease.uid, lease.version):
            return Failure.CONFLICT
        if isinstance(request, DeleteLease):
            del self.leases[lease.name]
            return None
        return self._put(replace(lease, uid=there.uid, version=str(next(self.versions))))

    def _put(self, lease: Lease) -> Lease:
        self.leases[lease.name] = lease
        return lease
