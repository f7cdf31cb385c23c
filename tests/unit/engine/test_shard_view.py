"""What other threads see of the shards: how many share the work, and whether this replica can take part."""

from __future__ import annotations

import pytest

from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease import member_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, ListLeases
from tests.unit.support.shards_bench import CoordinatorBench


@pytest.mark.parametrize("right", [ListLeases, CreateLease])
def test_without_a_right_it_never_joins(right: type) -> None:
    bench = CoordinatorBench()
    bench.api.refused = (right,)
    bench.run(60)
    assert not bench.view.joined
    assert bench.shards.failing > 55
    bench.api.refused = ()
    bench.run(2)
    assert bench.view.joined
    assert bench.shards.failing == 0
    assert bench.shards.complaint == ""


def test_nobody_is_counted_before_the_first_list() -> None:
    bench = CoordinatorBench()
    bench.api.refused = (ListLeases,)
    bench.run(10)
    assert (bench.view.members, bench.view.pollers) == (0, 1)
    bench.api.refused = ()
    bench.run(2)
    assert (bench.view.members, bench.view.pollers) == (1, 1)


def test_a_replica_that_stands_by_has_joined() -> None:
    """Also when it is to have nothing at all: it would keep a rolling update waiting forever."""
    bench = CoordinatorBench(1)
    bench.other(member_lease("other"), shards=2)
    bench.run(3)
    assert bench.view.held == ()
    assert bench.view.joined


@pytest.mark.parametrize(("shards", "pollers"), [(1, 1), (2, 2), (3, 3), (8, 4)])
def test_who_stands_by_does_not_poll(shards: int, pollers: int) -> None:
    bench = CoordinatorBench(shards)
    for name in ("a", "b", "c"):
        bench.other(member_lease(name), holder=name)
    bench.run(1)
    assert bench.view.members == 4
    assert bench.view.pollers == pollers


class Changing:
    """A Lease that is lost between one look and the next."""

    def __init__(self, until: float) -> None:
        self._untils = [until, NEVER]

    @property
    def until(self) -> float:
        return self._untils.pop(0)


def test_a_lease_that_is_lost_at_that_moment_has_not_lapsed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = CoordinatorBench()
    monkeypatch.setattr(bench.view, "_held_leases", {0: Changing(bench.now - 3)})
    assert bench.view.lapsed == 3
    monkeypatch.setattr(bench.view, "_held_leases", {0: Changing(bench.now + 3)})
    assert bench.view.remaining == 3
