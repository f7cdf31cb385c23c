"""ConfigMaps of a source under names that are not its target: how the scheduler hears of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.sharding.handover import HandedOver, SavedSession
from appconfig_operator.core.target.drift import ConfigMapSnapshot
from appconfig_operator.engine.poll import PollOutcome
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.state.observed_config_maps import MANAGED
from tests.support.builders import UID, source, spec, target
from tests.unit.support.engine_fakes import FakeLeaseGuard
from tests.unit.support.running import NEVER, Recorder

if TYPE_CHECKING:
    from appconfig_operator.engine.state.source_state import SourceState


def seen(name: str, **changes: Any) -> ConfigMapSnapshot:
    fields: dict[str, Any] = {"namespace": "shop", "name": name, "resource_version": "1", "owned": True}
    return ConfigMapSnapshot(**fields | changes)


def scheduler(delay: float = NEVER) -> Scheduler:
    made = Scheduler(Recorder(start_delay=delay), shards=1, workers=4, monotonic=lambda: 0.0)
    made.put(source())
    return made


def begin(it: Scheduler, sessions: dict[str, HandedOver] | None = None) -> SourceState:
    it.start(0, FakeLeaseGuard(), sessions or {})
    (state,) = it.states()
    return state


def strays(state: SourceState) -> set[str]:
    assert state.poll_state is not None
    return set(state.poll_state.delivery.strays)


@pytest.mark.parametrize("handed_over", [False, True])
def test_what_was_seen_before_is_known_when_a_source_begins_and_looked_after_at_once(*, handed_over: bool) -> None:
    it = scheduler()
    for name in ("checkout-config", "between"):
        it.observe(UID, seen(name))
    given = HandedOver(UID, 1, 0.0, 0.0, "", SavedSession("t", 60, delivered=True))
    state = begin(it, {UID: given} if handed_over else {})
    assert strays(state) == {"between"}
    assert state.schedule.due == 0.0


def test_a_source_without_strays_waits_for_its_turn() -> None:
    it = scheduler()
    it.observe(UID, seen("checkout-config"))
    state = begin(it)
    assert strays(state) == set()
    assert state.schedule.due == NEVER


def test_what_was_the_target_when_it_was_seen_is_a_stray_after_another_rename() -> None:
    it = scheduler()
    it.observe(UID, seen("checkout-config"))
    it.put(source(generation=2, spec=spec(target=target(name="other"))))
    assert strays(begin(it)) == {"checkout-config"}


def test_one_that_comes_up_later_is_looked_after_at_once() -> None:
    it = scheduler()
    state = begin(it)
    it.observe(UID, seen("between"))
    assert strays(state) == {"between"}
    assert state.schedule.due == 0.0
    state.schedule.due = NEVER
    it.observe(UID, seen("between", resource_version="2"))
    assert state.schedule.due == NEVER, "known"


def test_one_that_comes_up_during_a_poll_is_looked_after_when_that_ends() -> None:
    it = scheduler(0.0)
    begin(it)
    job = it.next()
    assert job is not None
    it.observe(UID, seen("between"))
    assert strays(job.state) == set(), "the memory is the poll's"
    it.done(job, PollOutcome(NEVER, PollResult.UNCHANGED))
    assert strays(job.state) == {"between"}
    assert job.state.schedule.due == 0.0


@pytest.mark.parametrize(
    "changes",
    [{"owned": False}, {"namespace": "another"}, {"deleting": True}, {"resource_version": "", "owned": False}],
    ids=["a copy of the label", "another namespace", "being deleted", "gone"],
)
def test_what_is_not_the_source_s_is_no_stray(changes: dict[str, Any]) -> None:
    it = scheduler()
    it.observe(UID, seen("between", **changes))
    it.observe("nobody", seen("between"))
    assert strays(begin(it)) == set()


def test_one_that_goes_is_none_any_more() -> None:
    it = scheduler()
    it.observe(UID, seen("between"))
    it.observe(UID, seen("between", namespace="another", owned=False))
    (state,) = it.states()
    assert state.config_maps.managed == ("between",)
    it.observe(UID, ConfigMapSnapshot("shop", "between"))
    assert strays(begin(it)) == set()


def test_names_are_bounded() -> None:
    it = scheduler()
    for number in range(10_000):
        it.observe(UID, seen(f"forged-{number}"))
    (state,) = it.states()
    assert len(state.config_maps.managed) == MANAGED
