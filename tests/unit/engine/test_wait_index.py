"""Sources that wait for a ConfigMap, and what wakes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.errors import BlockedError, Reason, StallingError
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.engine.poll import PollOutcome, _waits
from appconfig_operator.engine.restart_limiter import BURST
from appconfig_operator.engine.wait_index import WaitIndex
from tests.support.builders import source, spec, target
from tests.unit.support.running import NEVER, Hand

if TYPE_CHECKING:
    from appconfig_operator.engine.workers import Job


def test_sources_are_found_by_what_they_wait_for() -> None:
    index = WaitIndex()
    assert index.set("one", WANTED)
    assert not index.set("one", WANTED)
    assert index.set("two", WANTED)
    assert index.set("three", ("elsewhere", "x"))
    assert set(index.waiting_for(WANTED)) == {"one", "two"}
    assert (index.waits_in("shop"), index.waits_in(None), index.waits_in("nowhere")) == (True, True, False)
    assert set(index.targets(None)) == {WANTED, ("elsewhere", "x")}
    assert index.set("one", ("elsewhere", "x"))
    assert index.waiting_for(WANTED) == ("two",)
    assert index.set("two", None)
    assert index.targets("shop") == []
    assert not index.waits_in("shop")


WAITS = PollOutcome(NEVER, PollResult.TARGET_NOT_OWNED, waits_for="checkout-config")
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
    hand.scheduler.config_map_changed("shop", "another")
    hand.scheduler.config_map_changed("elsewhere", "checkout-config")
    assert hand.poll() == 0
    hand.scheduler.config_map_changed(*WANTED)
    assert hand.poll() == 1
    hand.scheduler.config_map_changed(*WANTED)
    hand.now += 5.0
    assert hand.poll() == 0, "it waits no more"


def test_who_keeps_changing_the_config_map_keeps_no_worker_busy() -> None:
    hand = Hand()
    waiting(hand)
    polls = 0
    for _ in range(100):
        hand.now += 0.1
        hand.scheduler.config_map_changed(*WANTED)
        polls += hand.poll(WAITS)
    assert 9 <= polls <= 11


def test_a_change_during_its_look_is_not_missed() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.config_map_changed(*WANTED)
    job = hand.take()
    assert job is not None
    hand.scheduler.config_map_changed(*WANTED)
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
    assert hand.scheduler.waited_for("shop") == [WANTED] == hand.scheduler.waited_for(None)
    assert hand.scheduler.waited_for("elsewhere") == []
    hand.scheduler.remove(source().uid)
    assert hand.scheduler.waited_for(None) == []
    hand.scheduler.config_map_changed(*WANTED)
    assert hand.poll() == 0


def test_a_shard_that_goes_takes_along_who_waits() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.discard(0)
    assert hand.scheduler.waited_for(None) == []


def test_waking_does_not_pass_the_pace_of_beginnings() -> None:
    hand = Hand()
    waiting(hand)
    for generation in range(2, 2 * BURST):
        hand.scheduler.put(source(generation=generation))
        hand.poll(WAITS)
    begun = hand.begun()
    for _ in range(10):
        hand.now += 1.0
        hand.scheduler.config_map_changed(*WANTED)
        hand.poll(WAITS)
    assert hand.begun() == begun


def test_a_wake_is_not_lost_where_the_next_turn_is_for_the_status_alone() -> None:
    hand = Hand()
    waiting(hand)
    hand.scheduler.config_map_changed(*WANTED)
    hand.poll(PollOutcome(0.8, PollResult.TARGET_NOT_OWNED, waits_for="checkout-config"))
    hand.now += 0.5
    hand.scheduler.config_map_changed(*WANTED)
    (state,) = hand.scheduler.states()
    assert state.poll_state is not None
    assert state.poll_state.woken


def test_a_fight_waits_for_nothing() -> None:
    """It is polled at a slow pace, and must not be woken by its own adversary."""
    assert _waits(BlockedError(Reason.TARGET_CONFLICT, "a key is another's"))
    assert not _waits(StallingError(Reason.TARGET_CONFLICT, "was changed again and again"))
    assert not _waits(BlockedError(Reason.PINNED_VERSION_MISSING, "none is kept"))
    assert not _waits(None)
