"""Nobody's polls wait for those of somebody else that hang, are slow, are many, or are ever new."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.pace import Pace
from appconfig_operator.engine import slots
from appconfig_operator.engine.scheduler_snapshot import lateness
from appconfig_operator.engine.slots import SLOW_SECONDS
from tests.unit.support.turns_simulation import INTERVAL, Simulation

if TYPE_CHECKING:
    from collections.abc import Callable


def quick() -> float:
    return 0.02


def hangs() -> float:
    return 13.0


def is_slow() -> float:
    return 6.0


def with_healthy(seed: int = 0, sources: int = 100) -> Simulation:
    """A simulation with healthy sources in two namespaces, spread over their interval."""
    simulation, spread = Simulation(), random.Random(seed)
    for number in range(sources):
        simulation.add(f"healthy-{number % 2}", quick, delay=spread.random() * INTERVAL, first=False)
    simulation.run(20)
    simulation.late.clear()
    return simulation


def assert_healthy(simulation: Simulation, polls: int) -> None:
    for namespace in ("healthy-0", "healthy-1"):
        assert len(simulation.late[namespace]) >= polls
        assert simulation.worst(namespace) <= 0.25
        assert simulation.worst(namespace, share=1.0) <= 1.0 + SLOW_SECONDS


@pytest.mark.parametrize("seconds", [hangs, is_slow], ids=["hang", "answer in 6 s"])
@pytest.mark.parametrize("same_region", [True, False], ids=["one region", "a region each"])
def test_a_thousand_that_are_slow_delay_nobody_else(seconds: Callable[[], float], same_region: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    simulation = with_healthy()
    for number in range(1000):
        simulation.add("sick", seconds, region=None if same_region else f"region-{number}")
    simulation.run(120)
    assert_healthy(simulation, polls=350)
    assert len(simulation.late["sick"]) >= 60  # they are not forgotten


def test_ever_new_ones_that_hang_delay_nobody_else() -> None:
    simulation = with_healthy()
    there: list[str] = []

    def replace() -> None:
        for uid in there:
            simulation.remove(uid)
        there[:] = [simulation.add("sick", hangs) for _ in range(20)]
        simulation.at(1.0, replace)

    replace()
    simulation.run(120)
    assert_healthy(simulation, polls=350)


def test_sick_ones_of_many_namespaces_delay_nobody_else() -> None:
    simulation = with_healthy()
    for number, _ in itertools.product(range(40), range(50)):
        simulation.add(f"sick-{number}", hangs)
    simulation.run(240)
    for namespace in ("healthy-0", "healthy-1"):
        # Forty fresh namespaces at once: each may take quick slots for a moment, before it is known.
        assert simulation.worst(namespace, share=0.9) <= SLOW_SECONDS


def test_a_new_source_of_another_namespace_begins_at_once() -> None:
    simulation = with_healthy()
    for _ in range(1000):
        simulation.add("sick", hangs)

    def come() -> None:
        simulation.add("newcomer", quick)

    for second in range(1, 100):
        simulation.at(second * 1.1, come)
    simulation.run(120)
    assert len(simulation.late["newcomer"]) > 99
    assert simulation.worst("newcomer", share=1.0) <= 1.0


def test_healthy_ones_beside_sick_ones_of_the_same_namespace_keep_their_pace() -> None:
    simulation = with_healthy()
    for _ in range(200):
        simulation.add("healthy-0", hangs)
    simulation.run(60)
    late = lateness(simulation.states.values(), simulation.now)
    assert max(late[Pace.QUICK], default=0.0) <= 1.0
    assert max(late[Pace.SLOW]) > 30


def test_healthy_ones_that_begin_to_hang_all_at_once_delay_no_other_namespace_for_long() -> None:
    simulation = with_healthy()
    down = False
    for _ in range(500):
        simulation.add("region-that-fails", lambda: hangs() if down else quick())
    simulation.run(60)
    down = True
    simulation.late.clear()
    simulation.run(240)
    assert_healthy(simulation, polls=700)


def test_many_that_are_due_delay_no_namespace_with_few() -> None:
    simulation = with_healthy()
    for _ in range(5000):
        simulation.add("large", quick)
    simulation.run(30)
    assert_healthy(simulation, polls=90)
    assert len(simulation.late["large"]) >= 5000


def test_one_namespace_alone_has_all_slots_for_quick_polls() -> None:
    simulation = Simulation(workers=4)
    for _ in range(100):
        simulation.add("only", quick)
    simulation.run(0.1)
    assert simulation.most == 4


def test_a_namespace_holds_no_more_than_its_share_of_the_slow_slots() -> None:
    simulation = Simulation(workers=2)
    for _ in range(100):
        simulation.add("sick", hangs)
        simulation.add("sick", hangs, region="elsewhere")
        simulation.add("other", hangs)
    simulation.run(100)
    # Of 12: each may have four at the most, and as many more as were quick when they were begun.
    assert simulation.slow_slots_of["sick"] <= 6
    assert simulation.slow_slots_of["other"] <= 6


def test_slow_ones_that_recover_have_their_pace_again() -> None:
    simulation = Simulation()
    sick = True
    for _ in range(100):
        simulation.add("shop", lambda: hangs() if sick else quick())
    simulation.run(60)
    sick = False
    simulation.run(60)
    simulation.late.clear()
    simulation.run(60)
    assert len(simulation.late["shop"]) >= 300
    assert simulation.worst("shop", share=1.0) <= 0.5


def test_lanes_of_namespaces_that_are_gone_are_forgotten() -> None:
    simulation = Simulation()
    for number in range(100):
        simulation.remove(simulation.add(f"gone-{number}", quick))
    uid = simulation.add("gone-later", quick)
    simulation.run(1)
    simulation.remove(uid)
    simulation.run(20)
    assert not simulation.lanes._lanes
    assert not simulation.lanes._namespaces


@pytest.mark.parametrize("seed", range(5))
def test_no_turn_is_lost(seed: int) -> None:
    simulation, chance = Simulation(workers=3), random.Random(seed)
    for _ in range(120):
        simulation.add(
            f"namespace-{chance.randrange(6)}",
            lambda: chance.choice([0.01, 0.1, 0.49, 0.51, 2.0, 13.0]) if chance.random() < 0.2 else 0.01,
            delay=chance.random() * 5,
            first=chance.random() < 0.5,
            region=chance.choice([None, "elsewhere"]),
        )
        simulation.run(chance.random())
    simulation.run(600)
    limit = simulation.now - 300
    assert all(state.schedule.queued_poll is None or state.schedule.due > limit for state in simulation.states.values())
    assert simulation.lanes.slots.quick >= 0
    assert simulation.lanes.slots.slow >= 0


def test_without_slots_of_their_own_slow_ones_do_delay_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof sees a broken rule: here, no poll is ever found to be slow."""
    monkeypatch.setattr(slots, "SLOW_SECONDS", 1e9)
    simulation = with_healthy()
    for _ in range(1000):
        simulation.add("sick", hangs)
    simulation.run(120)
    assert simulation.worst("healthy-0") > 10


def test_lanes_that_are_blocked_cost_others_nothing() -> None:
    """A thousand identities that hang have a lane each, and only the end of one of their polls concerns them."""
    simulation = with_healthy()
    for number in range(1000):
        simulation.add("sick", hangs, region=f"region-{number}")
    simulation.run(1)
    lanes = simulation.lanes
    assert sum(map(len, lanes._blocked.values())) > 900
    blocked = {namespace: list(each) for namespace, each in lanes._blocked.items()}
    uid = simulation.add("healthy-0", quick, proven=True, first=False)
    begun = simulation.begin()
    assert begun is not None
    state, running = begun
    assert state.source.uid == uid
    lanes.end(running, simulation.now)
    assert blocked == lanes._blocked


@pytest.mark.parametrize("delay", [86_400.0, 0.0], ids=["before they are due", "in a lane that is blocked"])
def test_cancelled_polls_do_not_pile_up(delay: float) -> None:
    simulation = Simulation()
    for _ in range(100):
        simulation.add("shop", hangs)
    simulation.run(1)
    uid = simulation.add("shop", quick, delay=delay)
    state = simulation.states[uid]
    for _ in range(10_000):
        simulation.schedule(state, delay)
        assert simulation.begin() is None
    assert sum(len(lane.polls) for lane in simulation.lanes._lanes.values()) < 2000
    assert len(simulation.queue._delayed) < 2000


def test_a_cancelled_poll_never_begins() -> None:
    simulation = Simulation()
    uid = simulation.add("shop", quick, delay=86_400.0)
    for _ in range(10_000):
        simulation.schedule(simulation.states[uid], 86_400.0)
    simulation.run(86_400.5)
    assert len(simulation.late["shop"]) == 1


def test_the_only_source_of_a_namespace_that_hangs_begins_its_next_poll_in_a_slow_slot() -> None:
    simulation = Simulation()
    simulation.add("sick", hangs)
    simulation.run(INTERVAL + 13.5)
    assert (simulation.lanes.slots.quick, simulation.lanes.slots.slow) == (0, 1)


def test_a_slot_that_gets_free_because_the_poll_in_it_takes_long_is_taken_at_once() -> None:
    simulation = Simulation(workers=1)
    simulation.add("sick", hangs)
    simulation.add("other", quick)
    simulation.run(1)
    assert simulation.late["other"] == [SLOW_SECONDS]


def test_a_lane_blocked_by_new_sources_of_another_namespace_goes_on_when_one_of_them_has_answered() -> None:
    simulation = Simulation(workers=2)
    for number in range(12):
        simulation.add(f"sick-{number}", lambda: 1000.0)
    simulation.run(20)
    simulation.add("one", quick)
    simulation.add("two", quick)
    simulation.run(1)
    assert simulation.lanes.slots.slow == 12, "no slot for slow polls was left"
    assert [len(simulation.late[namespace]) for namespace in ("one", "two")] == [1, 1]
