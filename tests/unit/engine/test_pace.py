"""What users may cause: each beginning is a session, and AWS bills what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import BlockedError, Reason, StallingError
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.engine import starts
from appconfig_operator.engine.poll import Polled, _awaits
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.starts import BURST, SECONDS, Starts
from appconfig_operator.engine.workers import Job
from tests.support.builders import source, spec, target
from tests.unit.support.engine_fakes import FakeLeaseGuard
from tests.unit.support.running import NEVER, Recorder

if TYPE_CHECKING:
    import pytest


@dataclass
class Hand:
    """A scheduler by hand: with a clock of our own, and no thread."""

    recorder: Recorder = field(default_factory=Recorder)
    now: float = 1000.0
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.recorder, shards=1, workers=4, monotonic=lambda: self.now)
        self.scheduler.start(0, FakeLeaseGuard(), {})

    def take(self) -> Job | None:
        taken = self.scheduler._schedule.take(self.now)
        return taken if isinstance(taken, Job) else None

    def poll(self, polled: Polled | None = None) -> int:
        """Poll all that is due, and tell how many that were."""
        count = 0
        while (job := self.take()) is not None:
            self.jobs.append(job)
            self.scheduler.done(job, polled or Polled(NEVER, PollResult.UNCHANGED))
            count += 1
        return count

    def begun(self) -> int:
        """Tell how many sessions were begun that were polled."""
        return len({id(job.state) for job in self.jobs})


def test_a_few_changes_are_carried_out_at_once() -> None:
    hand = Hand()
    for generation in range(1, BURST + 1):
        hand.scheduler.put(source(generation=generation))
        assert hand.poll() == 1
    assert hand.begun() == BURST


def test_a_storm_of_changes_begins_few_sessions_and_ends_with_the_newest_spec() -> None:
    hand = Hand()
    for step in range(600):
        hand.now += 0.05
        hand.scheduler.put(source(generation=step + 1))
        hand.poll()
    assert hand.begun() <= BURST + 30 / SECONDS + 1
    hand.now += SECONDS
    assert hand.poll() == 1
    assert hand.jobs[-1].source.generation == 600


def test_a_storm_of_requests_likewise() -> None:
    hand = Hand()
    for step in range(400):
        hand.now += 0.04
        hand.scheduler.put(source(requested_at=f"request {step}"))
        hand.poll()
    assert hand.begun() <= BURST + 16 / SECONDS + 1
    hand.now += SECONDS
    hand.poll()
    assert hand.jobs[-1].source.requested_at == "request 399"


def test_to_delete_and_create_again_is_no_way_around() -> None:
    hand = Hand()
    for step in range(100):
        hand.scheduler.put(source(uid=f"u{step}", name="checkout"))
        hand.poll()
        hand.scheduler.remove(f"u{step}")
        hand.now += 0.1
    assert hand.begun() <= BURST + 1


def test_a_change_during_a_poll_keeps_the_pace_too() -> None:
    hand = Hand()
    hand.scheduler.put(source(generation=0))
    for step in range(1, 100):
        job = hand.take()
        if job is not None:
            hand.jobs.append(job)
            hand.scheduler.put(source(generation=step))
            hand.scheduler.done(job, Polled(NEVER, PollResult.UNCHANGED))
        hand.now += 0.1
    assert hand.begun() <= BURST + 1


def test_others_are_not_held_back() -> None:
    hand = Hand()
    for generation in range(50):
        hand.scheduler.put(source(generation=generation))
        hand.poll()
    hand.scheduler.put(source(uid="other"))
    hand.scheduler.put(source(namespace="elsewhere", uid="there", name="checkout"))
    assert hand.poll() == 2


def test_what_was_paced_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "_SPARE", 10)
    paced = Starts()
    for number in range(1000):
        paced.reserve(source(uid=f"u{number}"), now=number * SECONDS)
    assert len(paced._allowances) <= 2 * BURST + 20


WAITS = Polled(NEVER, PollResult.TARGET_NOT_OWNED, awaits="checkout-config")
WANTED = ("shop", "checkout-config")


def waiting(hand: Hand) -> None:
    """Let a source wait for its ConfigMap, and let the look pass that follows once."""
    hand.scheduler.put(source())
    assert hand.poll(WAITS) == 1
    hand.now += 1.0
    assert hand.poll(WAITS) == 1  # what changed before it was known to wait would else be missed
    hand.now += 30.0
    assert hand.poll(WAITS) == 0


def test_a_source_that_waits_is_woken_by_its_config_map_and_by_no_other() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.changed("shop", "another")
    hand.scheduler.changed("elsewhere", "checkout-config")
    assert hand.poll() == 0
    hand.scheduler.changed(*WANTED)
    assert hand.poll() == 1
    hand.scheduler.changed(*WANTED)
    hand.now += 5.0
    assert hand.poll() == 0, "it waits no more"


def test_who_keeps_changing_the_config_map_keeps_no_worker_busy() -> None:
    hand = Hand()
    waiting(hand)
    polls = 0
    for _ in range(100):
        hand.now += 0.1
        hand.scheduler.changed(*WANTED)
        polls += hand.poll(WAITS)
    assert 9 <= polls <= 11


def test_a_change_during_its_look_is_not_missed() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.changed(*WANTED)
    job = hand.take()
    assert job is not None
    hand.scheduler.changed(*WANTED)
    hand.scheduler.done(job, WAITS)
    assert hand.poll() == 0
    hand.now += 1.0
    assert hand.poll() == 1


def test_the_source_before_wakes_those_that_wait_when_it_goes_or_changes() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.put(source(uid="before"))
    hand.poll()
    hand.scheduler.put(source(uid="before", generation=2, spec=spec(target=target(name="another"))))
    assert {job.source.uid for job in polled(hand)} == {source().uid, "before"}
    hand.now += 5.0
    hand.scheduler.put(source(uid="last"))
    hand.poll(WAITS)
    hand.now += 5.0
    hand.poll(WAITS)
    hand.scheduler.remove("last")
    assert {job.source.uid for job in polled(hand)} == set(), "nobody waits any more"


def polled(hand: Hand) -> list[Job]:
    before = len(hand.jobs)
    hand.poll()
    return hand.jobs[before:]


def test_a_source_that_is_gone_waits_no_more() -> None:
    hand = Hand()
    waiting(hand)
    assert hand.scheduler.awaited("shop") == [WANTED] == hand.scheduler.awaited(None)
    assert hand.scheduler.awaited("elsewhere") == []
    hand.scheduler.remove(source().uid)
    assert hand.scheduler.awaited(None) == []
    hand.scheduler.changed(*WANTED)
    assert hand.poll() == 0


def test_a_shard_that_goes_takes_along_who_waits() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.discard(0)
    assert hand.scheduler.awaited(None) == []


def test_waking_does_not_pass_the_pace_of_beginnings() -> None:
    hand = Hand()
    waiting(hand)
    for generation in range(2, 2 * BURST):
        hand.scheduler.put(source(generation=generation))
        hand.poll(WAITS)
    begun = hand.begun()
    for _ in range(10):
        hand.now += 1.0
        hand.scheduler.changed(*WANTED)
        hand.poll(WAITS)
    assert hand.begun() == begun


def test_a_start_that_never_came_is_given_back() -> None:
    hand = Hand()
    for generation in range(BURST + 1):
        hand.scheduler.put(source(generation=generation))
        hand.poll()
    for step in range(100):
        hand.scheduler.remove(source().uid if step == 0 else f"u{step - 1}")
        hand.scheduler.put(source(uid=f"u{step}", name="checkout"))
        hand.now += 0.1
    hand.now += 2 * SECONDS
    assert hand.poll() == 1


def test_a_wake_is_not_lost_where_the_next_turn_is_for_the_status_alone() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.changed(*WANTED)
    hand.poll(Polled(0.8, PollResult.TARGET_NOT_OWNED, awaits="checkout-config"))
    hand.now += 0.5
    hand.scheduler.changed(*WANTED)
    (entry,) = hand.scheduler.entries()
    assert entry.memory is not None
    assert entry.memory.woken


def test_a_fight_waits_for_nothing() -> None:
    """It is polled at a slow pace, and must not be woken by its own adversary."""
    assert _awaits(BlockedError(Reason.TARGET_CONFLICT, "a key is another's"))
    assert not _awaits(StallingError(Reason.TARGET_CONFLICT, "was changed again and again"))
    assert not _awaits(BlockedError(Reason.PINNED_VERSION_MISSING, "none is kept"))
    assert not _awaits(None)
