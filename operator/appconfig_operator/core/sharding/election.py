"""Which shards this replica holds: what it asks the API server for next, and what it makes of the answers.

No I/O, no clock, no thread: whoever drives it makes one request after the other, and says when. The rules, and why two
replicas never hold the same source, are in docs/sharding.md.
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
from appconfig_operator.core.sharding.setbacks import RETRY_SECONDS, Setbacks

if TYPE_CHECKING:
    from appconfig_operator.core.sharding.held_lease import HeldLease
    from appconfig_operator.core.sharding.lease_requests import Answer
    from appconfig_operator.core.sharding.membership import Replica

LIST_SECONDS = 1.0
"""Between two lists while others are seen: how late a replica learns that a shard was set free."""

FOREVER = float("inf")


class Change(Enum):
    """What became of a shard."""

    GAINED = "gained"
    LOST = "lost"
    RELEASED = "released"


class Election:
    """The state of one replica.

    Call `next`, make the request, give the answer to `answered`, and again. All times are seconds of one monotonic
    clock; the one given to `next` has to be read before the request is sent.
    """

    def __init__(self, me: Replica) -> None:
        self._me = me
        self._name = member_lease(me.identity)
        self._observed = ObservedLeases(me.duration)
        self._membership = Membership(me, self._observed)
        self._held = HeldLeases(me)
        self._pending: tuple[Request, float] | None = None  # and when it was sent
        self._outdated = True  # what was observed last may not be so any more: list before anything else
        self._may_move = False  # the last list showed this replica's member Lease, and no mismatched replicas
        self._list_due = NEVER
        self._setbacks = Setbacks()
        self._stopping = False
        self._member_deleted = False  # or it was tried, while this replica stops

    @property
    def held(self) -> dict[int, HeldLease]:
        """The shards that are held, also those whose Lease has lapsed and may be had back."""
        return dict(self._held.shards)

    @property
    def members(self) -> int:
        """How many replicas are alive, with this one, that split the sources into as many shards."""
        return len(self._membership.members())

    @property
    def mismatched_replicas(self) -> list[str]:
        """Names of Leases that others hold who split the sources into another number of shards.

        While there are any, nothing is acquired and nothing is given away.
        """
        return self._membership.mismatched_replicas()

    @property
    def failures(self) -> int:
        """Requests that did not do what they should, since the last write that did."""
        return self._setbacks.count

    @property
    def finished(self) -> bool:
        """Whether this replica has given all away, once it stops."""
        return self._stopping and not self._outdated and not self._holds_any() and self._delete_member() is None

    def stop(self) -> None:
        """Acquire nothing more, and give all away."""
        self._stopping = True
        self._setbacks.not_before = NEVER

    def leaving(self) -> set[int]:
        """Return the held shards that another replica is to have: hand them over, then call `release`."""
        if self._stopping:
            return set(self._held.shards)
        return {shard for shard in self._held.shards if self._may_move and not self._mine(shard)}

    def release(self, shard: int) -> None:
        """Let go of a held shard that was handed over."""
        self._held.shards[shard].handed_over = True

    def keep(self, shard: int) -> None:
        """Take back a `release`, after all. The shard may be relied on again after its next renewal."""
        held_lease = self._held.shards[shard]
        held_lease.handed_over, held_lease.due = False, NEVER

    def next(self, now: float) -> Request | None:
        """Return the next request, or `None`: there is nothing to do before `wake`."""
        request = self._choose(now) if now >= self._setbacks.not_before else None
        if request is None:
            return None
        if isinstance(request, ReplaceLease) and not request.lease.holder and request.lease.shard in self._held.shards:
            # From here on somebody else may have it, also when no answer comes.
            self._held.shards[request.lease.shard].until = NEVER
        self._pending = request, now
        return request

    def wake(self) -> float:
        """Return when there is something to do again, if nobody calls `release`, `keep` or `stop` before."""
        if self._outdated:
            return self._setbacks.not_before
        due = FOREVER if self._stopping else self._list_due
        return max(self._setbacks.not_before, min([due, *(held_lease.due for held_lease in self._held)]))

    def answered(self, answer: Answer, now: float) -> list[tuple[Change, int]]:
        """Take in the answer to the last request, and return what has changed.

        Parameters
        ----------
        answer
            What came.
        now
            When it had come.
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
        self._setbacks.worked(request)
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
        # What is of use comes before what only cleans up: the right to delete may be missing.
        return request or self._fence() or self._acquire(now) or self._clean(now)

    def _free(self) -> Request | None:
        leases: list[Lease] = []
        if self._stopping and self._held.member is not None:
            # Before the shards: the others then know whose they are to be, and take each once it is free.
            leases.append(self._held.member.lease)
        leases += [held_lease.lease for held_lease in self._held if held_lease.handed_over]
        unclaimed_leases = self._membership.unclaimed_leases(self._held.shards)
        leases += [lease for lease in unclaimed_leases if self._stopping or not self._mine(lease.shard)]
        return self._setbacks.first(map(freed, leases))

    def _delete_member(self) -> Request | None:
        """Delete the own member Lease, free by now, once all else is done: if that fails, another replica does it."""
        there = self._observed.get(self._name)
        return None if there is None or self._member_deleted or self._holds_any() else DeleteLease(there)

    def _join(self) -> Request | None:
        return self._membership.claim(self._name) if self._held.member is None else None

    def _renew(self, now: float) -> Request | None:
        first = min(self._held, key=lambda held_lease: held_lease.due, default=None)
        return None if first is None or first.due > now else ReplaceLease(first.lease)

    def _fence(self) -> Request | None:
        return self._setbacks.first(map(freed, self._membership.fences()))

    def _acquire(self, now: float) -> Request | None:
        if not self._may_move or self._held.member is None or now >= self._held.member.until:
            return None
        wanted = [shard for shard in self._membership.owners() if self._mine(shard) and shard not in self._held.shards]
        claims = (self._membership.claim(shard_lease(shard)) for shard in wanted)
        return self._setbacks.first(claim for claim in claims if claim is not None)

    def _clean(self, now: float) -> Request | None:
        stale_leases = list(self._membership.stale_leases()) if self._may_move else []
        # What cannot be deleted is set free, or whoever starts would again wait for it to expire.
        left = [lease for lease in stale_leases if lease.holder and lease.name in self._setbacks.undeletable]
        deletes = map(DeleteLease, stale_leases if now >= self._setbacks.clean_from else ())
        return self._setbacks.first(map(freed, left)) or self._setbacks.first(deletes)

    def _listed(self, leases: list[Lease], sent: float, now: float) -> list[tuple[Change, int]]:
        self._observed.take_in(leases, sent=sent, arrived=now)
        mine = self._observed.get(self._name)
        if mine is not None and mine.holder != self._me.identity:
            mine = None  # it was given up, by this replica or by others after it had expired
        self._held.observe_member(mine)
        self._outdated = False
        self._may_move = mine is not None and not self.mismatched_replicas
        self._schedule_list(sent, now)
        return [self._end(shard) for shard in self._held.observe_shards(self._observed)]

    def _schedule_list(self, sent: float, now: float) -> None:
        others = list(self._membership.others())
        expiries = [self._observed.expires(lease) for lease in others if not self._observed.expired(lease)]
        self._list_due = min([sent + (LIST_SECONDS if others else self._me.pace), *(max(now, at) for at in expiries)])

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
            self._outdated = True  # first show oneself, then look: of two that do so, one at least sees the other
        elif self._held.member is not None and now < min(held_lease.until, self._held.member.until):
            self._held.shards[lease.shard] = held_lease
            return [(Change.GAINED, lease.shard)]
        # Else the answer came too late to rely on it: nobody relies on it.
        return []

    def _freed(self, lease: Lease) -> list[tuple[Change, int]]:
        if lease.name == self._name:
            self._held.member = None
        elif lease.shard in self._held.shards:
            return [self._end(lease.shard)]
        else:
            self._outdated = True  # it was somebody else's, or unclaimed: look again whether that was all
        return []

    def _deleted(self, request: Request) -> None:
        assert isinstance(request, DeleteLease), "only a delete is answered with nothing"  # noqa: S101 (as above)
        self._observed.deleted(request.lease.name)

    def _failed(self, request: Request, failure: Failure, now: float) -> None:
        self._setbacks.failed(request, failure, now, stopping=self._stopping)
        if isinstance(request, DeleteLease):
            self._member_deleted = self._stopping
            # Nothing is relied on that it could have changed. Where it met a change, that is worth a look.
            self._outdated = self._outdated or failure is not Failure.UNKNOWN
        elif isinstance(request, ListLeases) and not self._outdated:
            # What is held can be renewed all the same: each write has its preconditions. But nothing is moved.
            self._may_move, self._list_due = False, now + RETRY_SECONDS
            self._setbacks.not_before = NEVER
        else:
            self._outdated = True
            if isinstance(request, ReplaceLease):
                self._held.postpone(request.lease.name, now + RETRY_SECONDS)

    def _mine(self, shard: int | None) -> bool:
        return self._may_move and shard is not None and self._membership.owners().get(shard) == self._me.identity

    def _holds_any(self) -> bool:
        return any(self._held) or any(self._membership.unclaimed_leases(self._held.shards))
