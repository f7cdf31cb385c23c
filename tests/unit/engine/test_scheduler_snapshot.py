"""What the scheduler knows at one moment, for metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appconfig_operator.api.status import Condition, Status
from appconfig_operator.core.pace import Pace
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.sharding.assignment import shard_of
from appconfig_operator.core.status.state import State
from appconfig_operator.engine.poll import PollOutcome
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.slots import SLOW_SECONDS
from tests.support.builders import source, spec
from tests.unit.support.engine_fakes import FakeLeaseGuard
from tests.unit.support.running import NEVER, Hand, Recorder

if TYPE_CHECKING:
    from appconfig_operator.engine.scheduler_snapshot import SchedulerSnapshot

READY = Status(conditions=(Condition("Ready", "True", "Synced", "", 1, "2026-01-01T00:00:00Z"),))


def test_polls_that_are_due_and_under_way_are_counted_by_their_pace() -> None:
    hand = Hand()
    for number in range(3):
        hand.scheduler.put(source(uid=f"u{number}"))
    jobs = [hand.take(), hand.take()]
    hand.now += SLOW_SECONDS
    hand.scheduler.put(source(namespace="elsewhere", uid="other"))
    hand.now += 2.0
    snapshot = hand.scheduler.snapshot()
    assert (snapshot.sources_known, snapshot.queue_depth) == (4, 2)
    assert snapshot.oldest_due == {Pace.QUICK: 2.0 + SLOW_SECONDS, Pace.SLOW: 0.0}
    assert snapshot.polls_under_way == {Pace.QUICK: 2, Pace.SLOW: 0}
    assert hand.poll() == 2
    snapshot = hand.scheduler.snapshot()
    assert snapshot.polls_under_way == {Pace.QUICK: 0, Pace.SLOW: 2}
    assert (snapshot.queue_depth, snapshot.oldest_due) == (0, dict.fromkeys(Pace, 0.0))
    for job in jobs:
        assert job is not None
        hand.scheduler.done(job, PollOutcome(1.0, PollResult.UNCHANGED))
    hand.now += 3.0
    assert hand.scheduler.snapshot().oldest_due == {Pace.QUICK: 0.0, Pace.SLOW: 2.0}


def test_it_is_busy_while_a_poll_that_is_expected_to_be_quick_waits() -> None:
    hand = Hand()
    assert not hand.scheduler.busy()
    hand.scheduler.put(source())
    assert hand.scheduler.busy()
    assert hand.poll(PollOutcome(5.0, PollResult.UNCHANGED)) == 1
    assert not hand.scheduler.busy()
    hand.now += 5.0
    assert hand.scheduler.busy()
    for number in range(5):
        hand.scheduler.put(source(uid=f"u{number}"))
    jobs = [hand.take() for _ in range(5)]
    assert jobs[-1] is None, "no slot is free"
    assert hand.scheduler.busy()


def states(snapshot: SchedulerSnapshot) -> dict[State, int]:
    return {state: count for state, count in snapshot.sources.items() if count}


def test_sources_are_counted_by_state_where_the_lease_lasts() -> None:
    scheduler = Scheduler(Recorder(start_delay=NEVER), shards=2, workers=4, monotonic=lambda: 0.0)
    first, second = (next(uid for uid in map(str, range(100)) if shard_of(uid, 2) == shard) for shard in (0, 1))
    scheduler.put(source(uid=first, status=READY))
    scheduler.put(replace(source(uid=second), spec=spec(suspend=True)))
    assert states(scheduler.snapshot()) == {}
    assert scheduler.snapshot().sources_known == 2
    guard = FakeLeaseGuard()
    scheduler.start(0, guard, {})
    assert states(scheduler.snapshot()) == {State.READY: 1}
    scheduler.start(1, FakeLeaseGuard(), {})
    assert states(scheduler.snapshot()) == {State.READY: 1, State.SUSPENDED: 1}
    guard.seconds = 0.0
    assert states(scheduler.snapshot()) == {State.SUSPENDED: 1}
    scheduler.drain(1)
    assert states(scheduler.snapshot()) == {}
