"""A circuit breaker: when it opens, for how long, and who probes."""

from __future__ import annotations

from appconfig_operator.core.breaker import Admission, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(3):
        breaker.missed(now, 0.0, probe=False)
    return breaker


def test_it_opens_at_the_third_miss() -> None:
    breaker = Breaker()
    for _ in range(2):
        breaker.missed(0.0, 0.0, probe=False)
        assert breaker.enter(0.0) == Admission(0.0)
        assert not breaker.pause
    breaker.missed(0.0, 0.0, probe=False)
    assert breaker.pause == 5
    assert breaker.enter(1.0) == Admission(4.0)


def test_one_probe_at_a_time() -> None:
    breaker = opened()
    assert breaker.enter(5.0) == Admission(0.0, probe=True)
    assert breaker.enter(5.0) == Admission(5.0), "another one is at it"
    breaker.leave()
    assert breaker.enter(6.0) == Admission(0.0, probe=True)


def test_each_probe_that_is_not_answered_doubles_the_pause() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(6):
        pauses.append(breaker.pause)
        now += breaker.pause
        assert breaker.enter(now).probe
        breaker.missed(now, 0.0, probe=True)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_calls_that_were_under_way_do_not_double_the_pause() -> None:
    breaker = opened()
    breaker.missed(3.0, 0.0, probe=False)
    assert breaker.pause == 5
    assert breaker.enter(5.0).probe
    breaker.missed(5.0, 0.0, probe=False)
    assert breaker.enter(5.0) == Admission(5.0), "the probe is still under way"


def test_jitter() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker.missed(0.0, 0.5, probe=False)
    assert breaker.enter(0.0) == Admission(5.5)


def test_a_probe_of_a_breaker_that_was_thrown_away_meanwhile() -> None:
    breaker = Breaker()
    breaker.missed(0.0, 0.0, probe=True)
    assert breaker.enter(0.0) == Admission(0.0)
    assert breaker.touched == 0.0
