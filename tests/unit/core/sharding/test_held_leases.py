"""What a replica holds: how long it is valid, and what happens to it when a write is lost, late or not its own."""

from __future__ import annotations

import pytest

from appconfig_operator.core.sharding.election import Change
from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, Failure, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.membership import Replica
from tests.unit.support.election_bench import (
    VALID,
    ElectionBench,
    is_release,
    is_shard,
)


def test_a_lease_may_be_relied_on_from_before_it_was_asked_for_less_a_margin() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    sent = bench.now
    bench.now += 3
    bench.answer(bench.store.carry_out(request))
    assert bench.election.held[0].until == sent + VALID


@pytest.mark.parametrize(("duration", "validity"), [(5, 4.0), (15, 12.0), (4, 3.0), (300, 240.0)])
def test_the_margin_is_a_fifth_and_at_least_a_second(duration: int, validity: float) -> None:
    assert Replica("me", 1, duration).validity == validity


def test_a_lease_that_another_has_taken_is_lost() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.other(shard_lease(0))
    held_lease = bench.election.held[0]
    bench.run(5)
    assert bench.changes[-1] == (Change.LOST, 0)
    assert held_lease.until == NEVER, "whoever still asks sees that"


def test_a_lease_that_was_deleted_is_lost_and_created_again() -> None:
    bench = ElectionBench()
    bench.rest()
    del bench.store.leases[shard_lease(0)]
    bench.run(5)
    assert bench.changes[1:] == [(Change.LOST, 0), (Change.GAINED, 0)]


def test_a_lapsed_lease_that_nobody_took_is_held_again() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.now += 60
    assert bench.held == []
    assert 0 in bench.election.held
    bench.rest()
    assert bench.held == [0]
    assert bench.changes == [(Change.GAINED, 0)]


def test_a_lapsed_lease_that_went_to_another_and_came_back_is_another() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.other(shard_lease(0))
    bench.other(shard_lease(0), "me")
    bench.now += 60
    bench.rest()
    assert bench.changes == [(Change.GAINED, 0), (Change.LOST, 0), (Change.GAINED, 0)]


def test_after_a_lost_answer_it_waits_a_moment_and_reads_again() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    assert bench.step() is None
    assert bench.election.wake() == bench.now + 1
    bench.now += 1
    assert isinstance(bench.step(), ListLeases)
    bench.rest()
    assert bench.held == [0], "it was created, and is taken up"
    assert bench.store.leases[shard_lease(0)].transitions == 1


def test_a_lost_renewal_is_made_again_and_costs_nothing() -> None:
    bench = ElectionBench()
    bench.rest()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.run(2)
    assert bench.changes == [(Change.GAINED, 0)]
    assert bench.election.held[0].until > bench.now + VALID - 2


def test_a_renewal_that_changed_nothing_does_not_count() -> None:
    bench = ElectionBench()
    bench.rest()
    until = bench.election.held[0].until
    bench.until(is_shard)
    bench.answer(bench.store.leases[shard_lease(0)])
    assert bench.election.held[0].until == until
    bench.run(1)
    assert bench.election.held[0].until > until


def test_nothing_is_taken_while_the_own_member_lease_has_lapsed() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.now += 60
    bench.until(lambda request: isinstance(request, ReplaceLease) and request.lease.shard is None)
    bench.answer(bench.store.leases[member_lease("me")])  # a renewal that changed nothing
    del bench.store.leases[shard_lease(0)]
    bench.rest()
    assert bench.changes[1:] == [(Change.LOST, 0)]
    bench.run(1)
    assert bench.held == [0]


def test_a_member_that_was_created_without_an_answer_is_renewed_before_anything_is_taken() -> None:
    bench = ElectionBench()
    request = bench.until(lambda request: isinstance(request, CreateLease))
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.asked.clear()
    bench.run(1)
    assert [type(request) for request in bench.asked] == [ListLeases, ReplaceLease, CreateLease]
    assert bench.held == [0]


def test_an_answer_that_comes_too_late_gives_nothing() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    answer = bench.store.carry_out(request)
    bench.now += VALID
    bench.answer(answer)
    assert bench.changes == []
    bench.rest()
    assert bench.held == [0], "it is taken up with another write"


def test_a_release_without_an_answer_ends_the_right_to_poll() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    (shard,) = bench.election.leaving()
    bench.election.release(shard)
    bench.until(is_release)
    assert shard not in bench.held
    bench.answer(Failure.UNKNOWN)
    bench.election.keep(shard)  # say the other has gone meanwhile
    bench.run(1)
    assert shard in bench.held, "after the next renewal, it may be relied on"


def test_a_release_that_was_carried_out_without_an_answer_is_found() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    (shard,) = bench.election.leaving()
    bench.election.release(shard)
    bench.store.carry_out(bench.until(is_release))
    bench.answer(Failure.UNKNOWN)
    bench.run(1)
    assert bench.changes[-1] == (Change.RELEASED, shard)


def test_a_lease_that_is_held_by_mistake_is_let_go() -> None:
    """A create without an answer, and meanwhile there is a replica with another number of shards."""
    bench = ElectionBench(shards=2)
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.other_joins(shards=4)
    bench.run(1)
    assert bench.store.leases[shard_lease(0)].holder == ""
