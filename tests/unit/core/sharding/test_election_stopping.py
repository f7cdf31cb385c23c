"""The end of a replica: it releases everything, and leaves no Lease that others have to wait for."""

from __future__ import annotations

import pytest

from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import DeleteLease, Failure, ReplaceLease
from tests.unit.support.election_bench import (
    ElectionBench,
    about,
    is_delete,
    is_release,
    is_shard,
)
from tests.unit.support.leases_world import Store


def test_at_the_end_all_is_released_and_the_member_leaves_first() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.asked.clear()
    bench.election.stop()
    bench.rest()
    (request,) = bench.asked
    assert isinstance(request, ReplaceLease)
    assert (request.lease.name, request.lease.holder) == (member_lease("me"), "")
    assert bench.election.leaving() == {0, 1}
    assert bench.held == [0, 1]
    assert not bench.election.finished
    bench.run(10)
    assert bench.held == [0, 1], "a handover may take its time"
    for shard in (0, 1):
        bench.election.release(shard)
    bench.rest()
    assert bench.election.finished
    assert {lease.holder for lease in bench.store.leases.values()} == {""}
    assert isinstance(bench.asked[-1], DeleteLease)
    assert set(bench.store.leases) == {shard_lease(0), shard_lease(1)}


def test_at_the_end_what_went_wrong_is_tried_again_soon() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.election.stop()
    bench.until(is_release)
    bench.answer(Failure.UNKNOWN)
    assert bench.election.wake() == bench.now + 0.25
    bench.run(1)
    bench.election.release(0)
    bench.rest()
    assert bench.election.finished


def test_at_the_end_what_is_held_by_mistake_is_let_go_too() -> None:
    bench = ElectionBench()
    request = bench.until(is_shard)
    bench.store.carry_out(request)
    bench.answer(Failure.UNKNOWN)
    bench.election.stop()
    bench.rest()
    assert bench.election.finished
    assert bench.store.leases[shard_lease(0)].holder == ""


def test_a_replica_that_takes_over_has_the_shards_of_one_that_stopped_within_a_second() -> None:
    first = ElectionBench("me", shards=4)
    first.rest()
    second = ElectionBench("other", shards=4, store=first.store)
    second.now = first.now
    second.rest()
    first.election.stop()
    for shard in range(4):
        first.election.release(shard)
    first.rest()
    second.run(1)
    assert second.held == [0, 1, 2, 3]
    assert first.election.finished


@pytest.mark.parametrize("refused", [shard_lease(0), member_lease("me")])
def test_one_lease_that_cannot_be_set_free_does_not_delay_the_others(refused: str) -> None:
    bench = ElectionBench(shards=4)
    bench.rest()
    bench.election.stop()
    for shard in range(4):
        bench.election.release(shard)
    bench.store.refuses = about(refused)
    bench.run(2)
    assert [lease.name for lease in bench.store.leases.values() if lease.holder] == [refused]
    assert not bench.election.finished
    bench.store.refuses = lambda _: False
    bench.run(2)
    assert bench.election.finished


def test_at_the_end_a_delete_that_is_refused_is_not_waited_for() -> None:
    bench = ElectionBench(store=Store(refuses=is_delete))
    bench.rest()
    bench.election.stop()
    bench.election.release(0)
    bench.rest()
    assert bench.election.finished
    assert {lease.holder for lease in bench.store.leases.values()} == {""}


def test_at_the_end_a_delete_of_what_another_has_changed_is_not_tried_again() -> None:
    bench = ElectionBench()
    bench.rest()
    bench.election.stop()
    bench.election.release(0)
    bench.until(is_delete)
    bench.answer(Failure.CONFLICT)
    bench.rest()
    assert bench.election.finished
