"""A rate limit: never more than its rate and a burst, everybody gets a turn, and a throttled one slows down."""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core.rate_limit import BURST_SECONDS, HALVING_SECONDS, RECOVERY_SECONDS, RateLimit

rates = st.floats(0.05, 2_000)
steps = st.floats(0, 5) | st.floats(0, 0.01)


def emptied(limit: RateLimit, now: float) -> tuple[int, float]:
    """Take all that is there: how much it was, and how long the next one has to wait."""
    for count in itertools.count():
        wait = limit.take(now)
        if wait:
            return count, wait
    raise AssertionError


@dataclass
class Crowd:
    """Callers who come at their times, and then again after a pause, until each has had its turns."""

    limit: RateLimit
    turns: int = 1
    pause: float = 0.0
    late: float = 0.0
    coming: list[tuple[float, int, bool]] = field(default_factory=list)
    granted: list[tuple[float, int]] = field(default_factory=list)
    asked: int = 0

    def come(self, caller: int, when: float, *, waited: bool = False) -> None:
        heapq.heappush(self.coming, (when, caller, waited))

    def run(self) -> None:
        left: dict[int, int] = {}
        while self.coming:
            now, caller, waited = heapq.heappop(self.coming)
            self.asked += 1
            wait = self.limit.take(now, waited=waited)
            if wait:
                self.come(caller, now + wait + self.late, waited=True)
                continue
            self.granted.append((now, caller))
            left[caller] = left.get(caller, self.turns) - 1
            if left[caller]:
                self.come(caller, now + self.pause)


@given(rate=rates, moves=st.lists(st.tuples(steps, st.integers(1, 20), st.booleans()), max_size=60))
def test_never_more_than_the_rate_and_a_burst(rate: float, moves: list[tuple[float, int, bool]]) -> None:
    now = 0.0
    limit = RateLimit(rate, now)
    granted = []
    for step, count, waited in moves:
        now += step
        granted += [now for _ in range(count) if not limit.take(now, waited=waited)]
    burst = max(1.0, BURST_SECONDS * rate)
    for first, start in enumerate(granted):
        for last in range(first, len(granted)):
            assert last - first + 1 <= burst + rate * (granted[last] - start) + 1e-3


@given(
    rate=rates,
    moves=st.lists(st.tuples(steps, st.sampled_from(["take", "throttled", "more", "less"])), max_size=60),
)
def test_whatever_happens_the_wait_is_a_time_to_come(rate: float, moves: list[tuple[float, str]]) -> None:
    now, full, highest = 0.0, rate, rate
    limit = RateLimit(rate, now)
    granted = 0
    for step, move in moves:
        now += step
        match move:
            case "throttled":
                limit.throttled(now)
            case "more" | "less":
                full *= 2 if move == "more" else 0.5
                highest = max(full, highest)
                limit.resize(full, now)
            case _:
                wait = limit.take(now)
                granted += not wait
                assert 0 <= wait < len(moves) * (RECOVERY_SECONDS + 1 / full)
    assert granted <= max(1.0, BURST_SECONDS * highest) + highest * now + 1e-3


@pytest.mark.parametrize(("rate", "burst"), [(800, 160), (400, 80), (10, 2), (1, 1), (0.1, 1)])
def test_the_burst(rate: float, burst: int) -> None:
    limit = RateLimit(rate, 0.0)
    assert emptied(limit, 0.0)[0] == burst
    assert emptied(RateLimit(rate, 0.0), 1_000.0)[0] == burst, "no more is saved up"


@given(rate=rates, callers=st.integers(1, 300))
def test_those_who_wait_come_back_one_by_one(rate: float, callers: int) -> None:
    """All at once, and each is given a time of its own: it asks twice, and no more."""
    limit = RateLimit(rate, 0.0)
    burst, _ = emptied(RateLimit(rate, 0.0), 0.0)
    waits = sorted(limit.take(0.0) for _ in range(burst + callers))[burst:]
    assert all(later - sooner >= 0.999 / rate for sooner, later in itertools.pairwise(waits))
    for wait in waits:
        assert limit.take(wait, waited=True) == 0.0
    assert waits[-1] <= callers / rate + 1e-6, "and no time is lost"


def test_whoever_arrives_meanwhile_goes_behind() -> None:
    limit = RateLimit(10, 0.0)
    waits = [wait for wait in (limit.take(0.0) for _ in range(7)) if wait]
    assert limit.take(waits[0]) > waits[-1] - waits[0], "the call of the moment is reserved"
    assert limit.take(waits[0], waited=True) == 0.0


@pytest.mark.parametrize("late", [0.0, 0.05, 1.0], ids=["in time", "a little late", "late"])
def test_everybody_gets_a_turn_under_overload(late: float) -> None:
    """1,000 callers each want to come every second, to a limit of 100 a second."""
    crowd = Crowd(RateLimit(100, 0.0), turns=5, pause=1.0, late=late)
    for caller in range(1_000):
        crowd.come(caller, caller / 1_000)
    crowd.run()
    assert crowd.asked <= 2 * len(crowd.granted), "each waits once a turn"
    assert crowd.granted[-1][0] == pytest.approx(50, rel=0.05), "and the rate is used"
    gaps: dict[int, float] = {}
    before: dict[int, float] = {}
    for now, caller in crowd.granted:
        gaps[caller] = max(gaps.get(caller, 0.0), now - before.get(caller, 0.0))
        before[caller] = now
    assert max(gaps.values()) < 1.2 * (10 + 1 + late), "nobody waits much longer than the others"


def test_throttling_halves_the_rate_once_per_second() -> None:
    limit = RateLimit(800, 0.0)
    limit.throttled(0.0)
    assert emptied(limit, 0.0) == pytest.approx((0, 1 / 400), rel=0.001), "and gives up what is saved"
    limit.throttled(HALVING_SECONDS / 2)
    taken, wait = emptied(limit, HALVING_SECONDS / 2)
    assert taken
    assert wait < 1 / 400, "not again so soon"
    limit.throttled(HALVING_SECONDS)
    rate = (400 + 800 / RECOVERY_SECONDS) / 2
    assert emptied(limit, HALVING_SECONDS) == pytest.approx((0, 1 / rate), rel=0.01)


@pytest.mark.parametrize(("full", "wait"), [(800, 0.319), (0.1, 10)], ids=["one a second", "less than that"])
def test_the_rate_has_a_floor(full: float, wait: float) -> None:
    """At 1/s and growing by 13.3/s², a call takes 0.319 s; from nothing it would be 0.387 s."""
    limit = RateLimit(full, 0.0)
    for _ in range(30):
        limit._halved = -HALVING_SECONDS
        limit.throttled(0.0)
    assert emptied(limit, 0.0) == pytest.approx((0, wait), rel=0.01)


def test_the_rate_grows_back_within_a_minute() -> None:
    crowd = Crowd(RateLimit(800, 0.0))
    crowd.limit.throttled(0.0)
    for caller in range(60_000):
        crowd.come(caller, 0.0)
    crowd.run()
    times = [now for now, _ in crowd.granted]

    def during(second: float) -> int:
        return bisect_left(times, second + 1) - bisect_left(times, second)

    assert during(0) == pytest.approx(400 + 7, abs=2)
    assert during(15) == pytest.approx(600 + 7, abs=2)
    assert during(30) == pytest.approx(800, abs=2), "from the half it takes half a minute"
    assert during(60) == pytest.approx(800, abs=2)
    assert crowd.asked <= 2 * 60_000, "and the growth was in the times that they were given"


def test_what_comes_while_the_rate_grows() -> None:
    """From 400/s to 800/s in 30 s: 18,000, so 2,000 of those who wait are still to be served."""
    limit = RateLimit(800, 0.0)
    limit.throttled(0.0)
    for _ in range(20_000):
        limit.take(0.0)
    assert limit.take(30.0) == pytest.approx(2_001 / 800, rel=0.001)


def test_a_halving_while_many_wait_still_serves_all() -> None:
    crowd = Crowd(RateLimit(100, 0.0))
    for caller in range(1_000):
        crowd.limit.take(0.0)
        crowd.come(caller, caller / 100)
    crowd.limit.throttled(0.0)
    crowd.run()
    assert len(crowd.granted) == 1_000
    assert crowd.granted[-1][0] < 60


def test_whoever_was_given_a_time_before_a_halving_passes_at_the_new_rate() -> None:
    limit = RateLimit(100, 0.0)
    waits = [limit.take(0.0) for _ in range(120)]
    limit.throttled(0.0)
    passed = [wait for wait in waits if 0 < wait <= 1 and limit.take(wait, waited=True) == 0]
    assert len(passed) == pytest.approx(50, abs=2)


def test_another_size() -> None:
    limit = RateLimit(800, 0.0)
    limit.resize(400, 0.0)
    assert emptied(limit, 0.0) == pytest.approx((80, 1 / 400)), "at once, when it is less"
    limit = RateLimit(400, 0.0)
    limit.resize(800, 0.0)
    assert emptied(limit, 0.0) == pytest.approx((80, 1 / 400), rel=0.001), "and gradually, when it is more"
    assert emptied(limit, 100.0) == pytest.approx((160, 1 / 800))


def test_a_clock_that_was_read_earlier() -> None:
    """Threads read it before they wait for the lock."""
    limit = RateLimit(10, 100.0)
    assert emptied(limit, 100.0) == pytest.approx((2, 0.1))
    assert limit.take(99.0) == pytest.approx(0.2)
    assert limit.take(100.0, waited=True) > 0
    assert limit.take(100.5, waited=True) == 0.0
