"""How often users may restart sources: each restart is a session, and AWS bills what it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.engine import restart_limiter
from appconfig_operator.engine.poll import PollOutcome
from appconfig_operator.engine.restart_limiter import BURST, SECONDS, RestartLimiter
from tests.support.builders import source
from tests.unit.support.running import NEVER, Hand

if TYPE_CHECKING:
    import pytest


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
            hand.scheduler.done(job, PollOutcome(NEVER, PollResult.UNCHANGED))
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
    monkeypatch.setattr(restart_limiter, "_SPARE", 10)
    paced = RestartLimiter()
    for number in range(1000):
        paced.reserve(source(uid=f"u{number}"), now=number * SECONDS)
    assert len(paced._allowances) <= 2 * BURST + 20


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
