"""What the log and the probe say of requests for Leases that fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import DeleteLease, ListLeases, ReplaceLease
from tests.unit.support.shards_bench import REFUSED, CoordinatorBench

if TYPE_CHECKING:
    import pytest


def test_it_says_what_was_refused() -> None:
    bench = CoordinatorBench()
    bench.api.refused = (ListLeases,)
    bench.run(1)
    assert bench.shards.complaint == REFUSED


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
    assert bench.view.held == (0, 1)
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
    assert [shard for shard in range(4) if shard not in bench.view.held] == [2]
    assert bench.shards.failing > 50
    assert bench.shards.complaint == REFUSED
    assert caplog.text.count(REFUSED) == 1
    assert "again" not in caplog.text
    bench.api.refuses_one = ""
    bench.run(6)
    assert bench.view.held == (0, 1, 2, 3)
    assert (bench.shards.failing, bench.shards.complaint) == (0, "")
    assert caplog.text.count("Leases can be read and written again") == 1
