from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.status import Status, WrittenTarget
from appconfig_operator.core.sharding.assignment import shard_of
from appconfig_operator.core.sharding.handover import HandedOver, SavedSession
from appconfig_operator.core.target.drift import ConfigMapSnapshot, Drift, DriftKind
from appconfig_operator.engine import delay_queue
from tests.support.builders import source
from tests.unit.support.engine_fakes import FakeLeaseGuard
from tests.unit.support.running import NEVER, Gate, Recorder, Running, eventually

if TYPE_CHECKING:
    from collections.abc import Callable


WRITTEN = WrittenTarget("checkout-config", "sha256:1", 1, "2026-01-01T00:00:00Z", "88")


def of(shard: int, shards: int = 2) -> str:
    """Give a uid that falls into a shard."""
    return next(uid for uid in map(str, range(100)) if shard_of(uid, shards) == shard)


def test_a_source_of_a_shard_that_is_not_held_is_not_polled(run: Callable[..., Running]) -> None:
    recorder = Recorder()
    running = run(recorder, shards=2)
    running.scheduler.start(1, running.guard, {})
    for shard in (0, 1):
        running.scheduler.put(source(uid=of(shard)))
    eventually(lambda: recorder.polled)
    assert recorder.remembered == [(of(1), Status())], "no memory is kept of what others poll"
    running.scheduler.start(0, running.guard, {})
    eventually(lambda: recorder.count(of(0)))


def test_sources_go_on_with_the_sessions_that_were_handed_over(run: Callable[..., Running]) -> None:
    recorder = Recorder()
    running = run(recorder)
    session = HandedOver(source().uid, 1, 0.0, 0.0, "", SavedSession("t", 60, delivered=True))
    running.scheduler.put(source())
    running.scheduler.put(source(uid="another"))
    running.scheduler.start(0, running.guard, {session.uid: session})
    assert recorder.handed_over == [session, None]


def test_a_drained_shard_is_polled_no_more_and_ends_when_its_polls_have(run: Callable[..., Running]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    running = run(recorder, 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.put(source(uid="waits"))
    assert not running.scheduler.drain(0)
    gate.opened.set()
    eventually(lambda: running.scheduler.drain(0))
    assert recorder.count("waits") == 0
    given = running.scheduler.stop_and_export(0)
    assert [each.uid for each in given] == [source().uid, "waits"]
    assert running.scheduler.drain(0), "nothing is held, so nothing is under way"
    assert [state.poll_state for state in running.scheduler.states()] == [None, None]


def test_what_is_still_polled_or_has_changed_is_not_handed_over(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(Recorder(gate), 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.put(source(generation=2))
    running.scheduler.drain(0)
    assert running.scheduler.stop_and_export(0) == []
    gate.opened.set()
    eventually(lambda: running.meter.polls)


def test_a_poll_that_hangs_does_not_hold_up_the_end(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(Recorder(gate), 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.put(source(uid="waits"))
    running.scheduler.stop()
    assert not running.scheduler.drain(0)
    running.scheduler.cut_off()
    assert running.scheduler.drain(0)
    assert [given.uid for given in running.scheduler.stop_and_export(0)] == ["waits"]
    gate.opened.set()


def test_a_shard_given_away_is_forgotten_but_for_its_sources(run: Callable[..., Running]) -> None:
    recorder = Recorder(lambda _: 0.01)
    running = run(recorder)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    eventually(lambda: recorder.polled)
    running.scheduler.discard(0)
    polls = len(recorder.polled)
    reported = replace(source(resource_version="11"), status=Status(observed_generation=1))
    running.scheduler.put(reported)
    assert running.scheduler.uids() == {source().uid}
    running.scheduler.start(0, running.guard, {})
    eventually(lambda: len(recorder.polled) > polls + 1)
    assert recorder.remembered[-1] == (source().uid, reported.status), "the status of the other replica"


def test_a_source_that_is_still_polled_when_its_shard_comes_back_waits_for_that_poll(
    run: Callable[..., Running],
) -> None:
    gate = Gate()
    recorder = Recorder(gate)  # it fails when a source is polled twice at once
    running = run(recorder, 2)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.discard(0)
    running.scheduler.start(0, FakeLeaseGuard(), {})
    running.scheduler.put(source(uid="other"))
    gate.wait_entered()
    assert recorder.count(source().uid) == 1
    gate.opened.set()
    eventually(lambda: recorder.count(source().uid) == 2)
    eventually(lambda: running.scheduler.drain(0))  # no poll is counted for a guard that it was not made under


def test_nothing_is_polled_while_the_lease_has_lapsed_and_all_is_when_it_came_back(
    run: Callable[..., Running],
) -> None:
    recorder = Recorder(lambda _: 0.01)
    running = run(recorder, shards=2)
    lapsed, lasting = FakeLeaseGuard(), FakeLeaseGuard()
    running.scheduler.start(0, lapsed, {})
    running.scheduler.start(1, lasting, {})
    lapsed.seconds = 0.0
    running.scheduler.put(source(uid=of(0)))
    running.scheduler.put(source(uid=of(1)))
    eventually(lambda: recorder.count(of(1)) >= 3)
    assert recorder.count(of(0)) == 0
    assert running.scheduler.uids() == {of(0), of(1)}
    lapsed.seconds = 10.0
    running.scheduler.resume(0)
    eventually(lambda: recorder.count(of(0)))


def test_a_resumed_shard_is_polled_at_once(run: Callable[..., Running]) -> None:
    recorder = Recorder()
    running = run(recorder)
    running.guard.seconds = 0.0
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    shard = running.scheduler._shards[0]
    eventually(lambda: shard.parked)
    assert running.scheduler.snapshot().queue_depth == 1
    running.guard.seconds = 10.0
    began = time.monotonic()
    running.scheduler.resume(0)
    running.scheduler.resume(7)  # not held: nothing to do
    eventually(lambda: recorder.polled)
    assert time.monotonic() - began < 3, "it must not wait for the next beat"
    assert not shard.parked
    assert running.fence.guards == [running.guard]


def test_what_was_never_synced_goes_before_what_is_overdue(run: Callable[..., Running]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    running = run(recorder, 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source(uid="busy"))
    gate.wait_entered()
    synced = Status(target=WRITTEN)
    for uid in ("a", "b", "c"):
        running.scheduler.put(source(uid=uid, status=synced))
    running.scheduler.put(source(uid="new"))
    gate.opened.set()
    eventually(lambda: len(recorder.polled) == 5)
    assert [uid for uid, _ in recorder.polled] == ["busy", "new", "a", "b", "c"]


def test_what_became_of_a_config_map_while_another_replica_had_it_is_seen_at_the_start(
    run: Callable[..., Running],
) -> None:
    recorder = Recorder(written=WRITTEN, start_delay=NEVER)
    running = run(recorder)
    for uid in ("deleted", "untouched"):
        running.scheduler.put(source(uid=uid, namespace=uid, status=Status(target=WRITTEN)))
    running.scheduler.observe("deleted", ConfigMapSnapshot("deleted", "checkout-config"))
    running.scheduler.observe("untouched", ConfigMapSnapshot("untouched", "checkout-config", "88"))
    running.scheduler.start(0, running.guard, {})
    eventually(lambda: recorder.polled)
    assert recorder.polled == [("deleted", 1)]
    memories = {state.source.uid: state.poll_state for state in running.scheduler.states()}
    assert {uid: memory.drift.untouched for uid, memory in memories.items() if memory} == {
        "deleted": False,
        "untouched": True,
    }


def test_targets_of_sources_that_others_poll_are_known_too(run: Callable[..., Running]) -> None:
    running = run(Recorder())
    running.scheduler.put(source(status=Status(target=WRITTEN)))
    assert running.scheduler.targets(None) == {source().uid: ("shop", "checkout-config")}


def test_what_was_to_be_put_right_is_so_still_when_the_shard_comes_back(run: Callable[..., Running]) -> None:
    gate = Gate()
    recorder = Recorder(gate, written=WRITTEN, start_delay=NEVER)
    running = run(recorder, 1)
    running.scheduler.put(source(status=Status(target=WRITTEN)))
    running.scheduler.start(0, running.guard, {})
    running.scheduler.observe(source().uid, ConfigMapSnapshot("shop", "checkout-config"))
    gate.wait_entered()
    running.scheduler.discard(0)
    gate.opened.set()
    eventually(lambda: running.meter.polls)
    running.scheduler.start(0, FakeLeaseGuard(), {})
    eventually(lambda: recorder.drifts == [Drift(DriftKind.DELETED)] * 2)


def test_the_next_holder_starts_from_the_status_of_this_one(run: Callable[..., Running]) -> None:
    recorder = Recorder()
    running = run(recorder)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    eventually(lambda: running.meter.polls)
    (state,) = running.scheduler.states()
    assert state.poll_state is not None
    state.poll_state.status.stored, state.poll_state.status.is_current = Status(observed_generation=1), True
    running.scheduler.drain(0)
    running.scheduler.stop_and_export(0)
    running.scheduler.start(0, FakeLeaseGuard(), {})
    assert [status for _, status in recorder.remembered] == [Status(), Status(observed_generation=1)]


FAILED, PASSED = Status(observed_generation=1), Status(observed_generation=2)


@pytest.mark.parametrize(("fresh", "expected"), [(False, FAILED), (True, PASSED)], ids=["reported", "written here"])
def test_what_another_replica_told_last_may_come_after_the_shard(
    run: Callable[..., Running], *, fresh: bool, expected: Status
) -> None:
    running = run(Recorder(start_delay=NEVER))
    running.scheduler.put(source(status=PASSED))
    running.scheduler.start(0, running.guard, {})
    (state,) = running.scheduler.states()
    assert state.poll_state is not None
    state.poll_state.status.is_current = fresh
    running.scheduler.put(source(status=FAILED))
    assert state.poll_state.status.stored == expected
    running.scheduler.discard(0)
    assert state.source.status == FAILED, "what was reported is not forgotten with the shard"


def test_what_another_replica_told_last_may_come_during_a_poll(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(Recorder(gate), 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source(status=PASSED))
    gate.wait_entered()
    running.scheduler.put(source(status=FAILED))
    (state,) = running.scheduler.states()
    memory = state.poll_state
    assert memory is not None
    assert memory.status.stored == PASSED, "the poll uses it"
    gate.opened.set()
    eventually(lambda: memory.status.stored == FAILED)


def test_the_scheduler_shows_that_it_lives_while_the_next_poll_is_far_off(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delay_queue, "HEARTBEAT_SECONDS", 0.05)
    running = run(Recorder())
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    eventually(lambda: running.meter.polls)
    beats: set[float] = set()

    def beat() -> bool:
        beats.add(running.scheduler._queue._heartbeat)
        return len(beats) > 3

    eventually(beat)


def test_the_scheduler_shows_that_it_lives_while_nothing_is_due(run: Callable[..., Running]) -> None:
    running = run(Recorder())
    eventually(lambda: running.scheduler.age() < 1)


def test_it_shows_no_life_when_all_workers_are_stuck(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(Recorder(gate), 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    eventually(lambda: running.scheduler.age() > 0.4)
    gate.opened.set()
    eventually(lambda: running.scheduler.age() < 0.4)


def test_each_poll_is_counted_with_its_lateness(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(Recorder(gate), 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.put(source(uid="late"))
    before = time.monotonic()
    eventually(lambda: time.monotonic() - before > 0.05)
    gate.opened.set()
    eventually(lambda: len(running.meter.polls) == 2)
    (first, took, in_time), (second, _, late) = running.meter.polls
    assert (first, second) == ("Unchanged", "Unchanged")
    assert took >= 0.05
    assert late >= 0.05 > in_time
