"""The driver of the shards: what it calls when, with a clock, an API server, a runner and a store of our own."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.lease import member_lease, shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, ReplaceLease
from appconfig_operator.core.sharding.membership import Replica
from appconfig_operator.engine.shard_coordinator import ShardCoordinator
from appconfig_operator.engine.shard_view import ShardView
from sandbox import wait_until
from tests.unit.support.shards_bench import DURATION, REFUSED, CoordinatorBench, session

if TYPE_CHECKING:
    from pytest_mock import MockerFixture


def test_a_shard_is_begun_with_the_sessions_that_were_left_for_it() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a"), session("b")]
    bench.run(0)
    assert bench.runner.reported == ["start 0"]
    assert bench.runner.sessions[0] == ["a", "b"]
    assert (bench.view.held, bench.view.members) == ((0,), 1)


def test_nothing_is_asked_before_the_sources_are_known() -> None:
    bench = CoordinatorBench()
    bench.ready.clear()
    bench.run(60)
    assert not bench.api.leases
    assert bench.view.members == 0
    assert bench.view.age < 1
    bench.ready.set()
    bench.run(1)
    assert bench.view.held == (0,)


def test_without_the_store_a_shard_is_begun_all_the_same_and_a_warning_tells(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = CoordinatorBench(2)
    bench.store.failures = 100
    bench.run(5)
    assert sorted(bench.runner.reported) == ["start 0", "start 1"]
    assert bench.store.calls == ["take"] * 6
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "Secrets cannot be written" in warning.message


def test_a_store_that_fails_once_is_asked_again() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]
    bench.store.failures = 1
    bench.run(1)
    assert bench.runner.sessions[0] == ["a"]


def test_a_shard_goes_to_another_when_its_polls_have_ended_and_its_sessions_are_stored() -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    shard = bench.other_joins()
    bench.runner.drained = False
    bench.run(10)
    lease = shard_lease(shard)
    assert bench.api.leases[lease].holder == "me", "renewed as long as it takes"
    assert bench.runner.guards[shard].remaining() > 0
    assert set(bench.runner.reported[2:]) == {f"drain {shard}"}
    assert bench.view.held == (1 - shard,)
    bench.runner.drained = True
    bench.other(member_lease("other"))
    bench.run(1)
    assert bench.runner.reported[-1] == f"stop_and_export {shard}"
    assert [kept.uid for kept in bench.store.kept[shard]] == ["new"]
    assert bench.api.leases[lease].holder == ""


def test_a_hand_over_that_cannot_be_stored_does_not_keep_the_shard(caplog: pytest.LogCaptureFixture) -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    bench.store.failures = 100
    shard = bench.other_joins()
    bench.run(8)
    assert bench.store.calls.count("put") == 3
    assert bench.api.leases[shard_lease(shard)].holder == ""
    assert "could not be handed over" in caplog.text


def test_nothing_is_begun_when_the_lease_lapsed_while_the_sessions_were_fetched() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]
    bench.store.meanwhile = lambda: setattr(bench, "now", bench.now + 20)
    bench.shards.run_once()
    for _ in range(3):
        bench.shards.run_once()
    assert bench.store.calls == ["take"]
    assert bench.runner.reported == []
    bench.run(1)
    assert bench.runner.reported == ["start 0"]
    assert bench.runner.sessions[0] == ["a"], "they are not lost"
    assert bench.store.calls == ["take"]


def test_a_lapsed_lease_calls_nothing_and_goes_on_when_it_comes_back() -> None:
    bench = CoordinatorBench()
    bench.run(0)
    bench.api.away = True
    bench.run(40)
    assert bench.runner.guards[0].remaining() < 0
    assert not bench.view.held
    assert 20 < bench.view.lapsed < 40
    assert bench.runner.reported == ["start 0"]
    bench.api.away = False
    bench.run(2)
    assert bench.runner.reported == ["start 0", "resume 0"]
    assert bench.view.held == (0,)
    assert bench.view.lapsed == 0
    bench.run(60)
    assert bench.runner.reported == ["start 0", "resume 0"]


def test_nothing_is_exported_or_stored_while_the_lease_has_lapsed() -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    shard = bench.other_joins()
    bench.runner.drained = False
    bench.run(5)
    bench.api.away = True
    bench.run(20)
    bench.runner.drained = True
    bench.run(5)
    assert f"stop_and_export {shard}" not in bench.runner.reported
    bench.api.away = False
    bench.other(member_lease("other"))
    bench.run(2)
    assert f"stop_and_export {shard}" in bench.runner.reported
    assert shard in bench.store.kept


def test_a_lost_shard_is_dropped() -> None:
    bench = CoordinatorBench()
    bench.run(0)
    bench.other(shard_lease(0))
    bench.run(5)
    assert bench.runner.reported == ["start 0", "drop 0"]
    assert bench.runner.guards[0].remaining() < 0
    assert not bench.view.held


def test_a_shard_that_is_lost_before_it_was_begun_is_not_dropped() -> None:
    bench = CoordinatorBench()
    bench.store.failures = 1
    bench.store.meanwhile = lambda: bench.other(shard_lease(0))
    while not bench.store.calls:
        bench.shards.run_once()
    bench.now += 20
    bench.run(1)
    assert bench.runner.reported == []


def test_stored_sessions_are_fetched_again_when_the_shard_stays_after_all() -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    shard = bench.other_joins()
    bench.store.meanwhile = lambda: setattr(bench.api, "away", True)  # right after they were put
    bench.run(5)
    assert shard in bench.store.kept
    assert bench.runner.guards[shard].remaining() < 0, "the release may have been carried out"
    bench.api.away = False
    bench.store.meanwhile = lambda: None
    del bench.api.leases[member_lease("other")]
    bench.run(2)
    assert bench.runner.reported[-1] == f"start {shard}"
    assert bench.runner.sessions[shard] == ["new"]
    assert shard not in bench.store.kept


def test_a_shard_that_stays_before_its_sessions_were_stored_is_begun_without_the_store() -> None:
    bench = CoordinatorBench(2)
    bench.run(0)
    shard = bench.other_joins()
    bench.runner.drained = False
    bench.run(5)
    del bench.api.leases[member_lease("other")]
    bench.run(1)
    bench.runner.drained = True
    calls = list(bench.store.calls)
    bench.run(1)
    assert bench.runner.reported[-2:] == [f"stop_and_export {shard}", f"start {shard}"]
    assert bench.runner.sessions[shard] == ["new"]
    assert bench.store.calls == calls


def test_at_the_end_all_shards_are_handed_over() -> None:
    bench = CoordinatorBench(3)
    bench.run(0)
    bench.shards._stop.set()
    assert bench.run(1)
    assert sorted(bench.store.kept) == [0, 1, 2]
    assert {lease.holder for lease in bench.api.leases.values()} == {""}
    assert member_lease("me") not in bench.api.leases
    assert not bench.view.held


def test_at_the_end_sessions_that_were_fetched_and_not_begun_are_put_back() -> None:
    bench = CoordinatorBench()
    bench.store.kept[0] = [session("a")]
    bench.store.meanwhile = lambda: setattr(bench, "now", bench.now + 13)
    while not bench.store.calls:
        bench.shards.run_once()
    bench.store.meanwhile = lambda: None
    bench.shards._stop.set()
    assert bench.run(1)
    assert bench.runner.reported == []
    assert [kept.uid for kept in bench.store.kept[0]] == ["a"]


def test_at_the_end_a_shard_whose_sessions_were_not_fetched_is_given_away_as_it_is() -> None:
    bench = CoordinatorBench()
    bench.store.failures = 1
    while not bench.store.calls:
        bench.shards.run_once()
    bench.shards._stop.set()
    assert bench.run(1)
    assert bench.store.calls == ["take"]
    assert bench.runner.reported == []


def test_at_the_end_before_it_was_ready_there_is_nothing_to_do() -> None:
    bench = CoordinatorBench()
    bench.ready.clear()
    bench.shards._stop.set()
    assert bench.run(0)


def test_another_number_of_shards_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = CoordinatorBench(2)
    bench.other(member_lease("other"), shards=4)
    bench.run(10)
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "a different --shards than 2" in warning.message
    assert "appconfig-operator-member-other" in warning.message
    bench.run(10)
    assert bench.view.held == (0, 1)
    assert "All replicas have the same --shards" in caplog.text


def test_an_absence_of_the_api_server_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = CoordinatorBench()
    bench.api.away = True
    bench.run(30)
    bench.api.away = False
    bench.run(5)
    assert caplog.text.count("The API server is away") == 1
    assert caplog.text.count("Leases can be read and written again") == 1


def test_a_refusal_of_writes_alone_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Lists succeed meanwhile: they say nothing of the writes."""
    caplog.set_level(logging.INFO)
    bench = CoordinatorBench()
    bench.api.refused = (CreateLease, ReplaceLease)
    bench.run(30)
    assert bench.shards.complaint == REFUSED
    assert caplog.text.count(REFUSED) == 1
    assert "again" not in caplog.text
    bench.api.refused = ()
    bench.run(5)
    assert bench.shards.complaint == ""
    assert caplog.text.count("Leases can be read and written again") == 1


def test_the_age_is_that_of_the_last_turn() -> None:
    bench = CoordinatorBench()
    bench.run(0)
    bench.now += 7
    assert bench.view.age == 7


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appconfig_operator.engine.shard_coordinator.AFTER_A_BUG_SECONDS", 0.01)


def in_thread(bench: CoordinatorBench) -> ShardCoordinator:
    shards = ShardCoordinator(
        Replica("me", 2, DURATION),
        leases=bench.api,
        runner=bench.runner,
        store=bench.store,
        executor=ThreadPoolExecutor(1),
        ready=bench.ready,
        view=ShardView(2, time.monotonic),
        monotonic=time.monotonic,
    )
    shards.start()
    return shards


def test_the_thread_takes_and_gives() -> None:
    bench = CoordinatorBench(2)
    shards = in_thread(bench)
    wait_until(lambda: shards.view.held == (0, 1), 10, "all shards")
    assert shards.stop(10)
    assert sorted(bench.store.kept) == [0, 1]
    assert {lease.holder for lease in bench.api.leases.values()} == {""}


def test_the_api_server_being_away_holds_nothing_up() -> None:
    bench = CoordinatorBench(2)
    shards = in_thread(bench)
    wait_until(lambda: shards.view.held == (0, 1), 10, "all shards")
    bench.api.away = True
    before = time.monotonic()
    assert not shards.stop(0.3)
    assert time.monotonic() - before < 5
    bench.api.away = False
    assert shards.stop(10)


@pytest.mark.usefixtures("hurried")
def test_a_bug_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    bench = CoordinatorBench(2)
    bench.api.bug = True
    shards = in_thread(bench)
    wait_until(lambda: "ZeroDivisionError" in caplog.text, 10, "the bug in the log")
    bench.api.bug = False
    wait_until(lambda: shards.view.held == (0, 1), 10, "all shards")
    assert shards.stop(10)


def test_a_bug_that_one_shard_meets_keeps_no_other_from_resuming(mocker: MockerFixture) -> None:
    bench = CoordinatorBench(3)
    bench.run(2)
    held = list(bench.shards._election.held)
    theirs = assign(3, ["me", "other"])
    unlucky = min((shard for shard in held if theirs[shard] == "other"), key=held.index)
    behind = {shard for shard in held[held.index(unlucky) :] if theirs[shard] == "me"}
    assert behind, "a shard that stays here is stepped after the one that leaves"
    mocker.patch.object(bench.runner, "drain", side_effect=ZeroDivisionError)
    bench.other(member_lease("other"))
    step(bench, 5)
    bench.api.away = True
    step(bench, 20)
    assert all(guard.remaining() <= 0 for guard in bench.runner.guards.values())
    bench.api.away = False
    bench.runner.reported.clear()
    bench.other(member_lease("other"))
    step(bench, 5)
    assert {f"resume {shard}" for shard in behind} <= set(bench.runner.reported)


def step(bench: CoordinatorBench, seconds: float) -> None:
    """Let time go by, as the thread does: a bug ends one step."""
    end = bench.now + seconds
    while bench.now < end:
        bench.now += max(bench.shards._run_safely() or 0.0, 0.05)
