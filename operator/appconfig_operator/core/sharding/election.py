"""Which shards this replica holds: what it asks the API server for next, and what it makes of the answers.

No I/O, no clock, no thread: whoever drives it makes one request after the other, and says when. The rules, and why two
replicas never hold the same source, are in docs/sharding.md.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.held_lease import NEVER, HeldLease
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
        self._seen = ObservedLeases(me.duration)
        self._membership = Membership(me, self._seen)
        self._member: HeldLease | None = None
        self._held: dict[int, HeldLease] = {}
        self._asked: tuple[Request, float] | None = None
        self._blind = True  # what was seen last may not be so any more
        self._clear = False  # a list has shown this replica's own member Lease, and no mismatched replicas
        self._list_due = NEVER
        self._setbacks = Setbacks()
        self._stopping = False
        self._left = False  # its own member Lease was to be deleted, with or without success

    @property
    def held(self) -> dict[int, HeldLease]:
        """The shards that are held, also those whose Lease has lapsed and may be had back."""
        return dict(self._held)

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
        return self._stopping and not self._blind and not self._anything() and self._vanish() is None

    def stop(self) -> None:
        """Acquire nothing more, and give all away."""
        self._stopping = True
        self._setbacks.not_before = NEVER

    def leaving(self) -> set[int]:
        """Return the held shards that another replica is to have: hand them over, then call `release`."""
        if self._stopping:
            return set(self._held)
        return {shard for shard in self._held if self._clear and not self._wanted(shard)}

    def release(self, shard: int) -> None:
        """Let go of a held shard that was handed over."""
        self._held[shard].handed_over = True

    def keep(self, shard: int) -> None:
        """Take back a `release`, after all. The shard may be relied on again after its next renewal."""
        held_lease = self._held[shard]
        held_lease.handed_over, held_lease.due = False, NEVER

    def next(self, now: float) -> Request | None:
        """Return the next request, or `None`: there is nothing to do before `wake`."""
        request = self._choose(now) if now >= self._setbacks.not_before else None
        if request is None:
            return None
        if isinstance(request, ReplaceLease) and not request.lease.holder and request.lease.shard in self._held:
            # From here on somebody else may have it, also when no answer comes.
            self._held[request.lease.shard].until = NEVER
        self._asked = request, now
        return request

    def wake(self) -> float:
        """Return when there is something to do again, if nobody calls `release`, `keep` or `stop` before."""
        if self._blind:
            return self._setbacks.not_before
        due = FOREVER if self._stopping else self._list_due
        return max(self._setbacks.not_before, min([due, *(held_lease.due for held_lease in self._tenures())]))

    def answered(self, answer: Answer, now: float) -> list[tuple[Change, int]]:
        """Take in the answer to the last request, and return what has changed.

        Parameters
        ----------
        answer
            What came.
        now
            When it had come.
        """
        assert self._asked is not None, "nothing was asked"  # noqa: S101 (a bug of the driver, not a state)
        (request, sent), self._asked = self._asked, None
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
        if self._blind:
            return ListLeases()
        if self._stopping:
            return self._give() or self._renew(now) or self._vanish()
        request = self._give() or self._join() or self._renew(now)
        if request is None and now >= self._list_due:
            return ListLeases()
        # What is of use comes before what only cleans up: the right to delete may be missing.
        return request or self._fence() or self._take(now) or self._clean(now)

    def _give(self) -> Request | None:
        free: list[Lease] = []
        if self._stopping and self._member is not None:
            # Before the shards: the others then know whose they are to be, and take each once it is free.
            free.append(self._member.lease)
        free += [held_lease.lease for held_lease in self._held.values() if held_lease.handed_over]
        unclaimed_leases = self._membership.unclaimed_leases(self._held)
        free += [lease for lease in unclaimed_leases if self._stopping or not self._wanted(lease.shard)]
        return self._setbacks.first(map(freed, free))

    def _vanish(self) -> Request | None:
        """Delete the own member Lease, free by now, once all else is done: if that fails, another replica does it."""
        there = self._seen.get(self._name)
        return None if there is None or self._left or self._anything() else DeleteLease(there)

    def _join(self) -> Request | None:
        return self._membership.claim(self._name) if self._member is None else None

    def _renew(self, now: float) -> Request | None:
        first = min(self._tenures(), key=lambda held_lease: held_lease.due, default=None)
        return None if first is None or first.due > now else ReplaceLease(first.lease)

    def _fence(self) -> Request | None:
        return self._setbacks.first(map(freed, self._membership.fences()))

    def _take(self, now: float) -> Request | None:
        if not self._clear or self._member is None or now >= self._member.until:
            return None
        owners = self._membership.owners().items()
        wanted = [shard for shard, owner in owners if owner == self._me.identity and shard not in self._held]
        claims = (self._membership.claim(shard_lease(shard)) for shard in wanted)
        return self._setbacks.first(claim for claim in claims if claim is not None)

    def _clean(self, now: float) -> Request | None:
        stale_leases = list(self._membership.stale_leases()) if self._clear else []
        # What cannot be deleted is set free, or whoever starts would again wait for it to expire.
        left = [lease for lease in stale_leases if lease.holder and lease.name in self._setbacks.undeletable]
        deletes = map(DeleteLease, stale_leases if now >= self._setbacks.clean_from else ())
        return self._setbacks.first(map(freed, left)) or self._setbacks.first(deletes)

    def _listed(self, leases: list[Lease], sent: float, now: float) -> list[tuple[Change, int]]:
        self._seen.take_in(leases, sent=sent, arrived=now)
        mine = self._seen.get(self._name)
        if mine is not None and mine.holder != self._me.identity:
            mine = None  # it was given up, by this replica or by others after it had expired
        if mine is None or self._member is None:
            # If there is one all the same, it was created after all, and the answer lost.
            self._member = None if mine is None else HeldLease(mine, NEVER, NEVER)
        else:
            self._member.lease = mine
        self._blind = False
        self._clear = mine is not None and not self.mismatched_replicas
        self._schedule_list(sent, now)
        ended = [shard for shard, held_lease in self._held.items() if not self._still(held_lease)]
        return [self._end(shard) for shard in ended]

    def _schedule_list(self, sent: float, now: float) -> None:
        others = list(self._membership.others())
        expiries = [self._seen.expires(lease) for lease in others if not self._seen.expired(lease)]
        self._list_due = min([sent + (LIST_SECONDS if others else self._me.pace), *(max(now, at) for at in expiries)])

    def _still(self, held_lease: HeldLease) -> bool:
        """Return whether nobody else has had a Lease since, and bring it up to date."""
        lease = self._seen.get(held_lease.lease.name)
        if lease is None or lease.term != held_lease.lease.term:
            return False
        held_lease.lease = lease
        return True

    def _end(self, shard: int) -> tuple[Change, int]:
        held_lease = self._held.pop(shard)
        held_lease.until = NEVER
        return (Change.RELEASED if held_lease.handed_over else Change.LOST), shard

    def _wrote(self, lease: Lease, sent: float, now: float) -> list[tuple[Change, int]]:
        self._seen.wrote(lease, arrived=now)
        term = HeldLease(lease, self._valid_until(sent, now), sent + self._me.pace)
        shard = lease.shard
        held_lease = self._member if shard is None else self._held.get(shard)
        if not lease.holder:
            return self._let_go(lease)
        if held_lease is not None and lease.version == held_lease.lease.version:
            held_lease.due = (
                now + RETRY_SECONDS
            )  # nothing has changed, by a clock that stands still: nobody could see it
        elif held_lease is not None:
            held_lease.lease, held_lease.until, held_lease.due = lease, term.until, term.due
        elif shard is None:
            self._member = term
            self._blind = True  # first show oneself, then look: of two that do so, one at least sees the other
        elif self._member is not None and now < min(term.until, self._member.until):
            self._held[shard] = term
            return [(Change.GAINED, shard)]
        # Else the answer came too late to rely on it: nobody relies on it.
        return []

    def _valid_until(self, sent: float, arrived: float) -> float:
        """Return up to when a Lease may be relied on that was written then: from before the others can have seen it."""
        del arrived
        return sent + self._me.valid

    def _let_go(self, lease: Lease) -> list[tuple[Change, int]]:
        if lease.name == self._name:
            self._member = None
        elif lease.shard in self._held:
            return [self._end(lease.shard)]
        else:
            self._blind = True  # it was somebody else's, or unclaimed: look again whether that was all
        return []

    def _deleted(self, request: Request) -> None:
        assert isinstance(request, DeleteLease), "only a delete is answered with nothing"  # noqa: S101 (as above)
        self._seen.deleted(request.lease.name)

    def _failed(self, request: Request, failure: Failure, now: float) -> None:
        self._setbacks.failed(request, failure, now, stopping=self._stopping)
        if isinstance(request, DeleteLease):
            self._left = self._stopping
            # Nothing is relied on that it could have changed. Where it met a change, that is worth a look.
            self._blind = self._blind or failure is not Failure.UNKNOWN
        elif isinstance(request, ListLeases) and not self._blind:
            # What is held can be renewed all the same: each write has its preconditions. But nothing is moved.
            self._clear, self._list_due = False, now + RETRY_SECONDS
            self._setbacks.not_before = NEVER
        else:
            self._blind = True
            name = request.lease.name if isinstance(request, ReplaceLease) else ""
            for held_lease in self._tenures():
                if held_lease.lease.name == name:
                    held_lease.due = now + RETRY_SECONDS  # the others first

    def _tenures(self) -> list[HeldLease]:
        return [*self._held.values(), *([] if self._member is None else [self._member])]

    def _wanted(self, shard: int | None) -> bool:
        return self._clear and shard is not None and self._membership.owners().get(shard) == self._me.identity

    def _anything(self) -> bool:
        return (
            self._member is not None
            or bool(self._held)
            or next(self._membership.unclaimed_leases(self._held), None) is not None
        )
