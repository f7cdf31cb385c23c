"""One replica by hand: how it joins, what it acquires, and what it hands over."""

from __future__ import annotations

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.election import Change
from appconfig_operator.core.sharding.lease import shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, ListLeases
from tests.unit.support.election_bench import (
    ElectionBench,
)


def test_it_lists_joins_lists_again_and_acquires_all() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    assert [type(request) for request in bench.asked] == [ListLeases, CreateLease, ListLeases, CreateLease, CreateLease]
    assert bench.changes == [(Change.GAINED, 0), (Change.GAINED, 1)]
    assert bench.held == [0, 1]
    assert bench.election.members == 1


def test_alone_it_makes_few_requests() -> None:
    bench = ElectionBench(shards=2)
    bench.rest()
    bench.asked.clear()
    bench.run(60)
    # Member, two shards and a list, each five seconds.
    assert len(bench.asked) == 4 * 12
    assert bench.held == [0, 1]


def test_while_there_is_another_it_lists_each_second() -> None:
    bench = ElectionBench()
    bench.other_joins()
    bench.rest()
    bench.asked.clear()
    bench.run(4.5)
    assert sum(isinstance(request, ListLeases) for request in bench.asked) == 4


def test_a_shard_assigned_to_another_is_released_after_its_handover() -> None:
    shards = 8
    bench = ElectionBench(shards=shards)
    bench.rest()
    bench.other_joins()
    bench.run(5)
    theirs = {shard for shard, owner in assign(shards, ["me", "other"]).items() if owner == "other"}
    assert bench.election.leaving() == theirs
    assert bench.election.members == 2
    assert len(bench.held) == shards, "until then it goes on"
    shard = min(theirs)
    bench.election.release(shard)
    bench.rest()
    assert bench.changes[-1] == (Change.RELEASED, shard)
    assert bench.store.leases[shard_lease(shard)].holder == ""
    assert shard not in bench.held


def test_a_free_shard_that_is_assigned_to_it_is_acquired_within_a_second() -> None:
    bench = ElectionBench(shards=2)
    bench.other_joins()
    mine = next(shard for shard, owner in assign(2, ["me", "other"]).items() if owner == "me")
    bench.other(shard_lease(mine))
    bench.other(shard_lease(1 - mine))
    bench.run(5)
    assert bench.held == []
    bench.other(shard_lease(mine), "")
    bench.run(1)
    assert bench.held == [mine]
