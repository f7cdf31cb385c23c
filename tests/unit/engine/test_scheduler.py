from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.status import Status, WrittenTarget
from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import SourceGoneError
from appconfig_operator.core.target.drift import ConfigMapSnapshot, Drift, DriftKind
from appconfig_operator.engine.state.observed_config_maps import WAITING
from tests.support.builders import source, spec, target
from tests.unit.support.running import NEVER, Gate, Recorder, Running, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.scheduler import Scheduler


def test_a_new_source_is_polled_at_once(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    start(recorder).put(source())
    eventually(lambda: recorder.polled)


def test_a_source_is_polled_again_when_due_and_not_before(start: Callable[..., Scheduler]) -> None:
    times: list[float] = []

    def delay(_: Source) -> float:
        times.append(time.monotonic())
        return 0.05

    start(Recorder(delay)).put(source())
    eventually(lambda: len(times) >= 5)
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.05


def test_many_sources_are_polled_in_turn_by_few_workers(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder(lambda _: 0.001)
    scheduler = start(recorder, 3)
    for number in range(100):
        scheduler.put(source(uid=f"u{number}"))
    eventually(lambda: all(recorder.count(f"u{number}") >= 3 for number in range(100)))
    assert recorder.most <= 3


def test_an_earlier_source_overtakes_one_that_waits(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder(lambda _: 60.0)
    scheduler = start(recorder)
    scheduler.put(source(uid="first"))
    eventually(lambda: recorder.polled)
    scheduler.put(source(uid="second"))
    eventually(lambda: recorder.count("second"))
    assert recorder.count("first") == 1


def test_a_new_generation_begins_anew_at_once_and_keeps_the_status(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    known = Status(observed_generation=1)
    scheduler.put(source(status=known))
    eventually(lambda: recorder.polled)
    scheduler.put(source(generation=2, status=known))
    eventually(lambda: len(recorder.polled) == 2)
    assert [generation for _, generation in recorder.polled] == [1, 2]
    assert [status for _, status in recorder.remembered] == [known, known]


@pytest.mark.parametrize("generation", [1, 0], ids=["same", "older"])
def test_an_event_without_a_new_generation_changes_nothing(start: Callable[..., Scheduler], generation: int) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    scheduler.put(source())
    eventually(lambda: recorder.polled)
    scheduler.put(source(generation=generation, resource_version="11"))
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert len(recorder.remembered) == 2


def test_a_change_during_a_poll_is_polled_after_it(start: Callable[..., Scheduler]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    scheduler = start(recorder)
    scheduler.put(source())
    gate.wait_entered()
    scheduler.put(source(generation=2))
    scheduler.put(source(generation=3))
    gate.opened.set()
    eventually(lambda: len(recorder.polled) == 2)
    assert [generation for _, generation in recorder.polled] == [1, 3]


def test_a_removed_source_is_polled_no_more(start: Callable[..., Scheduler]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    scheduler = start(recorder)
    scheduler.put(source())
    gate.wait_entered()
    scheduler.remove("nobody")
    scheduler.remove(source().uid)
    scheduler.put(source(generation=2, deleting=True))
    gate.opened.set()
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(source().uid) == 1
    assert scheduler.uids() == {"other"}


def test_a_source_that_is_gone_is_forgotten(start: Callable[..., Scheduler]) -> None:
    def gone(_: Source) -> float:
        raise SourceGoneError("u")

    scheduler = start(Recorder(gone))
    scheduler.put(source())
    eventually(lambda: not scheduler.uids())


def test_a_source_that_is_gone_and_removed_at_once_ends_no_thread(start: Callable[..., Scheduler]) -> None:
    gate = Gate()

    def gone(polled: Source) -> float:
        if polled.uid == "other":
            return NEVER
        gate(polled)
        raise SourceGoneError("u")

    recorder = Recorder(gone)
    scheduler = start(recorder, 1)
    scheduler.put(source())
    gate.wait_entered()
    scheduler.remove(source().uid)
    gate.opened.set()
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))


def test_sources_are_polled_at_once(start: Callable[..., Scheduler]) -> None:
    gate = Gate()
    scheduler = start(Recorder(gate), 2)
    for uid in ("one", "two"):
        scheduler.put(source(uid=uid))
        gate.wait_entered()
    gate.opened.set()


def test_a_change_makes_the_old_due_time_void(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder(lambda polled: 0.1 if polled.generation == 1 else NEVER)
    scheduler = start(recorder)
    scheduler.put(source())
    eventually(lambda: recorder.polled)
    scheduler.put(source(generation=2))
    scheduler.put(source(uid="clock"))
    eventually(lambda: recorder.count("clock") >= 4)
    assert [generation for uid, generation in recorder.polled if uid == source().uid][-1:] == [2]
    assert sum(generation == 2 for _, generation in recorder.polled) == 1


def test_only_sources_known_before_the_list_are_forgotten(start: Callable[..., Scheduler]) -> None:
    scheduler = start(Recorder())
    for uid in ("deleted", "there", "new"):
        scheduler.put(source(uid=uid))
    scheduler.keep_only({"there"}, among={"deleted", "there"})
    assert scheduler.uids() == {"there", "new"}


def test_a_suspended_source_is_not_polled_and_a_resumed_one_is(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    suspended = source(spec=spec(suspend=True))
    scheduler.put(suspended)
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(suspended.uid) == 0
    scheduler.put(source(generation=2))
    eventually(lambda: recorder.count(suspended.uid))


def test_a_source_suspended_during_a_poll_is_not_polled_again(start: Callable[..., Scheduler]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    scheduler = start(recorder)
    scheduler.put(source())
    gate.wait_entered()
    scheduler.put(replace(source(generation=2), spec=spec(suspend=True)))
    gate.opened.set()
    eventually(lambda: len(recorder.remembered) == 2)
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(source().uid) == 1


def test_a_bug_met_by_one_source_stops_no_thread_and_shows_no_value(
    start: Callable[..., Scheduler], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Source) -> float:
        raise ValueError("geheim")

    recorder = Recorder(fail)
    scheduler = start(recorder, 1)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            scheduler.put(source(uid=f"u{number}"))
        eventually(lambda: len(caplog.records) == 3)
    assert "ValueError" in caplog.text
    assert "test_scheduler.py" in caplog.text
    assert "geheim" not in caplog.text
    assert len(scheduler.uids()) == 3


def test_stop_waits_for_polls_under_way_and_begins_none(run: Callable[..., Running]) -> None:
    gate = Gate()
    recorder = Recorder(gate)
    running = run(recorder, 1)
    running.scheduler.start(0, running.guard, {})
    running.scheduler.put(source())
    gate.wait_entered()
    running.scheduler.put(source(uid="other"))
    assert not running.stop(0.05)
    gate.opened.set()
    assert running.stop(10)
    assert recorder.count("other") == 0


def test_a_request_to_sync_begins_anew_at_once(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    scheduler.put(source(requested_at="then"))
    eventually(lambda: recorder.polled)
    scheduler.put(source(requested_at="now"))
    eventually(lambda: len(recorder.polled) == 2)
    assert len(recorder.remembered) == 2


WRITTEN = WrittenTarget("checkout-config", "sha256:1", 1, "2026-01-01T00:00:00Z", "88")


def test_a_drifted_config_map_is_looked_at_at_once(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder(written=WRITTEN)
    scheduler = start(recorder)
    scheduler.put(source())
    eventually(lambda: recorder.polled)
    scheduler.observe("nobody", ConfigMapSnapshot("shop", "checkout-config"))
    scheduler.observe(source().uid, ConfigMapSnapshot("shop", "another"))
    scheduler.observe(source().uid, ConfigMapSnapshot("shop", "checkout-config"))
    eventually(lambda: len(recorder.polled) == 2)
    assert recorder.drifts == [None, Drift(DriftKind.DELETED)]


def test_a_drift_during_a_poll_is_looked_at_after_it(start: Callable[..., Scheduler]) -> None:
    gate = Gate()
    recorder = Recorder(gate, written=WRITTEN)
    scheduler = start(recorder)
    scheduler.put(source())
    gate.wait_entered()
    scheduler.observe(source().uid, ConfigMapSnapshot("shop", "checkout-config"))
    gate.opened.set()
    eventually(lambda: recorder.drifts == [None, Drift(DriftKind.DELETED)])


def test_what_a_source_waits_for_is_given_up_after_a_restart(run: Callable[..., Running]) -> None:
    """Unless it asks for it still: then it is what it wants."""
    recorder = Recorder(written=WRITTEN)
    running = run(recorder)
    scheduler = running.scheduler
    scheduler.put(source())
    scheduler.note_waiting_owners(frozenset({source().uid}), "elsewhere", "another")
    scheduler.note_waiting_owners(frozenset({"nobody", source().uid}), "shop", "waited-for")
    scheduler.start(0, running.guard, {})
    eventually(lambda: recorder.polled)
    (state,) = scheduler.states()
    assert state.poll_state is not None
    assert state.poll_state.delivery.unreleased == {"waited-for"}


def waited_for(scheduler: Scheduler, uid: str = source().uid) -> frozenset[str]:
    return next(state.config_maps.waiting_for for state in scheduler.states() if state.source.uid == uid)


def test_what_a_source_waits_for_no_more_is_forgotten(run: Callable[..., Running]) -> None:
    scheduler = run(Recorder()).scheduler
    both = frozenset({source().uid, "another"})
    scheduler.put(source())
    scheduler.put(source(uid="another"))
    scheduler.note_waiting_owners(both, "shop", "one")
    scheduler.note_waiting_owners(both, "shop", "two")
    scheduler.note_waiting_owners(both - {source().uid}, "shop", "one")
    assert waited_for(scheduler) == {"two"}
    assert waited_for(scheduler, "another") == {"one", "two"}
    scheduler.remove("another")
    scheduler.note_waiting_owners(frozenset(), "shop", "two")
    scheduler.note_waiting_owners(frozenset(), "shop", "one")
    assert waited_for(scheduler) == frozenset()
    assert scheduler._schedule._waiting_owners == {}


def test_what_a_source_waits_for_is_forgotten_with_a_poll_that_finds_it_gone(run: Callable[..., Running]) -> None:
    """The watch may report the deletion only later, and then the source is unknown."""

    def gone(_: Source) -> float:
        raise SourceGoneError("u")

    running = run(Recorder(gone))
    scheduler = running.scheduler
    scheduler.put(source())
    scheduler.note_waiting_owners(frozenset({source().uid}), "shop", "one")
    scheduler.start(0, running.guard, {})
    eventually(lambda: not scheduler.uids())
    assert scheduler._schedule._waiting_owners == {}


def test_what_a_source_waits_for_is_bounded(run: Callable[..., Running]) -> None:
    scheduler = run(Recorder()).scheduler
    scheduler.put(source())
    for number in range(10_000):
        scheduler.note_waiting_owners(frozenset({source().uid}), "shop", f"forged-{number}")
    assert len(waited_for(scheduler)) == len(scheduler._schedule._waiting_owners) == WAITING
    scheduler.remove(source().uid)
    assert scheduler._schedule._waiting_owners == {}


OWNED = replace(WRITTEN, name="checkout-config")


@pytest.mark.parametrize(
    ("generation", "repaired"), [(1, True), (0, False)], ids=["written", "its policy just changed"]
)
def test_a_removed_owner_reference_is_put_back(
    start: Callable[..., Scheduler], generation: int, *, repaired: bool
) -> None:
    recorder = Recorder(written=OWNED)
    scheduler = start(recorder)
    scheduler.put(source(status=Status(observed_generation=generation)))
    eventually(lambda: recorder.polled)
    scheduler.observe(
        source().uid, ConfigMapSnapshot("shop", "checkout-config", "89", 1, None, "sha256:1", controlled=False)
    )
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    eventually(lambda: recorder.count(source().uid) == (2 if repaired else 1))
    assert (Drift(DriftKind.OWNER_REFERENCE) in recorder.drifts) is repaired


def test_targets_are_the_config_maps_that_carry_the_mark(start: Callable[..., Scheduler]) -> None:
    scheduler = start(Recorder(written=WRITTEN))
    scheduler.put(source(uid="here"))
    scheduler.put(source(uid="there", namespace="elsewhere"))
    merging = spec(target=target(creation_policy=CreationPolicy.MERGE))
    scheduler.put(source(uid="merges", spec=merging))
    assert scheduler.targets(None) == {
        "here": ("shop", "checkout-config"),
        "there": ("elsewhere", "checkout-config"),
    }
    assert set(scheduler.targets("shop")) == {"here"}


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        (CreationPolicy.OWNER, ConfigMapSnapshot("elsewhere", "checkout-config")),
        (CreationPolicy.MERGE, ConfigMapSnapshot("shop", "checkout-config")),
    ],
    ids=["a copy in another namespace", "a shared one"],
)
def test_a_copied_mark_is_no_drift(
    start: Callable[..., Scheduler], policy: CreationPolicy, seen: ConfigMapSnapshot
) -> None:
    recorder = Recorder(written=WRITTEN)
    scheduler = start(recorder)
    scheduler.put(source(spec=spec(target=target(creation_policy=policy))))
    eventually(lambda: recorder.polled)
    scheduler.observe(source().uid, seen)
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(source().uid) == 1


def test_a_request_that_another_replica_has_handled_is_not_handled_again(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    scheduler.put(source())
    eventually(lambda: recorder.polled)
    scheduler.put(source(requested_at="now", status=Status(last_handled_reconcile_at="now")))
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(source().uid) == 1


def test_to_take_a_request_away_asks_for_nothing(start: Callable[..., Scheduler]) -> None:
    recorder = Recorder()
    scheduler = start(recorder)
    scheduler.put(source(requested_at="then"))
    eventually(lambda: recorder.polled)
    scheduler.put(source())
    scheduler.put(source(uid="other"))
    eventually(lambda: recorder.count("other"))
    assert recorder.count(source().uid) == 1


def test_what_was_written_is_not_forgotten_when_the_spec_changes(start: Callable[..., Scheduler]) -> None:
    """The status may not report it yet: its write may have failed."""
    recorder = Recorder(written=WRITTEN)
    scheduler = start(recorder)
    scheduler.put(source())
    eventually(lambda: recorder.polled)
    recorder.written = None
    scheduler.put(source(generation=2))
    eventually(lambda: len(recorder.polled) == 2)
    assert scheduler.targets(None) == {source().uid: ("shop", "checkout-config")}


@pytest.mark.parametrize("mark", ["bogus", "another"])
@pytest.mark.parametrize("version", ["89", ""], ids=["changed", "deleted"])
def test_an_overwritten_mark_hides_nothing(start: Callable[..., Scheduler], mark: str, version: str) -> None:
    """The label is anybody's to overwrite, also with the uid of another source."""
    recorder = Recorder(written=WRITTEN)
    scheduler = start(recorder)
    scheduler.put(source())
    scheduler.put(source(uid="another", spec=spec(target=target(name="another-config"))))
    eventually(lambda: len(recorder.polled) == 2)
    scheduler.observe(
        mark, ConfigMapSnapshot("shop", "checkout-config", resource_version=version, keys=1, data_digest="sha256:1")
    )
    eventually(lambda: recorder.count(source().uid) == 2)
    assert recorder.count("another") == 1
    assert recorder.drifts[-1] is not None


def test_whose_target_a_config_map_is_follows_the_spec(start: Callable[..., Scheduler]) -> None:
    scheduler = start(Recorder())
    scheduler.put(source())
    scheduler.put(source(uid="two"))
    asking_for = scheduler._schedule.asking_for
    assert [state.source.uid for state in asking_for(("shop", "checkout-config"))] == [source().uid, "two"]
    scheduler.put(source(generation=2, spec=spec(target=target(name="next"))))
    assert [state.source.uid for state in asking_for(("shop", "checkout-config"))] == ["two"]
    assert [state.source.uid for state in asking_for(("shop", "next"))] == [source().uid]
    scheduler.remove("two")
    scheduler.remove(source().uid)
    assert scheduler._schedule._targets._uids == {}
