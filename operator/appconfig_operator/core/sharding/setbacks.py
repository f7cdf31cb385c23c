"""What did not work, and how soon something is tried again: so that one refusal holds up nothing else."""

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
"""Until another try to delete what nobody needs, after one that failed: nothing waits for it."""


class Setbacks:
    """Requests of one replica that failed. All times are seconds of its monotonic clock.

    Attributes
    ----------
    count
        Requests that did not do what they should, since the last write that did.
    not_before
        Until when nothing is asked.
    clean_from
        When something may be deleted again.
    undeletable
        Names of Leases that could not be deleted, and nothing else was tried with since.
    """

    def __init__(self) -> None:
        self.count = 0
        self.not_before = NEVER
        self.clean_from = NEVER
        self.undeletable: set[str] = set()
        self._names: dict[str, float] = {}

    def failed(self, request: Request, failure: Failure, now: float, *, stopping: bool) -> None:
        """Take in that a request failed, at that time."""
        if not isinstance(request, ListLeases):
            self._names[request.lease.name] = now
            self.undeletable.discard(request.lease.name)
        if isinstance(request, DeleteLease) and failure is Failure.UNKNOWN:
            self.clean_from = now + CLEAN_AGAIN_SECONDS
            self.undeletable.add(request.lease.name)
            return
        self.count += 1
        # One conflict is daily business. What fails again and again must not be a loop without a pause.
        if failure is Failure.UNKNOWN or self.count > 1:
            self.not_before = now + (RETRY_STOPPING_SECONDS if stopping else RETRY_SECONDS)

    def worked(self, request: Write) -> None:
        """Take in that a write worked."""
        self.count = 0
        self._names.pop(request.lease.name, None)
        self.undeletable.discard(request.lease.name)

    def first(self, writes: Iterable[AnyWrite]) -> AnyWrite | None:
        """Return the write to try first, if any: what failed comes after all else, and what failed last comes last."""
        return min(writes, key=lambda write: self._names.get(write.lease.name, NEVER), default=None)
