"""Which requests failed, and how soon each is tried again, so that one refusal delays nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease_requests import DeleteLease, Failure, ListLeases

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appconfig_operator.core.sharding.lease_requests import CreateLease, ReplaceLease, Request

    Write = CreateLease | ReplaceLease | DeleteLease
    AnyWrite = TypeVar("AnyWrite", CreateLease, ReplaceLease, DeleteLease, Write)

RETRY_SECONDS = 1.0
RETRY_STOPPING_SECONDS = 0.25

CLEAN_AGAIN_SECONDS = 60.0
"""Until unneeded Leases are deleted again after a delete that failed: nothing waits for it."""


class Retries:
    """Requests of one replica that failed. All times are seconds of its monotonic clock.

    Attributes
    ----------
    count
        Requests that failed since the last successful write.
    not_before
        Until when no request is made.
    clean_from
        When Leases may be deleted again.
    undeletable
        Names of Leases whose last write was a delete that failed.
    """

    def __init__(self) -> None:
        self.count = 0
        self.not_before = NEVER
        self.clean_from = NEVER
        self.undeletable: set[str] = set()
        self._names: dict[str, float] = {}

    def failed(self, request: Request, failure: Failure, now: float, *, stopping: bool) -> None:
        """Record that a request failed."""
        if not isinstance(request, ListLeases):
            self._names[request.lease.name] = now
            self.undeletable.discard(request.lease.name)
        if isinstance(request, DeleteLease) and failure is Failure.UNKNOWN:
            self.clean_from = now + CLEAN_AGAIN_SECONDS
            self.undeletable.add(request.lease.name)
            return
        self.count += 1
        # One conflict is normal. Failures in a row must not become a loop without a pause.
        if failure is Failure.UNKNOWN or self.count > 1:
            self.not_before = now + (RETRY_STOPPING_SECONDS if stopping else RETRY_SECONDS)

    def worked(self, request: Write) -> None:
        """Record that a write succeeded."""
        self.count = 0
        self._names.pop(request.lease.name, None)
        self.undeletable.discard(request.lease.name)

    def first(self, writes: Iterable[AnyWrite]) -> AnyWrite | None:
        """Return the write to try first, if any. Those that failed come last, in the order in which they failed."""
        return min(writes, key=lambda write: self._names.get(write.lease.name, NEVER), default=None)
