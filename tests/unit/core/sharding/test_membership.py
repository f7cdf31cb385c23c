"""What the Leases of others mean to a replica: which have expired, and which split the sources differently."""

from __future__ import annotations

import pytest

from appconfig_operator.core.sharding.election import Change
from appconfig_operator.core.sharding.lease import Lease, member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, Failure, ListLeases, ReplaceLease
from tests.unit.support.election_bench import (
    DURATION,
    ElectionBench,
    is_delete,
)
from tests.unit.support.leases_world import Store


def test_a_lease_of_another_has_expired_when_it_was_seen_unchanged_for_its_own_duration() -> None:
    bench = ElectionBench()
    bench.other(shard_lease(0), duration=7)
    bench.run(6.9)
    assert bench.held == []
    bench.run(0.1)
    assert bench.held == [0]
    assert bench.store.leases[shard_lease(0)].transitions == 1


def test_a_lease_of_another_that_is_renewed_does_not_expire() -> None:
    bench = ElectionBench()
    bench.other_joins()
    for _ in range(10):
        bench.other(shard_lease(0))
        bench.run(10)
    assert bench.held == []


def test_a_replica_that_heard_nothing_for_long_lists_before_it_takes_anything_for_expired() -> None:
    bench = ElectionBench()
    bench.other(shard_lease(0))
    bench.rest()
    bench.now += 100
    bench.asked.clear()
    bench.other(shard_lease(0))  # it lives: only this replica was away
    bench.rest()
    assert all(request.lease.shard is None for request in bench.asked if not isinstance(request, ListLeases))
    assert bench.held == []


def test_the_lease_of_a_dead_member_is_deleted() -> None:
    bench = ElectionBench()
    bench.other_joins()
    bench.run(DURATION)
    assert set(bench.store.leases) == {member_lease("me"), shard_lease(0)}


def test_what_somebody_else_has_deleted_before_is_not_a_failure() -> None:
    bench = ElectionBench()
    bench.other_joins()
    request = bench.until(lambda request: isinstance(request, DeleteLease))
    bench.store.carry_out(request)
    bench.answer(bench.store.carry_out(request))
    assert bench.election.failures == 0
    bench.rest()
    assert bench.election.members == 1


def test_leases_of_shards_that_no_longer_exist_are_deleted() -> None:
    bench = ElectionBench(shards=2)
    bench.other(shard_lease(5), "", shards=6)
    bench.rest()
    assert set(bench.store.leases) == {member_lease("me"), shard_lease(0), shard_lease(1)}


@pytest.mark.parametrize("name", [member_lease("other"), shard_lease(3)])
def test_nothing_is_taken_while_another_number_of_shards_is_seen(name: str) -> None:
    bench = ElectionBench(shards=2)
    bench.other(name, shards=4)
    bench.run(DURATION - 1)
    assert bench.held == []
    assert bench.election.mismatched_replicas == [name]
    bench.run(1)
    assert bench.election.mismatched_replicas == []
    assert bench.held == [0, 1]
    assert name not in bench.store.leases, "deleted, so that it cannot come back by a late renewal"


def test_what_is_held_is_kept_while_another_number_of_shards_is_seen() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins(shards=4)
    bench.other(member_lease("third"), "third")
    bench.other(shard_lease(3), "", shards=4)
    bench.run(DURATION - 1)
    assert bench.held == [0, 1]
    assert bench.election.leaving() == set()
    assert shard_lease(3) in bench.store.leases


def test_a_lease_without_a_duration_expires_after_ones_own() -> None:
    bench = ElectionBench()
    bench.store.carry_out(CreateLease(Lease(shard_lease(0), "other", 1, None)))
    bench.run(DURATION)
    assert bench.held == [0]


def test_expired_leases_of_another_number_of_shards_are_fenced_without_the_right_to_delete() -> None:
    bench = ElectionBench(shards=2, store=Store(refuses=is_delete))
    theirs = [bench.other(name, shards=4) for name in (member_lease("other"), shard_lease(0), shard_lease(3))]
    bench.run(DURATION)
    assert bench.held == [0, 1]
    for lease in theirs:
        assert bench.store.carry_out(ReplaceLease(lease)) is Failure.CONFLICT, "it cannot be renewed late"


def test_a_fenced_replica_joins_again() -> None:
    bench = ElectionBench()
    bench.rest()
    for name in (member_lease("me"), shard_lease(0)):
        bench.other(name, "")
    bench.now += 60
    bench.run(2)
    assert bench.changes == [(Change.GAINED, 0), (Change.LOST, 0), (Change.GAINED, 0)]
    assert bench.store.leases[member_lease("me")].holder == "me"
