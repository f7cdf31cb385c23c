"""What the driver of the shards tells others: how many share the work, and whether it can take part."""

from __future__ import annotations

import logging

import pytest

from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease
from tests.unit.support.shards_bench import REFUSED, CoordinatorBench


@pytest.mark.parametrize("right", [ListLeases, CreateLease])
def test_without_a_right_it_never_joins(right: type) -> None:
    bench = CoordinatorBench()
    bench.api.refused = (right,)
    bench.run(60)
    assert not bench.shards.joined
    assert bench.shards.failing > 55
    bench.api.refused = ()
    bench.run(2)
    assert bench.shards.joined
    assert bench.shards.failing == 0
    assert bench.shards.complaint == ""


def test_it_says_what_was_refused() -> None:
    bench = CoordinatorBench()
    bench.api.refused = (ListLeases,)
    bench.run(1)
    assert bench.shards.complaint == REFUSED


def test_nobody_is_counted_before_the_first_list() -> None:
    bench = CoordinatorBench()
    bench.api.refused = (ListLeases,)
    bench.run(10)
    assert (bench.shards.members, bench.shards.pollers) == (0, 1)
    bench.api.refused = ()
    bench.run(2)
    assert (bench.shards.members, bench.shards.pollers) == (1, 1)


def test_lists_that_succeed_do_not_make_up_for_writes_that_do_not() -> None:
    bench = CoordinatorBench()
    bench.run(0)
    bench.api.refused = (ReplaceLease,)
    bench.run(50)
    assert bench.shards.failing > 40
    bench.api.refused = ()
    bench.run(2)
    assert bench.shards.failing == 0


def test_deletes_that_are_refused_are_told_once_and_do_not_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = CoordinatorBench(2)
    bench.other(member_lease("before"), "before")
    bench.api.refused = (DeleteLease,)
    bench.run(300)
    assert bench.shards.held == (0, 1)
    assert (bench.shards.failing, bench.shards.complaint) == (0, "")
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith(REFUSED)
    assert warning.endswith("nothing waits for it")
    bench.api.refused = ()
    bench.run(60)
    assert "Unneeded Leases can be deleted again" in caplog.text
    assert member_lease("before") not in bench.api.leases


def test_one_lease_that_cannot_be_renewed_is_told_once_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    """The renewals of the others, and the lists, say nothing of it."""
    caplog.set_level(logging.INFO)
    bench = CoordinatorBench(4)
    bench.run(0)
    bench.api.refuses_one = shard_lease(2)
    bench.run(60)
    assert [shard for shard in range(4) if shard not in bench.shards.held] == [2]
    assert bench.shards.failing > 50
    assert bench.shards.complaint == REFUSED
    assert caplog.text.count(REFUSED) == 1
    assert "again" not in caplog.text
    bench.api.refuses_one = ""
    bench.run(6)
    assert bench.shards.held == (0, 1, 2, 3)
    assert (bench.shards.failing, bench.shards.complaint) == (0, "")
    assert caplog.text.count("Leases can be read and written again") == 1


def test_a_replica_that_stands_by_has_joined() -> None:
    """Also when it is to have nothing at all: it would keep a rolling update waiting for ever."""
    bench = CoordinatorBench(1)
    bench.other(member_lease("other"), shards=2)
    bench.run(3)
    assert bench.shards.held == ()
    assert bench.shards.joined


@pytest.mark.parametrize(("shards", "pollers"), [(1, 1), (2, 2), (3, 3), (8, 4)])
def test_who_stands_by_does_not_poll(shards: int, pollers: int) -> None:
    bench = CoordinatorBench(shards)
    for name in ("a", "b", "c"):
        bench.other(member_lease(name), holder=name)
    bench.run(1)
    assert bench.shards.members == 4
    assert bench.shards.pollers == pollers


class Changing:
    """A Lease that is lost between one look and the next."""

    def __init__(self, until: float) -> None:
        self._untils = [until, NEVER]

    @property
    def until(self) -> float:
        return self._untils.pop(0)


def test_a_lease_that_is_lost_at_that_moment_has_not_lapsed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = CoordinatorBench()
    monkeypatch.setattr(bench.shards, "_held_leases", {0: Changing(bench.now - 3)})
    assert bench.shards.overdue == 3
    monkeypatch.setattr(bench.shards, "_held_leases", {0: Changing(bench.now + 3)})
    assert bench.shards.remaining == 3
