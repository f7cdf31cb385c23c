"""Shards while the store of sessions hangs: nothing else waits for it, and what comes of it late does no harm."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.membership import Replica
from appconfig_operator.engine.shard_coordinator import ShardCoordinator
from appconfig_operator.engine.shard_transitions import RETRY_SECONDS
from appconfig_operator.engine.shard_view import ShardView
from sandbox import wait_until
from tests.unit.support.shards_bench import CoordinatorBench, session


def hung_put() -> tuple[CoordinatorBench, int]:
    """Return a replica whose store hangs while it gives the shard away."""
    bench = CoordinatorBench(2)
    bench.run(0)
    shard = bench.other_joins()
    bench.executor.held_up = True
    bench.run(6)
    assert bench.runner.reported[-1] == f"stop_and_export {shard}"
    return bench, shard


def go_on(bench: CoordinatorBench) -> None:
    bench.executor.held_up = False
    bench.executor.go_on()


def test_a_store_that_hangs_holds_no_renewal_up() -> None:
    bench = CoordinatorBench(4)
    bench.store.kept[0] = [session("a")]
    bench.run(0)
    bench.store.kept[3] = [session("b")]
    bench.other(shard_lease(3))
    bench.run(6)
    assert bench.view.held == (0, 1, 2)
    bench.executor.held_up = True
    bench.run(40)
    assert bench.view.held == (0, 1, 2)
    assert all(bench.runner.guards[shard].remaining() > 0 for shard in range(3))
    go_on(bench)
    bench.run(1)
    assert len(bench.view.held) == 4
    assert bench.runner.sessions[3] == ["b"]


def test_a_put_that_hangs_keeps_the_shard_here_until_it_has_ended() -> None:
    bench, shard = hung_put()
    for _ in range(30):
        bench.other(member_lease("other"))
        bench.run(1)
    assert bench.view.held == (1 - shard,)
    assert bench.api.leases[shard_lease(shard)].holder == "me"
    go_on(bench)
    bench.run(1)
    assert bench.api.leases[shard_lease(shard)].holder == ""
    assert [kept.uid for kept in bench.store.kept[shard]] == ["new"]


def test_sessions_on_their_way_to_the_store_are_not_used_when_the_shard_stays_after_all() -> None:
    bench, shard = hung_put()
    del bench.api.leases[member_lease("other")]
    bench.run(5)
    assert bench.runner.reported[-1] == f"stop_and_export {shard}"
    go_on(bench)
    bench.run(1)
    assert bench.store.calls[-2:] == ["put", "take"]
    assert bench.runner.reported[-1] == f"start {shard}"
    assert shard not in bench.store.kept


def test_sessions_that_arrive_after_the_shard_was_lost_are_dropped() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]
    bench.executor.held_up = True
    bench.run(1)
    bench.other(shard_lease(0))
    bench.run(6)
    go_on(bench)
    bench.run(1)
    assert bench.runner.reported == []
    assert bench.store.calls == [], "they are the other's"
    assert [kept.uid for kept in bench.store.kept[0]] == ["a"]


def test_nothing_is_asked_of_the_store_once_the_lease_has_lapsed() -> None:
    """A task may wait a long time for another one."""
    bench, shard = hung_put()
    bench.api.away = True
    bench.run(20)
    go_on(bench)
    assert "put" not in bench.store.calls
    bench.api.away = False
    bench.other(member_lease("other"))
    bench.run(2)
    assert [kept.uid for kept in bench.store.kept[shard]] == ["new"]


def test_a_take_under_way_at_the_end_is_waited_for_and_put_back() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]
    bench.executor.held_up = True
    bench.run(1)
    bench.shards._stop.set()
    assert not bench.run(5)
    go_on(bench)
    assert bench.run(1)
    assert bench.store.calls == ["take", "put"]
    assert [kept.uid for kept in bench.store.kept[0]] == ["a"]


def test_the_pause_after_a_failure_begins_when_it_is_known() -> None:
    bench = CoordinatorBench()
    bench.store.failures = 1
    bench.store.meanwhile = lambda: setattr(bench, "now", bench.now + 5)
    while not bench.store.calls:
        bench.shards.run_once()
    bench.store.meanwhile = lambda: None
    bench.run(RETRY_SECONDS - 0.1)
    assert len(bench.store.calls) == 1
    bench.run(0.2)
    assert len(bench.store.calls) == 2


def test_a_shard_whose_begin_failed_is_begun_anew() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]

    def bug() -> None:
        raise ZeroDivisionError

    bench.runner.on_begin = bug
    with pytest.raises(ZeroDivisionError):
        bench.run(1)
    assert bench.view.held == ()
    bench.runner.on_begin = lambda: None
    bench.run(1)
    assert bench.runner.reported == ["start 0", "drop 0", "start 0"]
    assert bench.runner.sessions[0] == [], "nobody knows which of the tokens were used"


def test_a_thread_of_its_own_that_is_blocked() -> None:
    """Real threads: one shard after the other waits for the store, and Leases are renewed all the same."""
    bench = CoordinatorBench(2)
    blocked = threading.Event()
    bench.store.meanwhile = lambda: assert_waited(blocked)
    executor = ThreadPoolExecutor(1)

    def fast() -> float:
        return time.monotonic() * 20

    shards = ShardCoordinator(
        Replica("me", 2, 15),
        leases=bench.api,
        runner=bench.runner,
        store=bench.store,
        executor=executor,
        ready=bench.ready,
        view=ShardView(2, fast),
        monotonic=fast,
    )
    shards.start()
    wait_until(lambda: bench.store.calls, 10, "a call of the store")
    versions = {bench.api.leases[shard_lease(0)].version}

    def renewed() -> bool:
        versions.add(bench.api.leases[shard_lease(0)].version)
        return len(versions) > 3

    wait_until(renewed, 10, "renewals")
    assert shards.view.held == ()
    blocked.set()
    wait_until(lambda: shards.view.held == (0, 1), 10, "all shards")
    assert shards.stop(10)
    executor.shutdown()


def assert_waited(event: threading.Event) -> None:
    assert event.wait(30)


def test_a_shard_without_sessions_needs_no_store_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    monkeypatch.setattr(bench.runner, "stop_and_export", lambda _: [])
    shard = bench.other_joins()
    bench.run(6)
    assert bench.api.leases[shard_lease(shard)].holder == ""
    assert "put" not in bench.store.calls
