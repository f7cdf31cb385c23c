"""One replica driven by hand: a test asks what it requests, and chooses the answer and the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.election import Change, Election
from appconfig_operator.core.sharding.lease import Lease, member_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.membership import Replica
from tests.unit.support.leases_world import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.sharding.lease_requests import Answer, Request

DURATION = 15
VALID = 12.0


class ElectionBench:
    """A replica, the API server, and a clock."""

    def __init__(self, identity: str = "me", *, shards: int = 1, store: Store | None = None) -> None:
        self.me = Replica(identity, shards, DURATION)
        self.election = Election(self.me)
        self.store = store or Store()
        self.now = 100.0
        self.asked: list[Request] = []
        self.changes: list[tuple[Change, int]] = []

    def ask(self) -> Request | None:
        request = self.election.next(self.now)
        if request is not None:
            self.asked.append(request)
        return request

    def answer(self, answer: Answer) -> None:
        self.changes += self.election.answered(answer, self.now)

    def step(self) -> Request | None:
        request = self.ask()
        if request is not None:
            self.answer(self.store.carry_out(request))
        return request

    def rest(self) -> None:
        """Go on until there is nothing to do now."""
        for _ in range(100):
            if self.step() is None:
                return
        pytest.fail("it never ends")

    def run(self, seconds: float) -> None:
        """Let time go by, and do what is due."""
        end = self.now + seconds
        self.rest()
        while (wake := self.election.wake()) <= end:
            self.now = max(self.now, wake)
            self.rest()
        self.now = end

    def until(self, condition: Callable[[Request], bool]) -> Request:
        """Go on until there is such a request, which is not carried out."""
        for _ in range(100):
            request = self.ask()
            if request is None:
                self.now = self.election.wake()
            elif condition(request):
                return request
            else:
                self.answer(self.store.carry_out(request))
        pytest.fail("it never asked for that")

    @property
    def held(self) -> list[int]:
        return sorted(shard for shard, held_lease in self.election.held.items() if held_lease.until > self.now)

    def other(self, name: str, holder: str = "other", *, shards: int | None = None, duration: int = DURATION) -> Lease:
        """Let another replica write a Lease."""
        lease = Lease(name, holder, shards or self.me.shards, duration)
        there = self.store.leases.get(name)
        written = self.store.carry_out(
            CreateLease(lease)
            if there is None
            else ReplaceLease(replace(lease, uid=there.uid, version=there.version, transitions=there.transitions + 1))
        )
        assert isinstance(written, Lease)
        return written

    def other_joins(self, *, shards: int | None = None) -> None:
        self.other(member_lease("other"), shards=shards)


def is_shard(request: Request) -> bool:
    return isinstance(request, ReplaceLease | CreateLease) and request.lease.shard is not None


def is_write(request: Request) -> bool:
    return isinstance(request, ReplaceLease | CreateLease)


def is_release(request: Request) -> bool:
    return isinstance(request, ReplaceLease) and not request.lease.holder


def is_delete(request: Request) -> bool:
    return isinstance(request, DeleteLease)


def about(name: str) -> Callable[[Request], bool]:
    return lambda request: not isinstance(request, ListLeases) and request.lease.name == name
