"""Which shards this replica holds: what it requests from the API server next, and what it concludes from the answers.

No I/O, no clock, no thread: its driver makes one request after the other, and passes the time. docs/sharding.md has the
rules, and explains why two replicas never hold the same source.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.held_leases import HeldLeases
from appconfig_operator.core.sharding.lease import Lease, member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import (
    DeleteLease,
    Failure,
    ListLeases,
    ReplaceLease,
    Request,
    freed,
)
from appconfig_operator.core.sharding.membership import Membership
from appconfig_operator.core.sharding.observed_leases import ObservedLeases
from appconfig_operator.core.sharding.retries import RETRY_SECONDS, Retries

if TYPE_CHECKING:
    from appconfig_operator.core.sharding.held_lease import HeldLease
    from appconfig_operator.core.sharding.lease_requests import Answer
    from appconfig_operator.core.sharding.membership import Replica

LIST_SECONDS = 1.0
"""Between two lists while there are other replicas: how late one learns that a shard was set free."""

FOREVER = float("inf")


class Change(Enum):
    """What happened to a shard."""

    GAINED = "gained"
    LOST = "lost"
    RELEASED = "released"


class Election:
    """The state of one replica.

    Call `next`, make the request, pass the answer to `answered`, and repeat. All times are seconds of one monotonic
    clock; the one given to `next` has to be read before the request is sent.
    """

    def __init__(self, me: Replica) -> None:
        self._me = me
        self._name = member_lease(me.identity)
        self._observed = ObservedLeases(me.duration)
        self._membership = Membership(me, self._observed)
        self._held = HeldLeases(me)
        self._pending: tuple[Request, float] | None = None  # and when it was sent
        self._outdated = True  # what was observed may have changed: list before anything else
        self._may_move = False  # the last list showed this replica's member Lease, and no mismatched replicas
        self._list_due = NEVER
        self._retries = Retries()
        self._stopping = False
        self._member_deleted = False  # or it was tried, while this replica stops

    @property
    def held(self) -> dict[int, HeldLease]:
        """The shards that are held, including those whose Lease has lapsed and may come back."""
        return dict(self._held.shards)

    @property
    def members(self) -> int:
        """How many live replicas, including this one, split the sources into the same number of shards."""
        return len(self._membership.members())

    @property
    def mismatched_replicas(self) -> list[str]:
        """Names of Leases whose holders split the sources into a different number of shards.

        While there are any, no shard is acquired or released.
        """
        return self._membership.mismatched_replicas()

    @property
    def failures(self) -> int:
        """Requests that failed since the last successful write."""
        return self._retries.count

    @property
    def finished(self) -> bool:
        """Whether this replica has stopped and released everything."""
        return self._stopping and not self._outdated and not self._holds_any() and self._delete_member() is None

    def stop(self) -> None:
        """Acquire nothing more, and release everything."""
        self._stopping = True
        self._retries.not_before = NEVER

    def leaving(self) -> set[int]:
        """Return the held shards that another replica should have: hand them over, then call `release`."""
        if self._stopping:
            return set(self._held.shards)
        return {shard for shard in self._held.shards if self._may_move and not self._mine(shard)}

    def release(self, shard: int) -> None:
        """Release a held shard that was handed over."""
        self._held.shards[shard].handed_over = True

    def keep(self, shard: int) -> None:
        """Take back a `release`. The shard may be relied on again after its next renewal."""
        held_lease = self._held.shards[shard]
        held_lease.handed_over, held_lease.due = False, NEVER

    def next(self, now: float) -> Request | None:
        """Return the next request, or `None`: there is nothing to do before `wake`."""
        request = self._choose(now) if now >= self._retries.not_before else None
        if request is None:
            return None
        if isinstance(request, ReplaceLease) and not request.lease.holder and request.lease.shard in self._held.shards:
            # From now on someone else may get it, even if no answer comes.
            self._held.shards[request.lease.shard].until = NEVER
        self._pending = request, now
        return request

    def wake(self) -> float:
        """Return when there is something to do again, if no one calls `release`, `keep` or `stop` before."""
        if self._outdated:
            return self._retries.not_before
        due = FOREVER if self._stopping else self._list_due
        return max(self._retries.not_before, min([due, *(held_lease.due for held_lease in self._held)]))

    def answered(self, answer: Answer, now: float) -> list[tuple[Change, int]]:
        """Process the answer to the last request, and return what has changed.

        Parameters
        ----------
        answer
            What the API server answered.
        now
            When the answer arrived.
        """
        assert self._pending is not None, "nothing was asked"  # noqa: S101 (a bug of the driver, not a state)
        (request, sent), self._pending = self._pending, None
        if isinstance(answer, Failure):
            if isinstance(request, DeleteLease) and answer is Failure.NOT_FOUND:
                answer = None
            else:
                self._failed(request, answer, now)
                return []
        if isinstance(answer, list):
            return self._listed(answer, sent, now)
        assert not isinstance(request, ListLeases), "a list is answered with one"  # noqa: S101 (as above)
        self._retries.worked(request)
        if isinstance(answer, Lease):
            return self._wrote(answer, sent, now)
        self._deleted(request)
        return []

    def _choose(self, now: float) -> Request | None:
        if self._outdated:
            return ListLeases()
        if self._stopping:
            return self._free() or self._renew(now) or self._delete_member()
        request = self._free() or self._join() or self._renew(now)
        if request is None and now >= self._list_due:
            return ListLeases()
        # Cleaning up comes last: the right to delete may be missing.
        return request or self._fence() or self._acquire(now) or self._clean(now)

    def _free(self) -> Request | None:
        leases: list[Lease] = []
        if self._stopping and self._held.member is not None:
            # Before the shards: then the others know who gets which, and take each as soon as it is free.
            leases.append(self._held.member.lease)
        leases += [held_lease.lease for held_lease in self._held if held_lease.handed_over]
        unclaimed_leases = self._membership.unclaimed_leases(self._held.shards)
        leases += [lease for lease in unclaimed_leases if self._stopping or not self._mine(lease.shard)]
        return self._retries.first(map(freed, leases))

    def _delete_member(self) -> Request | None:
        """Delete the own member Lease, already free, after everything else: if that fails, another replica does it."""
        there = self._observed.get(self._name)
        return None if there is None or self._member_deleted or self._holds_any() else DeleteLease(there)

    def _join(self) -> Request | None:
        return self._membership.claim(self._name) if self._held.member is None else None

    def _renew(self, now: float) -> Request | None:
        first = min(self._held, key=lambda held_lease: held_lease.due, default=None)
        return None if first is None or first.due > now else ReplaceLease(first.lease)

    def _fence(self) -> Request | None:
        return self._retries.first(map(freed, self._membership.fences()))

    def _acquire(self, now: float) -> Request | None:
        if not self._may_move or self._held.member is None or now >= self._held.member.until:
            return None
        wanted = [shard for shard in self._membership.owners() if self._mine(shard) and shard not in self._held.shards]
        claims = (self._membership.claim(shard_lease(shard)) for shard in wanted)
        return self._retries.first(claim for claim in claims if claim is not None)

    def _clean(self, now: float) -> Request | None:
        stale_leases = list(self._membership.stale_leases()) if self._may_move else []
        # What cannot be deleted is set free. Otherwise each replica that starts waits for it to expire.
        left = [lease for lease in stale_leases if lease.holder and lease.name in self._retries.undeletable]
        deletes = map(DeleteLease, stale_leases if now >= self._retries.clean_from else ())
        return self._retries.first(map(freed, left)) or self._retries.first(deletes)

    def _listed(self, leases: list[Lease], sent: float, now: float) -> list[tuple[Change, int]]:
        self._observed.listed(leases, sent=sent, arrived=now)
        mine = self._observed.get(self._name)
        if mine is not None and mine.holder != self._me.identity:
            mine = None  # it was set free, by this replica, or by another after it had expired
        self._held.observe_member(mine)
        self._outdated = False
        self._may_move = mine is not None and not self.mismatched_replicas
        self._schedule_list(sent, now)
        return [self._end(shard) for shard in self._held.observe_shards(self._observed)]

    def _schedule_list(self, sent: float, now: float) -> None:
        others = list(self._membership.others())
        expiries = [self._observed.expires(lease) for lease in others if not self._observed.expired(lease)]
        self._list_due = min(
            [sent + (LIST_SECONDS if others else self._me.renewal_interval), *(max(now, at) for at in expiries)]
        )

    def _end(self, shard: int) -> tuple[Change, int]:
        return (Change.RELEASED if self._held.end(shard).handed_over else Change.LOST), shard

    def _wrote(self, lease: Lease, sent: float, now: float) -> list[tuple[Change, int]]:
        self._observed.wrote(lease, arrived=now)
        if not lease.holder:
            return self._freed(lease)
        held_lease = self._held.get(lease)
        if held_lease is None:
            return self._acquired(lease, sent, now)
        self._held.renewed(held_lease, lease, sent=sent, now=now)
        return []

    def _acquired(self, lease: Lease, sent: float, now: float) -> list[tuple[Change, int]]:
        held_lease = self._held.written(lease, sent)
        if lease.shard is None:
            self._held.member = held_lease
            self._outdated = True  # show up first, then list: of two replicas that do so, at least one sees the other
        elif self._held.member is not None and now < min(held_lease.until, self._held.member.until):
            self._held.shards[lease.shard] = held_lease
            return [(Change.GAINED, lease.shard)]
        # Otherwise the answer came too late to rely on the Lease, and no one does.
        return []

    def _freed(self, lease: Lease) -> list[tuple[Change, int]]:
        if lease.name == self._name:
            self._held.member = None
        elif lease.shard in self._held.shards:
            return [self._end(lease.shard)]
        else:
            self._outdated = True  # it was another's, or unclaimed: list again
        return []

    def _deleted(self, request: Request) -> None:
        assert isinstance(request, DeleteLease), "only a delete is answered with nothing"  # noqa: S101 (as above)
        self._observed.deleted(request.lease.name)

    def _failed(self, request: Request, failure: Failure, now: float) -> None:
        self._retries.failed(request, failure, now, stopping=self._stopping)
        if isinstance(request, DeleteLease):
            self._member_deleted = self._stopping
            # This replica does not rely on the Lease. If it had changed, list again.
            self._outdated = self._outdated or failure is not Failure.UNKNOWN
        elif isinstance(request, ListLeases) and not self._outdated:
            # Held Leases can still be renewed, because each write has preconditions. But no shard moves.
            self._may_move, self._list_due = False, now + RETRY_SECONDS
            self._retries.not_before = NEVER
        else:
            self._outdated = True
            if isinstance(request, ReplaceLease):
                self._held.postpone(request.lease.name, now + RETRY_SECONDS)

    def _mine(self, shard: int | None) -> bool:
        return self._may_move and shard is not None and self._membership.owners().get(shard) == self._me.identity

    def _holds_any(self) -> bool:
        return any(self._held) or any(self._membership.unclaimed_leases(self._held.shards))
