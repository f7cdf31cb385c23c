"""What is refused for long: nothing else waits for it."""

from __future__ import annotations

import pytest

from appconfig_operator.core.sharding.election import Change
from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import DeleteLease, Failure, ListLeases
from tests.unit.support.election_bench import (
    DURATION,
    ElectionBench,
    about,
    is_delete,
    is_shard,
    is_write,
)
from tests.unit.support.leases_world import Store


def test_a_conflict_is_read_again_at_once_and_from_the_second_on_with_a_pause() -> None:
    bench = ElectionBench()
    bench.until(is_shard)
    bench.answer(Failure.CONFLICT)
    assert isinstance(bench.step(), ListLeases)
    assert is_shard(bench.until(is_shard))
    bench.answer(Failure.CONFLICT)
    assert bench.election.failures == 2
    assert bench.step() is None
    assert bench.election.wake() == bench.now + 1


def test_all_is_taken_before_anything_is_deleted_and_a_refused_delete_blocks_nothing() -> None:
    """As after an ordinary restart: the Lease of the process before has expired, and may not be deleted."""
    bench = ElectionBench(shards=2, store=Store(refuses=is_delete))
    for name in (member_lease("before"), shard_lease(0), shard_lease(1)):
        bench.other(name, "before")
    bench.run(DURATION)
    assert bench.held == [0, 1]
    tried = [type(request) for request in bench.asked].index(DeleteLease)
    assert all(map(is_write, bench.asked[tried - 2 : tried]))
    bench.asked.clear()
    bench.run(300)
    assert bench.held == [0, 1]
    assert bench.changes == [(Change.GAINED, 0), (Change.GAINED, 1)]
    assert sum(map(is_delete, bench.asked)) == 5, "one a minute"
    assert sum(isinstance(request, ListLeases) for request in bench.asked) < 310
    assert bench.election.failures == 0


def test_what_has_expired_and_cannot_be_deleted_is_set_free_so_that_nobody_waits_for_it_again() -> None:
    bench = ElectionBench(shards=8, store=Store(refuses=is_delete))
    bench.other(member_lease("before"), "before")
    bench.run(DURATION)
    assert bench.store.leases[member_lease("before")].holder == ""
    assert sum(map(about(member_lease("before")), bench.asked)) == 2, "a delete, and a write in its place"
    bench.election.stop()
    for shard in range(8):
        bench.election.release(shard)
    bench.rest()
    second = ElectionBench("second", shards=8, store=bench.store)
    second.rest()
    assert second.held == list(range(8))


def test_what_can_neither_be_deleted_nor_set_free_blocks_nothing() -> None:
    bench = ElectionBench(shards=2)
    bench.other(member_lease("before"), "before")
    bench.store.refuses = about(member_lease("before"))
    bench.run(DURATION)
    bench.asked.clear()
    bench.run(120)
    assert bench.held == [0, 1]
    assert sum(map(about(member_lease("before")), bench.asked)) == 4, "both once a minute"


def test_of_two_that_cannot_be_deleted_each_has_its_turn() -> None:
    bench = ElectionBench()
    for name in ("a", "b"):
        bench.other(member_lease(name), name)
    bench.store.refuses = about(member_lease("a"))
    bench.run(DURATION + 130)
    assert set(bench.store.leases) == {member_lease("me"), member_lease("a"), shard_lease(0)}


def test_a_fence_that_is_refused_takes_nothing_and_blocks_nothing_that_is_held() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.other_joins(shards=4)
    bench.store.refuses = about(member_lease("other"))
    del bench.store.leases[shard_lease(1)]
    bench.run(120)
    assert bench.held == [0], "nothing is taken beside a replica that may come back"
    assert bench.election.failures > 0
    bench.store.refuses = lambda _: False
    bench.run(2)
    assert bench.held == [0, 1]


@pytest.mark.parametrize("refused", [shard_lease(0), member_lease("me")])
def test_one_lease_that_cannot_be_renewed_costs_the_others_nothing(refused: str) -> None:
    bench = ElectionBench(shards=8)
    bench.rest()
    bench.store.refuses = about(refused)
    for _ in range(300):
        bench.run(0.5)
        assert set(bench.held) >= set(range(1, 8))
    assert bench.election.failures > 0


def test_one_shard_that_cannot_be_acquired_does_not_delay_the_others() -> None:
    bench = ElectionBench(shards=8, store=Store(refuses=about(shard_lease(0))))
    bench.run(3)
    assert bench.held == list(range(1, 8))


def test_what_is_held_is_renewed_while_lists_are_refused_and_nothing_is_moved() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.store.refuses = lambda request: isinstance(request, ListLeases)
    bench.other_joins()
    for _ in range(120):
        bench.run(1)
        assert bench.held == [0, 1]
    assert bench.election.leaving() == set()
    assert bench.election.failures > 0
    bench.store.refuses = lambda _: False
    bench.other_joins()
    bench.run(2)
    assert len(bench.election.leaving()) == 1
